"""A screen becomes pages a feature phone can show; nothing that belongs together is split."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.conversation import Nav, Page, Screen
from bot.ussd.gsm7 import fold, septets

_KEPT_WHOLE = 48


def lay_out(screen: Screen, nav: Nav, limit: int = 160, hint: str = "") -> list[Page]:
    """The pages of `screen`, each at most `limit` septets, folded to GSM 03.38.

    `hint` stands first; where text and choices were one page without it, all choices follow it, and
    it may cost the last lines of the text.
    `99` leads to the next page, `0` to the page before (on the first page: back), `00` home. An
    amount stays with its unit (they are joined by a no-break space), a choice with its number,
    `screen.keep` whole on the last page: above the choices, where those fit there too, for beneath
    one of them it would read as what that one brings.
    """
    one = _one_page(screen, nav, limit, hint)
    if one is not None:
        return [one]
    # What stood on two pages may not have been read to its end: none of it makes way.
    if hint and screen.choices and _one_page(screen, nav, limit, "") is not None:
        one = _under_hint(screen, nav, limit, hint)
        if one is not None:
            return [one]
    return _Pages(screen, nav, limit, hint).fill()


def _under_hint(screen: Screen, nav: Nav, limit: int, hint: str) -> Page | None:
    """One page with all choices and as many first lines of the text as go with them, or None."""
    # The person has just read the text; its first lines name what the choices are about.
    lines = screen.text.split("\n")
    for kept in range(len(lines) - 1, -1, -1):
        begun = Screen("\n".join(lines[:kept]), screen.choices, keep=screen.keep)
        one = _one_page(begun, nav, limit, hint)
        if one is not None:
            return one
    return None


def _one_page(screen: Screen, nav: Nav, limit: int, hint: str) -> Page | None:
    lines = [fold(hint)] if hint else []
    if screen.text:
        lines.append(fold(screen.text))
    lines += _ending(screen)
    if not screen.ends:
        lines += _ways_out(nav, nav.can_back, nav.can_home)
    text = "\n".join(lines).lstrip()
    if septets(text) > limit:
        return None
    return Page(text, len(screen.choices))


def choice_lines(screen: Screen) -> list[str]:
    """The numbered lines of the choices, folded."""
    return [
        f"{choice.key or number} {fold(choice.label)}"
        for number, choice in enumerate(screen.choices, 1)
    ]


def _ending(screen: Screen) -> list[str]:
    """The total, then the choices, folded."""
    return [*([fold(screen.keep)] if screen.keep else []), *choice_lines(screen)]


def _ways_out(nav: Nav, can_back: bool, can_home: bool) -> list[str]:
    lines = [f"0 {fold(nav.back)}"] if can_back else []
    if can_home:
        lines.append(f"00 {fold(nav.home)}")
    return lines


@dataclass(slots=True)
class _Open:
    """A page being filled."""

    lines: list[str] = field(default_factory=list)
    choices: int = 0

    def size_with(self, line: str) -> int:
        return septets("\n".join([*self.lines, line]))


class _Pages:
    """Fills pages line by line: each leaves room for the way on and the ways out."""

    def __init__(self, screen: Screen, nav: Nav, limit: int, hint: str) -> None:
        self._screen, self._nav, self._limit = screen, nav, limit
        self._hint = hint
        self._done: list[_Open] = []
        self._page = _Open()

    def fill(self) -> list[Page]:
        for line in (self._hint, *self._screen.text.split("\n")):
            if line:
                self._add_words(line)
        if not (self._screen.keep and self._add_ending()):
            self._add_choices()
        self._done.append(self._page)
        return self._finish()

    def _add_ending(self) -> bool:
        """Add the total and the choices together; False when no page holds them all."""
        ending = "\n".join(_ending(self._screen))
        if self._page.lines and self._page.size_with(ending) > self._room():
            if septets(ending) > self._room():
                return False
            self._turn()
        if septets(ending) > self._room():
            return False
        self._page.lines += ending.split("\n")
        self._page.choices += len(self._screen.choices)
        return True

    def _add_choices(self) -> None:
        for line in choice_lines(self._screen):
            self._add_line(line)
            self._page.choices += 1
        if self._screen.keep:
            self._add_line(fold(self._screen.keep))

    def _room(self) -> int:
        """Septets for lines on the page being filled, `99` and the ways out taken off."""
        return self._limit - septets("\n".join(["", *self._nav_lines(len(self._done), True)]))

    def _nav_lines(self, number: int, more: bool) -> list[str]:
        onward = [f"99 {fold(self._nav.next)}"] if more else []
        if self._screen.ends:
            # Even a last word has to be read to its end; the page before stays within reach.
            return onward
        first = number == 0
        can_back = self._nav.can_back if first else True
        return onward + _ways_out(self._nav, can_back, self._nav.can_home and not more)

    def _turn(self) -> None:
        self._done.append(self._page)
        self._page = _Open()

    def _add_line(self, line: str) -> None:
        if self._page.lines and self._page.size_with(line) > self._room():
            self._turn()
        line = _cut(line, self._room())
        self._page.lines.append(line)

    def _add_words(self, line: str) -> None:
        """Add a line of text, broken only at ordinary spaces; no-break spaces hold together."""
        folded = fold(line)
        if self._page.lines and septets(folded) <= _KEPT_WHOLE:
            # A short line is one thought, such as a label and its amount.
            self._add_line(folded)
            return
        if self._page.size_with(folded) <= self._room():
            self._page.lines.append(folded)
            return
        words = [fold(word) for word in line.split(" ") if word]
        held = ""
        while words:
            trial = f"{held} {words[0]}" if held else words[0]
            if self._page.size_with(trial) <= self._room():
                held = trial
                words.pop(0)
                continue
            if held or self._page.lines:
                if held:
                    self._page.lines.append(held)
                held = ""
                self._turn()
                continue
            head, words[0] = _hard_split(words[0], self._room())
            self._page.lines.append(head)
            self._turn()
        if held:
            self._page.lines.append(held)

    def _finish(self) -> list[Page]:
        last = len(self._done) - 1
        pages = []
        seen = 0
        for number, page in enumerate(self._done):
            seen += page.choices
            more = number < last
            lines = page.lines + self._nav_lines(number, more)
            text = "\n".join(lines)
            if septets(text) > self._limit:
                # Only the home line can be too much on the last page: it goes, `00` still works.
                text = "\n".join(page.lines + self._nav_lines(number, more)[:-1])
            pages.append(Page(text, seen, more))
        return pages


def _cut(line: str, room: int) -> str:
    if septets(line) <= room:
        return line
    while septets(line) > room - 3:
        line = line[:-1]
    return line.rstrip() + "..."


def _hard_split(word: str, room: int) -> tuple[str, str]:
    end = len(word)
    while septets(word[:end]) > room:
        end -= 1
    return word[:end], word[end:]
