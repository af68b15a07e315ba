"""Calling back after a cut: go on, or start over."""

import pytest
import time_machine

from bot.ussd.gsm7 import septets
from tests.phone import PIN
from tests.server import AIRTEL, FARMER, UNKNOWN, Running


async def test_the_card_names_the_order_and_goes_on(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    offer = await phone.types("2", "1")
    card = await phone.dials()
    assert "KW-1042" in card and "1 Komereza aho wari ugeze\n2 Ahabanza" in card
    assert await phone.types("1") == offer


_HOW = {
    "rw": ("Ikiganiro cyari cyarangiye", "Itumanaho ryacitse", "Igihe cyari cyarangiye"),
    "fr": ("L'appel était terminé", "La connexion a été coupée", "Session expirée"),
    "en": ("Your call had ended", "The connection was lost", "Your session had expired"),
}


@pytest.mark.parametrize("language", _HOW)
@pytest.mark.parametrize("shared", [False, True])
async def test_the_card_says_how_the_call_ended(
    server: Running, language: str, shared: bool
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("9", str(list(_HOW).index(language) + 1))
    if shared:
        await phone.dials()
        await phone.types("6", "3", "1")
    unlock = (PIN,) if shared else ()
    for how, words in enumerate(_HOW[language]):
        with time_machine.travel("2026-11-24T08:00:00Z", tick=False) as clock:
            await phone.dials()
            # Dialled again after the card of the round before: past it first.
            await phone.types("00", "2", *unlock, "1")
            if how == 0:
                form = {"sessionId": phone.session_id, "phoneNumber": phone.msisdn}
                await server.client.post("/ussd/africastalking/events", data=form)
            clock.shift(400 if how == 2 else 20)
            card = await phone.dials()
            assert card.startswith(words) and ("KW-1042" in card) is not shared
            assert septets(card) <= 160


async def test_the_pin_is_asked_again(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    asks = await phone.types("2", "1", "3", "99", "1", "50")
    await phone.dials()
    assert await phone.types("1") == asks
    assert "50" in await phone.types(PIN)


async def test_start_over_is_the_menu(server: Running) -> None:
    phone = server.phone()
    menu = await phone.dials()
    await phone.types("2", "1")
    await phone.dials()
    assert await phone.types("2") == menu


async def test_nothing_is_offered_where_nothing_is_lost(server: Running) -> None:
    phone = server.phone()
    menu = await phone.dials()
    await phone.types("1", "1")
    assert await phone.dials() == menu


async def test_after_the_resume_time_it_is_the_menu(server: Running) -> None:
    phone = server.phone()
    with time_machine.travel("2026-11-24T08:00:00Z", tick=False) as clock:
        menu = await phone.dials()
        await phone.types("8", "7")
        clock.shift(901)
        assert await phone.dials() == menu


async def test_a_card_cut_off_is_offered_again(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    offer = await phone.types("2", "1")
    await phone.dials()
    assert "KW-1042" in await phone.dials()
    assert await phone.types("1") == offer


async def test_on_a_shared_phone_nothing_is_named_before_the_pin(server: Running) -> None:
    phone = server.phone(FARMER)
    await phone.dials()
    await phone.types("6", "3", "1", "00", "2", PIN, "1")
    card = await phone.dials()
    assert "KW-1042" not in card
    asks = await phone.types("1")
    assert "KW-1042" not in asks and "PIN" in asks
    assert "KW-1042" in await phone.types(PIN)


async def test_an_unknown_caller_goes_on_with_the_registration(server: Running) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    names = await phone.types("3", "6", "1")
    assert "registration" in await phone.dials()
    assert await phone.types("1") == names


async def test_another_number_gets_no_card(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1")
    assert "KW-1042" not in await server.phone(AIRTEL).dials()


async def test_on_a_shared_phone_nothing_gets_past_the_pin(server: Running) -> None:
    phone = server.phone(FARMER)
    await phone.dials()
    await phone.types("6", "3", "1")
    menu = await phone.dials()
    for entry in ("2", "3", "4", "6"):
        assert "PIN" in await phone.types(entry)
        assert await phone.types("0") == menu
    await phone.dials()
    assert "PIN" in await phone.types("6", "3")
    assert "KW-1042" in await phone.types("00", "2", PIN)


async def test_on_a_shared_phone_the_share_of_own_orders_comes_after_the_pin(
    server: Running,
) -> None:
    phone = server.phone(FARMER)
    await phone.dials()
    await phone.types("6", "3", "1")
    menu = await phone.dials()
    share = await phone.types("7")
    # The published example names nobody: it needs no PIN.
    assert "KW-" not in share and "16$" in await phone.types("2")
    assert "KW-" not in await phone.types("00", "7", "1")
    assert "PIN" in phone.last
    assert await phone.types("0") == menu
    assert "KW-1038" in await phone.types("7", "1", PIN)
    assert "240,000 Frw" in await phone.types("1", "99")
