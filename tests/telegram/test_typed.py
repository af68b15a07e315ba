"""What is typed in a chat becomes what a phone would have sent, and nothing else."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.conversation import Choice, Nav, Screen
from bot.engine.stage import chosen
from bot.flows import FLOWS
from bot.telegram.commands import LEADS_TO, read_command
from bot.telegram.layout import TEXT_MAX, ChatLayout, size_of
from bot.telegram.typed import read_typed

NAV = Nav("Next", "Back", "Home")
_LABELS = st.lists(st.text(min_size=1, max_size=20), max_size=12)
_KEYS = st.sampled_from(["", "", "1", "7"])


def screen_of(labels: list[str], key: str = "") -> Screen:
    return Screen("?", [Choice(label, key=key if n == 0 else "") for n, label in enumerate(labels)])


@given(st.from_regex(r"\A[0-9]{1,4}\Z"), _LABELS)
def test_digits_stay_what_they_are(typed: str, labels: list[str]) -> None:
    screen = screen_of(labels)
    assert read_typed(typed, screen, len(labels), NAV) == typed


@example(":", ["0"] * 6 + [":"], "7", 7)
@given(st.text(max_size=40), _LABELS, _KEYS, st.integers(0, 12))
def test_only_what_was_seen_is_ever_chosen_and_by_its_own_words(
    typed: str, labels: list[str], key: str, seen: int
) -> None:
    screen = screen_of(labels, key)
    found = read_typed(typed, screen, seen, NAV)
    choice = chosen(screen, seen, found)
    if choice is None or typed.strip().isdecimal() or found == typed.strip():
        return
    said, label = typed.casefold(), choice.label.casefold()
    words = {"yego", "oui", "yes", "ok", "oya", "non", "no"}
    assert label.strip(" .!?…") or label
    assert any(word in said for word in words) or " ".join(label.split()).strip(
        " .!?…"
    ) in " ".join(said.split())


@given(st.text(max_size=60), st.sampled_from(["text", "pin"]))
def test_a_text_and_a_pin_are_taken_as_they_are(typed: str, asks: str) -> None:
    found = read_typed(typed, Screen("?", asks=asks), 0, NAV)
    assert found in typed.replace("\u200b", "") or set(typed) - set(found)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("12 kg", "12 kg"), ("1,200 frw", "1,200 frw"), ("12", "12"), ("3 million", "3 million"),
        ("back", "0"), ("HOME", "00"),
    ],
)  # fmt: skip
def test_a_number_keeps_its_unit_for_the_flow_that_asked(typed: str, number: str) -> None:
    assert read_typed(typed, Screen("?", asks="number"), 0, NAV) == number


@pytest.mark.parametrize(
    ("typed", "labels", "found"),
    [
        ("yego", ["Yego, yange"], "1"),
        ("Oui !", ["Non", "Oui, refuser"], "2"),
        ("no", ["Yes, reject"], "0"),
        ("non", ["Oui", "Non"], "2"),
        ("oya", ["Emera", "Yanga"], "oya"),
        ("yes", ["Yes, all", "Yes, a part"], "yes"),
        ("same", ["Same", "Same"], "same"),
        ("other  MARKET", ["Other crop", "Other market"], "2"),
        ("third", ["First", "Second", "Third"], "third"),
    ],
)
def test_yes_no_and_labels(typed: str, labels: list[str], found: str) -> None:
    assert read_typed(typed, screen_of(labels), 2, NAV) == found


def test_each_command_leads_where_home_leads() -> None:
    from_home = {flow for flow, state in FLOWS["home"].calls if state == "menu"}
    assert {flow for flow in LEADS_TO.values() if flow} <= from_home
    assert read_command("/start link_7f3c1e9a") == ("start", "link_7f3c1e9a")
    assert read_command("Muraho /start") is None


@given(st.text(max_size=200), st.integers(0, 200), st.integers(0, 30), st.text(max_size=20))
def test_T16_pages_hold_what_a_message_holds_and_lose_nothing(
    words: str, times: int, choices: int, hint: str
) -> None:
    screen = Screen(words * times, [Choice(f"c{n}") for n in range(choices)], keep="total")
    pages = ChatLayout().pages(screen, NAV, hint)
    assert all(size_of(page.text) <= TEXT_MAX for page in pages)
    seen = [0, *(page.seen for page in pages)]
    assert all(0 <= b - a <= 9 for a, b in pairwise(seen)) and seen[-1] == choices
    assert [page.more for page in pages] == [True] * (len(pages) - 1) + [False]
    together = "".join("".join(page.text.split()) for page in dict.fromkeys(pages))
    assert "total" in together or choices > 9 or len(pages) > 1
