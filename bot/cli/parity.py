"""The parity sheet: each screen as a feature phone shows it, beside the message in the chat."""

from __future__ import annotations

import re
import tempfile
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from pathlib import Path

from sqlalchemy import Connection

from bot import demo
from bot.cli.every_screen import Place, Shown, Walk, Walker
from bot.conversation import LANGUAGE_NAMES, LANGUAGES, Language, Page, Screen
from bot.engine import Layout
from bot.engine.layout import lay_out, nav_for, ways_out
from bot.flows import FLOWS
from bot.i18n import load_catalogues, speaking
from bot.market import Actor, Market, payments, people, sales, telegram_linking, telegram_words
from bot.market.sales import Asking
from bot.payments.provider import MTN_MOMO
from bot.settings import load_settings
from bot.storage.opening import open_records, upgrade
from bot.telegram.layout import ChatLayout
from bot.ussd.feature_phone import FeaturePhone
from bot.wiring import market_of

# What is shown depends on the day, so that the sheet has a day of its own.
DAY = datetime(2026, 11, 24, 9, tzinfo=UTC)
LINKED = demo.CAST[4].msisdn
_BUYER = "+250788777001"
# Places that only one of the two can come to: which one, and why.
ONE_ONLY: dict[Place, tuple[str, str]] = {
    ("telegram_link", "share"): ("telegram", "a phone always has a number"),
    ("help", "no_number"): ("telegram", "a phone always has a number"),
    ("telegram_link", "code"): ("ussd", "only the phone itself can confirm"),
    ("telegram_link", "pin"): ("ussd", "only the phone itself can confirm"),
    ("telegram_link", "locked"): ("ussd", "only the phone itself can confirm"),
    ("telegram_link", "confirmed"): ("ussd", "only the phone itself can confirm"),
}
_LEFT, _RIGHT = 40, 56
# Drawn anew each time.
_CHANCE = ((re.compile(r"T-[2-9A-Z]{5}"), "T-....."), (re.compile(r"\b[2-9A-Z]{8}\b"), "........"))


async def write_parity(septets: int) -> str:
    """The whole sheet as a page."""
    async with parity_market() as market:
        phone = await Walker(FLOWS, market, "ussd", DAY).walk()
        chat = await Walker(FLOWS, market, "telegram", DAY).walk()
    return parity_sheet(phone, chat, septets)


def parity_sheet(phone: Walk, chat: Walk, septets: int) -> str:
    """The page for what was found on both channels; a screen of a phone has `septets`."""
    layouts: tuple[Layout, Layout] = FeaturePhone(septets), ChatLayout()
    return "\n".join(_page(phone, chat, *layouts))


@asynccontextmanager
async def parity_market() -> AsyncIterator[Market]:
    """The demo's market on that day, in a folder that is gone afterwards."""
    load_catalogues()
    with tempfile.TemporaryDirectory() as folder:
        await upgrade("", Path(folder))
        records = await open_records("", Path(folder))
        market = market_of(load_settings({}), records)
        try:
            await demo.load_demo(market, DAY)
            await market.prices.load()
            await records.write(lambda db: _more(db, market))
            yield market
        finally:
            await market.pins.close()
            await records.close()


def _more(db: Connection, market: Market) -> None:
    """What the demo lacks: money under way, and a chat that speaks for a number."""
    farmer, linked = people.by_msisdn(db, demo.CAST[0].msisdn), people.by_msisdn(db, LINKED)
    if farmer is None or linked is None:
        raise RuntimeError("the demo's cast is not there")
    # The linked one is paid too: only a statement that has lines is sent to a chat.
    for contact, code in ((farmer, "KW-1039"), (linked, "KW-1037")):
        payments.pay_out(
            db,
            contact_id=contact.id,
            offer_id=None,
            order_code=code,
            amount_rwf=24_000,
            provider=MTN_MOMO,
            payee_msisdn=contact.wallet,
            currency=market.hub.currency,
            now=DAY - timedelta(hours=1),
        )
    for contact in (farmer, linked):
        actor = Actor(f"contact:{contact.id}", "demo", f"parity-sale-{contact.id}", contact.id)
        buyer = Asking(_BUYER, 12_000, "honey")
        sales.ask(db, actor, buyer, market.collections, DAY - timedelta(minutes=3))
    asked = telegram_linking.ask(
        db,
        market.link_codes,
        user_id=1,
        chat_id=1,
        msisdn=LINKED,
        language="en",
        now=DAY,
    )
    tried = telegram_linking.try_code(db, market.link_codes, LINKED, asked.code, DAY)
    telegram_linking.confirm(db, tried.link_id, LINKED, linked.id, DAY)


def _page(phone: Walk, chat: Walk, small: Layout, large: Layout) -> Iterator[str]:
    yield "# Every screen, on the phone and in the chat\n"
    yield (
        "Written by `isoko map --parity` from the flows themselves, with the demo's cast: left the "
        "pages of a feature phone, right the message with its buttons. Codes that differ each time "
        "are dots.\n"
    )
    for name, flow in FLOWS.items():
        yield f"## {name}\n"
        passed = []
        for state in flow.states:
            place = (name, state)
            if place in phone.shown or place in chat.shown:
                yield f"### {name}: {state}\n"
                only, why = ONE_ONLY.get(place, ("", ""))
                if only:
                    yield f"On one of the two only: {why}.\n"
                left = phone.shown.get(place) if only != "telegram" else None
                right = chat.shown.get(place) if only != "ussd" else None
                yield from _beside(left, right, small, large)
            else:
                passed.append(state)
        if passed:
            yield f"Lead on by themselves: {', '.join(passed)}.\n"


def _beside(
    on_phone: Shown | None, in_chat: Shown | None, small: Layout, large: Layout
) -> Iterator[str]:
    for language in LANGUAGES:
        left = list(_pages(on_phone, language, small)) if on_phone else []
        right = list(_messages(in_chat, language, large)) if in_chat else []
        lines = [
            f"{one or '':<{_LEFT}} | {two or ''}".rstrip() for one, two in zip_longest(left, right)
        ]
        yield "\n".join([f"{LANGUAGE_NAMES[language]}\n", "```text", *lines, "```\n"])


def _pages(shown: Shown, language: Language, layout: Layout) -> Iterator[str]:
    for number, page in enumerate(pages_of(shown, language, layout)):
        if number:
            yield "- " * (_LEFT // 2)
        yield from _wrapped(page.text, _LEFT)
    if shown.screens[language].ends:
        yield "(the call ends)"


def _messages(shown: Shown, language: Language, layout: Layout) -> Iterator[str]:
    screen, before = shown.screens[language], 0
    for number, page in enumerate(pages_of(shown, language, layout)):
        if number:
            yield "- " * (_RIGHT // 2)
        yield from _wrapped(page.text, _RIGHT)
        for choice in screen.choices[before : page.seen]:
            yield from _wrapped(f"[ {choice.label} ]", _RIGHT)
        before = page.seen
        yield from _last_row(shown, language, screen, page)


def _last_row(shown: Shown, language: Language, screen: Screen, page: Page) -> Iterator[str]:
    if screen.asks == "contact":
        with speaking(language):
            yield f"[ {telegram_words.share_button()} ]"
    elif screen.asks:
        yield "(an answer is typed)"
    if screen.ends:
        return
    session = shown.session
    can_back, can_home = ways_out(FLOWS[session.flow], session)
    nav = nav_for(language, can_back, can_home)
    row = [nav.next] * page.more + [nav.back] * can_back + [nav.home] * can_home
    if row:
        yield "  ".join(f"[ {label} ]" for label in row)


def pages_of(shown: Shown, language: Language, layout: Layout) -> tuple[Page, ...]:
    """The pages of a screen in one language, as its session shows them."""
    session = shown.session
    before, session.language = session.language, language
    try:
        return lay_out(layout, FLOWS[session.flow], session, shown.screens[language])
    finally:
        session.language = before


def _wrapped(text: str, width: int) -> Iterator[str]:
    for pattern, dots in _CHANCE:
        text = pattern.sub(dots, text)
    for line in text.replace("\u00a0", " ").split("\n"):
        yield from textwrap.wrap(line, width) or [""]
