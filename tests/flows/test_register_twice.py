"""One number registering in two calls at once: the first to finish is the one that counts."""

from tests.phone import Phone
from tests.server import UNKNOWN, Running

_FIRST, _SECOND = "80642", "91357"


async def at_the_repeated_pin(server: Running, names: str, pin: str) -> Phone:
    phone = server.phone(UNKNOWN)
    screen = await phone.dials()
    # The second call is offered the registration that the first has left open.
    await phone.types("3" if "3 English" in screen else "2")
    await phone.types("6", "1", names, "1", "1", "1", "1", pin)
    return phone


async def test_the_later_registration_is_not_said_to_have_happened(server: Running) -> None:
    late = await at_the_repeated_pin(server, "First Caller", _FIRST)
    quick = await at_the_repeated_pin(server, "Second Caller", _SECOND)
    assert "You are registered" in await quick.types(_SECOND)
    assert "already registered" in await late.types(_FIRST)


async def test_the_pin_of_the_later_registration_opens_nothing(server: Running) -> None:
    late = await at_the_repeated_pin(server, "First Caller", _FIRST)
    quick = await at_the_repeated_pin(server, "Second Caller", _SECOND)
    await quick.types(_SECOND)
    await late.types(_FIRST)
    assert "Wrong PIN" in await late.types("00", "6", "2", _FIRST)
    assert "Second Caller" in await late.types(_SECOND, "1")
