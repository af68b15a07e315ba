"""T-06, T-07: only one's own contact, shared by oneself in a private chat, counts; on both stores."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.i18n import load_catalogues
from bot.market import Hub
from bot.market.link_codes import LinkCodes
from bot.storage.schema import outbox, telegram_links
from bot.telegram import sharing

_FIXTURES = Path(__file__).parent / "fixtures"
CODES = LinkCodes("test-secret")
HUB = Hub("rw", "Hub", "RWF", "Africa/Kigali", "+250788999000", "*384*801#", "RW")


def update(name: str) -> dict[str, Any]:
    """A captured update."""
    return json.loads((_FIXTURES / f"telegram_update_{name}.json").read_text(encoding="utf-8"))


async def received(records, message: dict[str, Any], now) -> tuple[str, list[Any], int]:
    """What came of it, what was answered, and how many links wait."""
    load_catalogues()
    shared = sharing.contact_in(message)
    assert shared is not None

    def work(db) -> tuple[str, list[Any], int]:
        outcome = sharing.receive(db, CODES, HUB, shared, "en", "telegram:880000003:0", now)
        answers = db.execute(select(outbox.c.payload)).scalars().all()
        links = db.execute(select(func.count()).select_from(telegram_links)).scalar()
        return outcome, list(answers), links

    return await records.write(work)


async def test_T06_somebody_elses_card_links_nothing(records, now) -> None:
    outcome, answers, links = await received(records, update("contact_foreign")["message"], now)
    assert (outcome, links) == ("refused", 0)
    args = answers[0]["args"]
    assert "not your own number" in args["text"] and answers[0]["chat_id"] == 700100200
    button = {"text": "Share my number", "request_contact": True}
    assert args["reply_markup"]["keyboard"] == [[button]]


def _without_user_id(message: dict[str, Any]) -> None:
    del message["contact"]["user_id"]


def _forwarded(message: dict[str, Any]) -> None:
    message["forward_origin"] = {"type": "user", "date": 1, "sender_user": message["from"]}


def _forwarded_in_the_old_way(message: dict[str, Any]) -> None:
    message["forward_date"] = 1790590500


def _by_a_bot(message: dict[str, Any]) -> None:
    message["via_bot"] = {"id": 1, "is_bot": True, "first_name": "b"}


def _with_an_id_that_is_no_number(message: dict[str, Any]) -> None:
    message["contact"]["user_id"] = message["from"]["id"] = "700100200"


def _with_true_for_an_id(message: dict[str, Any]) -> None:
    message["contact"]["user_id"] = message["from"]["id"] = True


def _from_nobody(message: dict[str, Any]) -> None:
    del message["from"]
    message["contact"]["user_id"] = 0


@pytest.mark.parametrize(
    "change",
    [
        _without_user_id, _forwarded, _forwarded_in_the_old_way, _by_a_bot,
        _with_an_id_that_is_no_number, _with_true_for_an_id, _from_nobody,
    ],
)  # fmt: skip
async def test_T07_what_telegram_does_not_vouch_for_links_nothing(records, now, change) -> None:
    message = copy.deepcopy(update("contact_own")["message"])
    change(message)
    outcome, answers, links = await received(records, message, now)
    assert (outcome, links, len(answers)) == ("refused", 0, 1)


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel", "", None])
async def test_T07_in_a_group_nothing_is_linked_and_nothing_is_said(records, now, kind) -> None:
    message = update("contact_own")["message"]
    message["chat"] = {"id": -100200300, "type": kind, "title": "Cooperative"}
    assert await received(records, message, now) == ("ignored", [], 0)


def test_T07_a_typed_number_is_no_contact() -> None:
    message = update("message")["message"]
    assert sharing.contact_in({**message, "text": "+250788123456"}) is None
    assert sharing.contact_in({**message, "contact": "+250788123456"}) is None


async def test_T06_ones_own_contact_gets_a_code_and_links_nothing_yet(records, now) -> None:
    outcome, answers, links = await received(records, update("contact_own")["message"], now)
    assert (outcome, links) == ("asked", 1)
    text = answers[0]["args"]["text"]
    assert "ending in 456" in text and "*384*801#" in text and "788123" not in text
    kept = await records.read(lambda db: db.execute(select(telegram_links)).mappings().one())
    assert kept["msisdn"] == "+250788123456" and kept["confirmed_at"] is None
    code = text.partition("minutes: ")[2][:6]
    assert code.isdecimal() and code.encode() not in kept["code_digest"]


@pytest.mark.parametrize(
    "number", ["447700900123", "0788123456", "788123456", "", "+", "٢٥٠٧٨٨١٢٣٤٥٦"]
)
async def test_a_number_of_another_country_is_not_linked(records, now, number: str) -> None:
    message = update("contact_own")["message"]
    message["contact"]["phone_number"] = number
    outcome, answers, links = await received(records, message, now)
    assert (outcome, links) == ("not_of_here", 0)
    assert answers[0]["args"]["reply_markup"] == {"remove_keyboard": True}
