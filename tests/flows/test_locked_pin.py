"""Whose PIN is locked hears it where the order is accepted, not after all of it has been typed."""

import pytest

from tests.phone import Phone
from tests.server import Running

_WRONG = ("00000", "00001", "00002")


async def _lock(phone: Phone) -> str:
    await phone.dials()
    await phone.types("2", "1", "1")
    said = await phone.types(*_WRONG)
    assert phone.ended
    return said


@pytest.mark.parametrize("keys", [("1",), ("3", "99", "1")], ids=["all", "a part"])
async def test_a_locked_pin_is_told_at_the_choice_to_accept(
    server: Running, keys: tuple[str, ...]
) -> None:
    phone = server.phone()
    locked = await _lock(phone)
    await phone.dials()
    await phone.types("00", "2", "1")
    assert await phone.types(*keys) == locked
    assert phone.ended


async def test_an_order_can_be_refused_with_a_locked_pin(server: Running) -> None:
    phone = server.phone()
    await _lock(phone)
    await phone.dials()
    await phone.types("00", "2", "1", "2")
    assert "KW-1042" in await phone.types("1") and not phone.ended
