"""What the server writes into a ticket is read in one's own language, and kept as it was written."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from io import StringIO

import pytest
from sqlalchemy import select, update

from bot.dashboard.screens.ticket_desk import open_tickets
from bot.dashboard.screens.ticket_words import in_the_language_spoken, trouble_spoken
from bot.i18n import _, speaking
from bot.i18n.ticket_sentences import (
    DeliveryTrouble,
    DueSentence,
    StatementFinding,
    TicketSentence,
)
from bot.market import delivered, held_money, hub_news, leaving, offers, shipping, subscriptions
from bot.market.limits import PayoutRules
from bot.market.reconciliation import reconcile
from bot.market.tickets import open_ticket
from bot.storage.schema import contacts, tickets
from tests.dashboard.desk import Desk
from tests.hub.receiver import receiving
from tests.hub.test_allocation import World, wanted
from tests.hub.test_called_off_parts import cancels
from tests.i18n.test_ticket_sentences import GROUPS
from tests.market.test_reconciliation import HEAD
from tests.server import FARMER, Running
from tests.sweep import cast
from tests.test_money_tickets import flagged

# One of each kind of sentence that stands within another.
WITHIN = {
    "finding": "we asked airtel-money for it",
    "due": "bill 7: 25000 Rwf not paid",
    "trouble": "answered 503",
    "never": "Airtel does not tell what became of a refund",
}


def filled(sentence: str) -> tuple[str, list[str]]:
    """The sentence with something in each of its parts; and what that is."""
    parts = {name: WITHIN.get(name, "Fault") for name in re.findall(r"\{(\w+)\}", sentence)}
    plain = {
        name: f"{name}{n}" if value == "Fault" and name != "fault" else value
        for n, (name, value) in enumerate(parts.items())
    }
    return sentence.format(**plain), [value for name, value in plain.items() if name not in WITHIN]


def spoken(group: type[StrEnum], text: str) -> str:
    """As it is shown: the whole text, or what stands after a beginning that holds it."""
    if group in (StatementFinding, DueSentence):
        begins = {
            StatementFinding: TicketSentence.STATEMENT,
            DueSentence: TicketSentence.NEW_OWNER,
        }[group]
        return in_the_language_spoken(re.sub(r"\{\w+\}", lambda _part: text, begins))
    return trouble_spoken(text) if group is DeliveryTrouble else in_the_language_spoken(text)


@pytest.mark.parametrize("language", ["rw", "fr"])
@pytest.mark.parametrize("sentence", [one for group in GROUPS for one in group])
def test_each_sentence_is_translated_and_keeps_every_part(sentence: StrEnum, language: str) -> None:
    text, parts = filled(sentence)
    with speaking("en"):
        assert text in spoken(type(sentence), text)
    with speaking(language):
        shown = spoken(type(sentence), text)
        assert _(sentence) != sentence and text not in shown
        assert all(part in shown for part in parts)
        # The sentence itself, not another that looks like it; nothing of it is left in English.
        words = [re.escape(one) for one in re.split(r"\{\w+\}", _(sentence))]
        assert re.search(".+".join(words), shown)
        assert not any(inner in shown for inner in WITHIN.values())


@pytest.mark.parametrize("said", [
    "Sinabonye amafaranga ya komande KW-7", "It cannot be offered: my goat ate it",
    "statement", "Not sent: it is not what was approved, I think", "",
])  # fmt: skip
def test_a_persons_own_words_stay_as_they_are(said: str) -> None:
    with speaking("fr"):
        assert in_the_language_spoken(said) == said


def test_what_a_person_said_within_a_sentence_stays_and_codes_have_their_words() -> None:
    with speaking("fr"):
        said = in_the_language_spoken("stopped: the operator names another payee")
        assert said == "arrêté : the operator names another payee"
        said = in_the_language_spoken("the operator says FAILED, ours is succeeded")
        assert said == "l'opérateur dit FAILED, chez nous c'est réussi"
        failing = "failing since 2026-11-24 10:00: answered 503"
        assert trouble_spoken(failing) == "en échec depuis 2026-11-24 10:00 : a répondu 503"


async def a_shop_cancels(server: Running, now: datetime) -> None:
    world = World(server.parts.market.records, now)
    order_id = await world.takes(replace(wanted(2), source="taobao"))
    await world.looks(order_id)
    for offer_id, contact, packs, _state in await world.offers_of(order_id):
        await world.accepts(contact, offer_id, packs)
    await cancels(world, "taobao")


async def a_person_leaves(server: Running, now: datetime) -> None:
    def leave(db) -> None:
        cast.accepted(db, 1, now, code="KW-90")
        leaving.leave(db, 1, "contact:1", "k", now)

    await server.parts.market.records.write(leave)


async def a_wallet_has_a_new_owner(server: Running, now: datetime) -> None:
    def move(db) -> None:
        db.execute(update(contacts).where(contacts.c.id == 2).values(wallet=FARMER))
        assert held_money.move_wallets_off(db, 1, FARMER, "amina", now) == 1

    await server.parts.market.records.write(move)


async def the_hub_says_what_nobody_noted(server: Running, now: datetime) -> None:
    def ask(db) -> None:
        offer_id = cast.accepted(db, 1, now, code="KW-90")
        part = shipping.Part(offer_id, 1, f"KW-90 P-{offer_id}", "handed_over", received=False)
        shipping.ask_if_received(db, part, "shipped", now)

    await server.parts.market.records.write(ask)


async def a_limit_refuses_a_payout(server: Running, now: datetime) -> None:
    def pay(db) -> None:
        offer_id = cast.delivered(db, 1, now, code="KW-90")
        assert offers.by_id(db, offer_id, 1) is not None
        assert delivered.pay(db, offer_id, "RWF", PayoutRules(largest_rwf=1_000), now) is None

    await server.parts.market.records.write(pay)


async def a_statement_has_what_is_not_ours(server: Running, now: datetime) -> None:
    row = "not-ours,1,5000,RWF,250788000002,SUCCESSFUL,2026-11-24T11:00:00+02:00"
    await reconcile(
        StringIO(f"{HEAD}\n{row}\n"), server.parts.market.records, provider="mtn-momo",
        day=date(2026, 11, 24), timezone="Africa/Kigali", now=now, report=lambda _finding: None,
    )  # fmt: skip


async def an_operator_names_another_amount(server: Running, _now: datetime) -> None:
    await flagged(server)


Writes = Callable[[Running, datetime], Awaitable[None]]
WRITTEN: dict[Writes, str] = {
    a_shop_cancels: "taobao l'a annulée après que des agriculteurs avaient accepté 2 paquets",
    a_person_leaves: "nul ne peut l'appeler. Commande acceptée : 240000 Frw",
    a_wallet_has_a_new_owner: "Leur numéro pour l'argent a un nouveau titulaire",
    the_hub_says_what_nobody_noted: "Le hub dit : en route. Personne n'a noté",
    a_limit_refuses_a_payout: "240000 dépassent le plus grand versement permis, 1000",
    a_statement_has_what_is_not_ours: "relevé : l'opérateur dit SUCCESSFUL, 5000 RWF ; nous ne",
    an_operator_names_another_amount: "l'opérateur dit 61000, chez nous c'est 60000",
}


@pytest.mark.parametrize("writes", WRITTEN, ids=lambda one: one.__name__)
async def test_what_the_server_wrote_is_read_in_french(
    server: Running, supervisor: Desk, writes: Writes
) -> None:
    said = WRITTEN[writes]
    await writes(server, datetime.now(UTC))
    await supervisor.posts("/dashboard/language", language="fr")
    read = server.parts.market.records.read
    query = select(tickets.c.code, tickets.c.text).where(tickets.c.text != "")
    pages = {
        row.text: await supervisor.gets(f"/dashboard/tickets/{row.code}")
        for row in await read(lambda db: db.execute(query).all())
    }
    # It is kept as it was written.
    assert [kept for kept, page in pages.items() if said in page and kept not in page], pages
    assert not any(said in kept for kept in pages)


async def test_a_ticket_is_in_the_language_of_its_reader_whoever_the_records_work_for(
    records, now
) -> None:
    asked = {"category": "order", "msisdn": "", "contact_id": None, "language": "en", "now": now}
    text = "The hub reports a problem: wet"
    await records.write(lambda db: open_ticket(db, **asked, text=text))
    with speaking("en"):
        (ticket,), _following = await records.read(open_tickets)
    with speaking("fr"):
        assert ticket.text == "Le hub signale un problème : wet"


async def test_why_a_payment_is_flagged_is_read_in_french(
    server: Running, supervisor: Desk
) -> None:
    payment = await flagged(server)
    await supervisor.posts("/dashboard/language", language="fr")
    page = await supervisor.gets(f"/dashboard/payments/{payment.id}")
    assert "l'opérateur dit 61000, chez nous c'est 60000" in page
    assert "the operator says" not in page


async def test_why_a_receiver_is_switched_off_is_read_in_french(
    server: Running, supervisor: Desk
) -> None:
    records, now = server.parts.market.records, datetime.now(UTC)
    await supervisor.posts("/dashboard/language", language="fr")
    async with receiving() as receiver:
        receiver.answers = [410]
        to = await records.write(lambda db: subscriptions.subscribe(db, receiver.url, (), now))
        await records.write(
            lambda db: hub_news.tell(db, "order.accepted", "o1", "k1", {"n": 1}, now)
        )
        query = select(tickets.c.code).where(tickets.c.about == f"hook:{to[0]}")
        for _round in range(200):
            if code := await records.read(lambda db: db.execute(query).scalar()):
                break
            await asyncio.sleep(0.05)
    page = await supervisor.gets(f"/dashboard/tickets/{code}")
    assert f"Les webhooks vers l'abonnement {to[0]} sont arrêtés : a répondu 410" in page
    assert "il a répondu 410 : disparu" in await supervisor.gets("/dashboard/webhooks/out")


async def test_no_number_shows_whole_in_what_is_translated(
    server: Running, supervisor: Desk
) -> None:
    await supervisor.posts("/dashboard/language", language="fr")
    for text in ("The hub reports a problem: call 0788 123 456", "call 0788 123 456"):
        asked = {"category": "other", "msisdn": "", "contact_id": None, "language": "en"}
        asked |= {"text": text, "now": datetime.now(UTC)}
        code = await server.parts.market.records.write(partial(open_ticket, **asked))
        page = await supervisor.gets(f"/dashboard/tickets/{code}")
        assert "123" not in page.partition("<blockquote>")[2].partition("</blockquote>")[0]
        assert ("Le hub signale un problème : call" in page) == text.startswith("The hub")
