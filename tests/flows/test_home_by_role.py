"""Home shows what the caller's role needs, with the numbers of everybody."""

import pytest

from tests.server import FARMER, HOST, UNKNOWN, Running

_LABELS = {
    "1": ("Ibiciro", "Komande", "Ubwishyu", "Aho umuzigo ugeze", "Amasomo", "Abashyitsi"),
    "2": ("Prix", "Commandes", "Paiements", "Suivi des envois", "Lecons", "Visiteurs"),
    "3": ("Prices", "Orders", "Payments", "Track shipment", "Lessons", "Visitors"),
}


@pytest.mark.parametrize("language", _LABELS)
async def test_S1_a_host_has_visitors_under_6(server: Running, language: str) -> None:
    phone = server.phone(HOST)
    await phone.dials()
    await phone.types("9", language)
    home = (await phone.dials()).replace("ç", "c")
    for number, label in enumerate(_LABELS[language], 1):
        assert f"\n{number} {label}\n" in home
    assert "60" in await phone.types("6")


async def test_S1_others_have_no_visitors_and_the_same_numbers(server: Running) -> None:
    farmer, stranger = server.phone(FARMER), server.phone(UNKNOWN)
    home = await farmer.dials()
    await stranger.dials()
    unknown = await stranger.types("1")
    for screen, sixth in ((home, "Konti yanjye"), (unknown, "Iyandikishe")):
        assert f"6 {sixth}\n7 Uruhare ku giciro\n8 Ubufasha\n9 Ururimi" in screen
        assert "Abashyitsi" not in screen


async def test_a_host_reaches_the_account(server: Running) -> None:
    phone = server.phone(HOST)
    await phone.dials()
    assert "Konti\n" in await phone.types("7")


async def test_an_accepted_visit_is_still_to_be_seen(server: Running) -> None:
    phone = server.phone(HOST)
    await phone.dials()
    await phone.types("6", "1")
    assert "Wemeye abashyitsi" in await phone.types("73914")
    phone = server.phone(HOST)
    await phone.dials()
    seen = await phone.types("00", "6")
    assert "Nta bashyitsi bashya" in seen and "09:00: abashyitsi 4" in seen
