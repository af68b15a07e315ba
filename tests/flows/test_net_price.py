"""What the hub publishes, staff approve and fees take, as a farmer reads it on the phone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.conversation import LANGUAGES, Nav, Screen
from bot.flows import price_words
from bot.flows.share import part_name
from bot.i18n import _, speaking
from bot.i18n.formats import amount, day
from bot.market import price_approval, price_fees
from bot.market.price_fees import Fee, Fees
from bot.market.products import PRODUCTS, name
from bot.ussd.gsm7 import septets
from bot.ussd.paging import lay_out
from tests.hub.sender import Hub
from tests.server import FARMER, Running

TODAY = datetime.now(UTC).astimezone(ZoneInfo("Africa/Kigali")).date()
OBSERVED = {"product": "TEA-LEAF", "kind": "observed", "unit": "kg", "place": "Kitabi",
            "district": "Nyamagabe", "source": "NAEB"}  # fmt: skip


async def published(server: Running, amount_rwf: int, on: date, **more: str) -> None:
    """A price as the hub publishes it, approved by a member of staff."""
    hub, records = Hub(server), server.parts.market.records
    price = OBSERVED | more | {"amount_rwf": amount_rwf, "valid_on": on.isoformat()}
    assert await hub.says("price.published", price) == 202
    await hub.worked()
    now = datetime.now(UTC)
    for row in await records.read(lambda db: price_approval.waiting(db, "rw")):
        number = row["id"]
        await records.write(
            lambda db, n=number: price_approval.decide(db, "rw", n, "amina", now, shown=True)
        )
    await known(server)


async def fees_of(server: Running, *fees: Fee) -> None:
    new = Fees("TEA-LEAF", date(2025, 7, 1), "NAEB", fees)
    now = datetime.now(UTC)
    await server.parts.market.records.write(
        lambda db: price_fees.publish(db, "rw", new, "amina", now)
    )
    await known(server)


async def known(server: Running) -> None:
    for one in filter(None, (server, server.second)):
        await one.parts.market.prices.refresh_if_changed()


async def english(server: Running):
    phone = server.phone(FARMER)
    await phone.dials()
    await phone.types("9", "3")
    await phone.dials()
    return phone


async def test_a_published_price_is_read_as_what_the_farmer_gets_and_by_week(server) -> None:
    await published(server, 440, TODAY - timedelta(days=7))
    await published(server, 465, TODAY)
    await fees_of(
        server, Fee("transport", "Kitabi", amount_rwf=15), Fee("cooperative", "COOTHEVM", 30)
    )
    phone = await english(server)
    await phone.types("1")
    await phone.picks("Green tea leaves")
    assert f"Kitabi, {TODAY:%d/%m/%Y}: 465 Frw/kg" in phone.last
    net = await phone.picks("More")
    net += "\n" + await phone.types("99")
    # 30 thousandths of 465 are 13.95: the fee is rounded down, the farmer has what is left.
    for line in ("Transport (Kitabi): 15 Frw", "Cooperative (COOTHEVM): 13 Frw",
                 "Fees of 01/07/2025 (NAEB)", "You get: 437 Frw/kg"):  # fmt: skip
        assert line in net.split("\n")
    weeks = await phone.picks("Price by week")
    before = TODAY - timedelta(days=7)
    assert weeks.split("\n")[:5] == [
        "Green tea leaves",
        "Kitabi (NAEB)",
        f"This week, {TODAY:%d/%m/%Y}: 465 Frw/kg",
        f"Last week, {before:%d/%m/%Y}: 440 Frw/kg",
        "Difference: +25 Frw/kg",
    ]


async def test_a_fall_an_older_price_and_another_source_are_told_as_they_are(server) -> None:
    await published(server, 465, TODAY - timedelta(days=7))
    await published(server, 450, TODAY)
    phone = await english(server)
    await phone.types("1")
    await phone.picks("Green tea leaves")
    assert "Difference: -15 Frw/kg" in await phone.picks("More")
    # Another source's word today is not compared with what this one said a week ago.
    await published(server, 500, TODAY, source="RAB")
    await fees_of(server)
    await phone.types("0", "0")
    await phone.picks("Green tea leaves")
    said = await phone.picks("More")
    assert "You get: 500 Frw/kg" in said
    weeks = await phone.picks("Price by week")
    assert "Kitabi (RAB)" in weeks and "no price" in weeks and "Difference" not in weeks


async def test_an_old_price_says_so_on_every_card(server) -> None:
    old = TODAY - timedelta(days=45)
    await published(server, 440, old)
    await fees_of(server, Fee("transport", "Kitabi", amount_rwf=15))
    phone = await english(server)
    await phone.types("1")
    await phone.picks("Green tea leaves")
    assert "It may have changed." in await phone.picks("More")
    weeks = await phone.picks("Price by week")
    weeks += await phone.types("99") if "\n99 " in weeks else ""
    assert weeks.count("no price") == 2 and f"Kitabi, {old:%d/%m/%Y}: 440 Frw/kg" in weeks
    assert "It may have changed." in weeks


async def test_fees_above_the_price_show_no_net(server) -> None:
    await published(server, 20, TODAY)
    await fees_of(server, Fee("transport", "Kitabi", amount_rwf=25))
    phone = await english(server)
    await phone.types("1")
    await phone.picks("Green tea leaves")
    assert "This week" in await phone.picks("More")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", PRODUCTS)
def test_the_longest_net_card_fits_and_splits_no_amount(language, code: str) -> None:
    with speaking(language):
        most = amount(5_000_000, language)
        taken = [f"{part_name(what)} ({'W' * 24}): {most}"
                 for what in ("roasting", "marketplace", "cooperative", "x" * 24)]  # fmt: skip
        unit = PRODUCTS[code].unit if PRODUCTS[code].unit != "piece" else _("piece")
        first = f"{_('Minimum price')} ({'N' * 80} {day(TODAY)}): {most}/{unit}"
        since = _("Fees of {day} ({source})").format(day=day(TODAY), source="S" * 80)
        keep = _("You get: {net}").format(net=f"{most}/{unit}")
        text = "\n".join([name(code), first, *taken, since, _("It may have changed.")])
        nav = Nav(_("Next"), _("Back"), _("Home"))
        pages = lay_out(Screen(text, keep=keep), nav)
    assert all(septets(page.text) <= 160 for page in pages)
    whole = re.compile(r"5.000.000 Frw")
    assert sum(len(whole.findall(page.text)) for page in pages) == 2 + len(taken)
    assert keep.replace("\u00a0", " ") in pages[-1].text
    assert price_words.SHOWN_MAX == 2
