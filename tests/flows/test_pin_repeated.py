"""A PIN is chosen anew after two repeats that were another; a slip in the first is no dead end."""

from tests.phone import PIN
from tests.server import UNKNOWN, Running


async def test_at_registration(server: Running) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    await phone.types("3", "6", "1", "Uwera Solange", "1", "1", "1", "1", "80643")
    first = await phone.types("80642")
    assert "not the same" in first and "same PIN again" in first
    second = await phone.types("80642")
    assert "not the same" in second and "Choose a PIN" in second
    assert "same PIN again" in await phone.types("80642")
    assert "You are registered" in await phone.types("80642")


async def test_at_a_change(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("9", "3", "00", "6", "1", PIN, "80643", "80642")
    assert "Choose a PIN" in await phone.types("80642")
    await phone.types("80642")
    assert "PIN is changed" in await phone.types("80642")


async def test_a_wrong_key_at_the_languages_is_explained_in_all_three(server: Running) -> None:
    phone = server.phone(UNKNOWN)
    asked = await phone.dials()
    shown = await phone.types("7")
    assert shown.startswith("Hitamo / Choisissez / Choose") and shown.endswith(asked)


async def test_the_receipt_comes_by_itself_after_a_confirmation(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("9", "3", "00", "3", "1")
    assert "Confirmed" in await phone.types(PIN)
    # The reply is lost, and the person dials again: the SMS says what was done, once.
    await phone.sends()
    await phone.dials()
    found = [text for text in await server.inbox(phone.msisdn) if "Isoko receipt" in text]
    assert len(found) == 1 and "KW-1038" in found[0] and "240,000 Frw" in found[0]
