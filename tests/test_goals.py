"""What people come for, and the greatest number of answers that it may take, on both channels.

The first three are promised to callers; the others are what they take today: a screen more on the
way to one of them is somebody's decision. A "Next" pressed on the way counts as an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.phone import PIN, Phone
from tests.server import (
    AIRTEL,
    COOPERATIVE,
    CRAFTS,
    DEBTOR,
    FARMER,
    HOST,
    UNKNOWN,
    Running,
    running,
)
from tests.steady import of_today
from tests.telegram.door import Chat, link, said


@dataclass(frozen=True, slots=True)
class Goal:
    """Who wants it, in how many answers at most, by which; what is said once it is reached.

    Answers name a line of the screen; those that begin with "=" are typed.
    """

    who: str
    most: int
    answers: tuple[str, ...]
    said: str


_PIN = f"={PIN}"
_STOCK = ("Orders", "My stock")
GOALS = {
    "today's price": Goal(FARMER, 2, ("Prices", "Coffee cherries"), "600 Frw/kg"),
    "an order accepted": Goal(
        FARMER, 4, ("Orders", "New order KW-1042", "Accept", _PIN), "You accepted order KW-1042"
    ),
    "a payment confirmed": Goal(
        FARMER, 3, ("Payments", "Confirm money of KW-1038", _PIN), "Confirmed."
    ),
    "a part of an order accepted": Goal(
        FARMER,
        7,
        ("Orders", "New order KW-1042", "More", "Accept a part", "=50", _PIN),
        "You accepted 50 packs",
    ),
    "an order refused": Goal(
        FARMER, 4, ("Orders", "New order KW-1042", "Reject", "Yes, reject"), "You rejected"
    ),
    "kilos given to the co-operative": Goal(
        DEBTOR, 5, ("Orders", "Give for order KW-1045", "I can give", "=50", _PIN), "50 kg"
    ),
    "the statement": Goal(FARMER, 3, ("Payments", "Statement", _PIN), "240,000 Frw"),
    "a payment problem told": Goal(
        FARMER, 3, ("Payments", "Report a problem", "Yes, call me"), "Ticket: T-"
    ),
    "a bill paid": Goal(DEBTOR, 3, ("Payments", "Pay KW-1041", "Confirm"), "25,000 Frw now"),
    "a buyer asked to pay": Goal(
        CRAFTS,
        7,
        (
            "Payments",
            "Buyers pay me",
            "Ask a buyer to pay",
            "=0788999053",
            "=12000",
            "=agaseke",
            _PIN,
        ),
        "asks the buyer for 12,000 Frw",
    ),
    "a shipment followed": Goal(AIRTEL, 1, ("Track shipment",), "On the way to China"),
    "the share of one's own order": Goal(
        FARMER, 2, ("Your share of the price", "Your order KW-1038"), "Sale price: 320,000 Frw"
    ),
    "a lesson": Goal(FARMER, 2, ("Lessons", "Picking coffee"), "Pick only red cherries"),
    "stock offered": Goal(
        FARMER,
        11,
        (
            *_STOCK,
            "Offer stock",
            "Coffee",
            "Coffee cherries",
            "A1",
            "=1200",
            "=650",
            "={lately}",
            "Yes, offer",
        ),
        "Your offer is noted.",
    ),
    "an alert of a price": Goal(
        FARMER,
        7,
        (*_STOCK, "Price alerts", "New alert", "Coffee", "Coffee cherries", "=800"),
        "We tell you once",
    ),
    "members taken in": Goal(
        COOPERATIVE,
        5,
        ("Orders", "Members", "Add members", "=0788000001", _PIN),
        "Members taken in: 1",
    ),
    "visitors accepted": Goal(HOST, 3, ("Visitors", "Accept", _PIN), "You accepted the visit"),
    "a call back": Goal(FARMER, 3, ("Help", "Order", "Yes, call me"), "Ticket: T-"),
    "another language": Goal(FARMER, 2, ("Language", "Français"), "Langue modifi"),
    "another PIN": Goal(
        FARMER,
        5,
        ("My account", "Change PIN", _PIN, "=80642", "=80642"),
        "Your PIN is changed.",
    ),
    "news by SMS only": Goal(
        FARMER, 4, ("My account", "News", "Where news goes", "SMS only"), "Noted."
    ),
    "no news at night": Goal(
        FARMER, 4, ("My account", "News", "Quiet hours", "20:00 - 6:00"), "never waits"
    ),
    "money to another number": Goal(
        FARMER, 4, ("My account", "Number for money", "=0738000077", _PIN), "is changed"
    ),
    "one's data deleted": Goal(
        FARMER,
        5,
        ("My account", "My data", _PIN, "Delete my data", "Yes, delete"),
        "Your data is deleted",
    ),
}


class Counting:
    """Answers screens by their words, and counts; on a phone's pages or under a message."""

    def __init__(self) -> None:
        self.answers = 0

    async def gives(self, answer: str) -> str:
        """Answer the screen; pages are turned where the line is further on."""
        if answer.startswith("="):
            self.answers += 1
            return await self.typed(of_today(answer[1:]))
        while (key := self.key_of(answer)) is None:
            self.answers += 1
            await self.turned()
        self.answers += 1
        return await self.pressed(key)


class OnPhone(Counting):
    """A feature phone: a line is chosen by its number."""

    def __init__(self, phone: Phone) -> None:
        super().__init__()
        self._phone = phone
        self.typed = self.pressed = phone.types

    def key_of(self, answer: str) -> str | None:
        for line in self._phone.last[4:].split("\n"):
            number, _, words = line.partition(" ")
            if number.isdecimal() and words in (answer, answer.replace("ç", "c")):
                return number
        return None

    async def turned(self) -> None:
        assert "\n99 " in self._phone.last, self._phone.last
        await self._phone.types("99")


class InChat(Counting):
    """A chat: a line is a button."""

    def __init__(self, chat: Chat) -> None:
        super().__init__()
        self._chat = chat
        self.typed, self.pressed = chat.types, chat.presses

    def key_of(self, answer: str) -> str | None:
        return answer if answer in self._chat.buttons else None

    async def turned(self) -> None:
        await self._chat.presses("Next")


async def on_channel(server: Running, channel: str, who: str) -> Counting:
    """Somebody at home, in English; nothing is counted yet."""
    phone = server.phone(who)
    await phone.dials()
    await phone.types("9", "3")
    if channel == "ussd":
        await phone.dials()
        return OnPhone(phone)
    await link(server, who)
    chat = Chat(server)
    await chat.types("/start")
    return InChat(chat)


@pytest.mark.embedded
@pytest.mark.parametrize("channel", ["ussd", "telegram"])
@pytest.mark.parametrize("name", GOALS)
async def test_every_goal_is_reached_within_its_number_of_answers(
    name: str, channel: str, tmp_path: Path
) -> None:
    goal = GOALS[name]
    async with running(tmp_path) as server:
        person, screen = await on_channel(server, channel, goal.who), ""
        for answer in goal.answers:
            screen = await person.gives(answer)
        if channel == "telegram":
            # Who is forgotten takes along what was written to the chat before.
            screen = (await said(server))[-1]["args"]["text"]
        assert goal.said in screen.replace("\u00a0", " "), screen
        assert person.answers <= goal.most, person.answers


async def test_a_stranger_sees_a_price_in_three_answers_the_language_among_them(
    server: Running,
) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    assert "Frw" in await phone.types("3", "1", "1")


async def test_a_stranger_registers_in_ten_answers_the_language_among_them(server: Running) -> None:
    phone = server.phone(UNKNOWN)
    await phone.dials()
    names = ("3", "6", "1", "Mukamana Aline")
    assert "You are registered" in await phone.types(*names, "1", "1", "1", "1", "80642", "80642")


async def test_there_is_a_goal_behind_every_line_of_the_menu(server: Running) -> None:
    begun = {goal.answers[0] for goal in GOALS.values()}
    for who in (FARMER, HOST):
        await on_channel(server, "ussd", who)
        menu = await server.phone(who).dials()
        lines = {line.partition(" ")[2] for line in menu.split("\n") if line[:1].isdecimal()}
        assert len(lines) == 9 and lines <= begun, lines - begun
