"""A model check: the phone and the chat come to the same places, and nobody is left in one."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cli.every_screen import Place, Shown, Walk, Walker
from bot.cli.parity import DAY, ONE_ONLY, pages_of, parity_market, parity_sheet
from bot.conversation import LANGUAGES, Screen
from bot.dashboard.screens.acting import LINE_MAX
from bot.engine.hop import Hop, present
from bot.engine.layout import lay_out, ways_out
from bot.flow import Flow, Turn
from bot.flows import FLOWS
from bot.settings import load_settings
from bot.telegram.layout import BUTTONS_MAX, TEXT_MAX, ChatLayout
from bot.ussd.feature_phone import FeaturePhone
from bot.ussd.gsm7 import BASIC, EXTENSION, fold, septets

EVERY = {(name, state) for name, flow in FLOWS.items() for state in flow.states}
HOMES = {("home", "menu"), ("home", "language"), ("home", "resume")}
CHANNELS = ("ussd", "telegram")
LAYOUTS = {"ussd": FeaturePhone(160), "telegram": ChatLayout()}


@pytest.fixture(scope="module")
async def walks() -> AsyncIterator[dict[str, Walk]]:
    """What is found on each channel."""
    async with parity_market() as market:
        yield {one: await Walker(FLOWS, market, one, DAY).walk() for one in CHANNELS}


def of_channel(channel: str) -> set[Place]:
    """Every place that this channel should come to."""
    return {place for place in EVERY if ONE_ONLY.get(place, (channel,))[0] == channel}


@pytest.mark.parametrize("channel", CHANNELS)
async def test_every_place_is_reached_from_home_on_both_channels(walks, channel: str) -> None:
    walk = walks[channel]
    reached, waiting = set(HOMES), list(HOMES)
    while waiting:
        new = walk.leads.get(waiting.pop(), set()) & walk.reached - reached
        reached |= new
        waiting += new
    assert of_channel(channel) <= reached, of_channel(channel) - reached


async def test_what_one_channel_alone_comes_to_is_said_and_never_chosen_on_the_other(walks) -> None:
    apart = walks["ussd"].reached ^ walks["telegram"].reached
    assert apart <= set(ONE_ONLY)
    for place, (only, _why) in ONE_ONLY.items():
        other = next(one for one in CHANNELS if one != only)
        assert place not in walks[other].chosen, place


@pytest.mark.parametrize("channel", CHANNELS)
async def test_no_screen_is_a_dead_end(walks, channel: str) -> None:
    """Each ends, asks or offers something, and from each that does not end one can go back."""
    for shown in walks[channel].shown.values():
        for screen in shown.screens.values():
            if screen.ends:
                continue
            can_back, _can_home = ways_out(FLOWS[shown.session.flow], shown.session)
            assert screen.choices or screen.asks or can_back, shown.place
            # Home itself is where back and home lead.
            assert can_back or shown.place[0] == "home", shown.place


@pytest.mark.parametrize("channel", CHANNELS)
async def test_every_choice_is_on_a_page_in_every_language(walks, channel: str) -> None:
    for shown in walks[channel].shown.values():
        for language in LANGUAGES:
            pages = pages_of(shown, language, LAYOUTS[channel])
            assert pages[-1].seen == len(shown.screens[language].choices), shown.place
            assert [page.more for page in pages] == [True] * (len(pages) - 1) + [False]
            before = 0
            for page in pages:
                assert fits(channel, page.text, page.seen - before), (shown.place, language)
                before = page.seen


async def test_a_line_of_staff_costs_no_screen_a_word(walks) -> None:
    """Nor does a wrong key thereafter, wherever the screen is longer than a page."""
    for shown in walks["ussd"].shown.values():
        for language, screen in shown.screens.items():
            session = copy.copy(shown.session)
            session.language, session.line = language, "Help: " + "w" * LINE_MAX
            hop = Hop(Turn(None, session, None, DAY, b""), LAYOUTS["ussd"], b"", 0, b"")
            read = read_to_the_end(hop, FLOWS[session.flow], screen)
            words = fold(f"Help: {'w' * LINE_MAX} {screen.text}").split()
            assert in_order(words, read), (shown.place, language)
            assert session.seen == len(screen.choices)
            if session.page and session.screen is not None:
                hint = "Invalid choice. Try again."
                read = read_to_the_end(hop, FLOWS[session.flow], session.screen, hint)
                assert in_order([*hint.split(), *words], read), (shown.place, language)


def read_to_the_end(hop: Hop, flow: Flow, screen: Screen, hint: str = "") -> list[str]:
    """The words of all the pages, one after the other, as who presses 99 reads them."""
    words = present(hop, flow, screen, hint).text.split()
    session = hop.session
    assert session.screen is not None
    pages = lay_out(hop.layout, flow, session, session.screen, session.hint)
    for page in range(1, len(pages)):
        words += present(hop, flow, session.screen, session.hint, page).text.split()
    return words


def in_order(words: list[str], among: list[str]) -> bool:
    """Whether all `words` stand among those, in their order."""
    rest = iter(among)
    return all(word in rest for word in words)


def fits(channel: str, text: str, choices: int) -> bool:
    """Whether one page can leave as it is."""
    if channel == "ussd":
        return septets(text) <= 160 and all(sign in BASIC + EXTENSION for sign in text)
    # One more than fits stands on the last message, in the room of a "Next".
    return 0 < len(text) <= TEXT_MAX and choices <= BUTTONS_MAX + 1


@pytest.mark.parametrize("channel", CHANNELS)
async def test_both_channels_say_the_same_where_they_show_the_same(walks, channel: str) -> None:
    """A flow that knew its channel would say something else there."""
    differ = {("telegram_link", "linked")}
    here, there = walks[channel].shown, walks[next(c for c in CHANNELS if c != channel)].shown
    for place in here.keys() & there.keys() - set(ONE_ONLY) - differ:
        assert steady(here[place]) == steady(there[place]), place


def steady(shown: Shown) -> list[tuple[str, list[str]]]:
    """The words and labels, without tickets' codes, which are drawn anew."""
    return [
        (screen.text.partition("T-")[0], [choice.label for choice in screen.choices])
        for screen in shown.screens.values()
    ]


async def test_the_parity_sheet_is_that_of_today(walks) -> None:
    page = parity_sheet(walks["ussd"], walks["telegram"], load_settings({}).ussd.page_septets)
    assert page == Path("docs/parity.md").read_text(encoding="utf-8"), "run: isoko map --parity"
