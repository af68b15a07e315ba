"""Pages: nothing that belongs together is split, nothing is lost."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import Choice, Nav, Screen
from bot.i18n.formats import amount
from bot.ussd.gsm7 import fold, septets
from bot.ussd.paging import lay_out

NAV = Nav("Komeza", "Subira inyuma", "Ahabanza")

words = st.text(st.characters(codec="latin-1", categories=["L", "N"]), min_size=1, max_size=14)
amounts = st.integers(1, 5_000_000).map(lambda rwf: amount(rwf, "fr"))
lines = st.lists(st.one_of(words, amounts), min_size=1, max_size=12).map(" ".join)
screens = st.builds(
    Screen,
    text=st.lists(lines, min_size=1, max_size=9).map("\n".join),
    choices=st.lists(st.builds(Choice, label=lines.map(lambda line: line[:40])), max_size=12),
    keep=st.one_of(st.just(""), amounts.map("Igiteranyo: {}".format)),
)


@given(screens, st.one_of(st.just(""), words))
def test_every_page_fits_and_every_choice_is_whole_on_one_page(screen: Screen, hint: str) -> None:
    pages = lay_out(screen, NAV, 160, hint)
    assert all(septets(page.text) <= 160 for page in pages)
    assert pages[-1].seen == len(screen.choices)
    before = 0
    for page in pages:
        new, before = range(before, page.seen), page.seen
        for key in new:
            line = f"{key + 1} {fold(screen.choices[key].label)}"
            assert line in page.text.split("\n")


@given(screens)
def test_no_word_and_no_amount_is_lost_or_split(screen: Screen) -> None:
    pages = lay_out(screen, NAV, 160)
    told = " ".join(page.text for page in pages).replace("\n", " ")
    place = 0
    for word in fold(screen.text.replace("\u00a0", "~").replace("\n", " ")).split():
        whole = word.replace("~", " ")
        found = told.find(whole, place)
        assert found >= 0, whole
        place = found
    if screen.keep:
        assert fold(screen.keep) in pages[-1].text.split("\n")


@given(screens)
def test_the_ways_on_are_shown_when_they_apply(screen: Screen) -> None:
    pages = lay_out(screen, NAV, 160)
    for number, page in enumerate(pages):
        last = number == len(pages) - 1
        assert page.more is not last
        assert ("99 Komeza" in page.text.split("\n")) is not last
        assert not page.text.startswith((" ", "\n"))


def test_a_total_stands_above_the_choices_and_not_beneath_one_of_them() -> None:
    # Beneath "1 Accept a part" it would read as what the part brings.
    total, part = f"You get: {amount(2_400_000, 'en')}", Choice("Accept a part")
    short = lay_out(Screen("Roasted coffee", [part], keep=total), NAV, 160)
    long = lay_out(Screen("\n".join(["a" * 40] * 4), [part], keep=total), NAV, 160)
    for pages in (short, long):
        assert "You get: 2,400,000 Frw\n1 Accept a part\n0 " in pages[-1].text
    assert len(long) == 2


def test_a_total_comes_last_after_more_choices_than_one_page_holds() -> None:
    choices = [Choice(f"choice {'x' * 20} {n}") for n in range(9)]
    pages = lay_out(Screen("", choices, keep="Total: 5"), NAV, 160)
    assert "Total: 5\n0 " in pages[-1].text and pages[-1].seen == 9


def test_a_hint_may_take_the_place_of_a_text_just_read() -> None:
    screen = Screen("x " * 35, [Choice(f"choice {n}") for n in range(1, 6)])
    assert len(lay_out(screen, NAV, 160)) == 1
    (page,) = lay_out(screen, NAV, 160, "Ongera ugerageze.")
    assert page.text.startswith("Ongera ugerageze.\n1 choice 1")


def test_a_hint_leaves_the_lines_that_name_what_the_choices_are_about() -> None:
    text = "\n".join(
        ["New order KW-1042", "200 packs", "Price: 12,000 Frw", "Bring to " + "x" * 45]
    )
    screen = Screen(text, [Choice("Accept"), Choice("Reject"), Choice("More")])
    (page,) = lay_out(screen, NAV, 160, "Invalid choice. Try again.")
    assert page.text.startswith(
        "Invalid choice. Try again.\nNew order KW-1042\n200 packs\nPrice: 12,000 Frw\n1 Accept"
    )
    assert page.seen == 3 and not page.more


def test_a_hint_takes_nothing_of_what_stood_on_two_pages() -> None:
    # A wrong key on the first of them: the rest has not been read yet.
    warning = "This cannot be undone."
    screen = Screen("\n".join(["a" * 70, "b" * 60, warning]), [Choice("Yes, delete", key="7")])
    pages = lay_out(screen, NAV, 160, "Invalid choice. Try again.")
    assert warning in pages[-1].text and "7 Yes, delete" in pages[-1].text
    assert pages[0].text.startswith("Invalid choice. Try again.\n") and pages[0].seen == 0


def test_a_short_line_is_not_torn_from_its_amount() -> None:
    text = "\n".join(["a" * 40, "b" * 40, "c" * 30, f"Ikiguzi: {amount(0, 'rw')}"])
    pages = lay_out(Screen(text, [Choice("d" * 20)]), NAV, 160)
    assert any("Ikiguzi: 0 Frw" in page.text.split("\n") for page in pages)
    assert re.search(r"\b0 Frw", pages[0].text + pages[1].text)
