"""Staff are alerted once of what lasts, and once that it is over; whoever looks, and not by night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, select, text, update

from bot.dashboard.access import attempts, members
from bot.dashboard.access.sign_in import EVERYBODY
from bot.i18n import speaking
from bot.market import ledger, settlement, staff_alerts, subscriptions
from bot.market.limits import USUAL
from bot.market.staff_alerts import Found, Manner
from bot.operations import alert_rules
from bot.operations.alert_rules import AlertRules, Heard
from bot.operations.alert_watch import AlertWatch
from bot.payments.provider import Answer, Outcome
from bot.settings import SettingsError, load_settings
from bot.storage import audit_chain
from bot.storage.audit_chain import Patrol
from bot.storage.schema import (
    audit,
    hub_events,
    ledger_lines,
    outbox,
    shop_pulls,
    telegram_updates,
    transcripts,
    turns,
)
from bot.storage.schema import staff_alerts as rows
from tests.market.money import answer, pay, person, settle
from tests.server import FARMER, TEA, Running
from tests.storage.test_audit_chain import by_sql

NOON = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
HOLD, REST, CHAT = timedelta(seconds=30), timedelta(seconds=120), -100200300
AT_ONCE = Manner(timedelta(0), timedelta(0))
MANNER = Manner(HOLD, REST, CHAT)
RULES = AlertRules(20, 7, 20, 30, 120, 1000, 5, 10, "Africa/Kigali", 10, 2, 1, 3, 20, 5)
SILENT = Found("gateway_silent", "africastalking", 25)


async def noted(records: Any, found: list[Found], at: datetime, manner: Manner = MANNER) -> int:
    return await records.write(
        lambda db: staff_alerts.note(db, list(staff_alerts.RULES), found, manner, at)
    )


async def told(records: Any) -> list[tuple[str, str]]:
    """What left, webhooks and chat, in order."""

    def work(db: Any) -> list[tuple[str, str]]:
        query = select(outbox.c.kind, outbox.c.payload).order_by(outbox.c.id)
        return [
            (kind, said["type"] if kind == "webhook" else said["args"]["text"])
            for kind, said in db.execute(query).all()
        ]

    return await records.read(work)


async def test_what_lasts_is_told_once_and_its_end_once(records) -> None:
    await records.write(lambda db: subscriptions.subscribe(db, "https://hub.example/", (), NOON))
    at = NOON
    assert await noted(records, [SILENT], at) == 0
    assert await told(records) == []
    for _round in range(6):
        at += timedelta(seconds=15)
        await noted(records, [SILENT], at)
    said = "Isoko: No hop through africastalking for 25 minutes"
    assert await told(records) == [("webhook", "alert.raised"), ("telegram", said)]
    # Gone for a moment and back again is the same alert.
    for found in ([], [SILENT], [], [SILENT], []):
        at += timedelta(seconds=30)
        await noted(records, found, at)
    assert len(await told(records)) == 2
    await noted(records, [], at + REST)
    await noted(records, [], at + 2 * REST)
    over = "Isoko: over: No hop through africastalking for 25 minutes"
    assert (await told(records))[2:] == [("webhook", "alert.cleared"), ("telegram", over)]
    (one,) = await records.read(staff_alerts.listed)
    assert one["state"] == "cleared" and one["raised_at"] < one["cleared_at"]


async def test_what_passes_is_never_raised_and_a_rule_not_looked_at_stays(records) -> None:
    for minute in range(10):
        await noted(records, [SILENT] if minute % 2 else [], NOON + timedelta(seconds=15 * minute))
    assert await told(records) == [] and await records.read(staff_alerts.listed) == []
    await noted(records, [SILENT], NOON + timedelta(minutes=9))
    await noted(records, [SILENT], NOON + timedelta(minutes=9) + HOLD)
    later = NOON + timedelta(hours=9)
    await records.write(lambda db: staff_alerts.note(db, ["news_late"], [], MANNER, later))
    assert [one["state"] for one in await records.read(staff_alerts.listed)] == ["raised"]


async def test_a_muted_rule_is_kept_and_told_to_nobody(records) -> None:
    until = NOON + timedelta(hours=1)

    def mute(by: str, why: str, rule: str = "gateway_silent"):
        return records.write(lambda db: staff_alerts.mute(db, rule, until, by, why, NOON))

    for wrong in (("", "x"), ("amina", " "), ("amina", "x", "no_such_rule")):
        with pytest.raises(ValueError, match=r"must be said|a rule is one of"):
            await mute(*wrong)
    await mute("amina", "MTN is at work")
    for seconds in (0, 30, 200):
        await noted(records, [SILENT], NOON + timedelta(seconds=seconds))
    await noted(records, [], NOON + timedelta(seconds=400))
    (one,) = await records.read(staff_alerts.listed)
    assert one["state"] == "cleared" and await told(records) == []
    who = select(audit.c.actor, audit.c.action)
    assert await records.read(lambda db: list(map(tuple, db.execute(who).all()))) == [
        ("amina", "alert muted")
    ]
    # Once that is over, the next is told.
    for seconds in (0, 30):
        await noted(records, [SILENT], until + timedelta(seconds=seconds))
    assert len(await told(records)) == 1


async def test_what_was_raised_while_muted_is_told_once_when_that_is_over(records) -> None:
    until = NOON + timedelta(hours=1)
    await records.write(
        lambda db: staff_alerts.mute(db, "gateway_silent", until, "amina", "x", NOON)
    )
    for seconds in (0, 30, 60):
        await noted(records, [SILENT], NOON + timedelta(seconds=seconds))
    assert await told(records) == []
    for seconds in (0, 30, 60):
        await noted(records, [SILENT], until + timedelta(seconds=seconds))
    await noted(records, [], until + timedelta(seconds=300))
    said = [text for _kind, text in await told(records)]
    assert said == [
        "Isoko: No hop through africastalking for 25 minutes",
        "Isoko: over: No hop through africastalking for 25 minutes",
    ]


async def hops(
    records: Any, gateway: str, at: datetime, micros: int = 5000, count: int = 1
) -> None:
    row = {"session_key": f"{gateway}:1", "hop": 1, "owner": FARMER, "place": "home:menu",
           "typed": "", "shown": "", "micros": micros, "at_ms": int(at.timestamp() * 1000)}  # fmt: skip
    await records.write(lambda db: db.execute(insert(transcripts), [row] * count))


async def looks(records: Any, heard: Heard, at: datetime) -> set[tuple[str, str]]:
    def look(db: Any) -> set[tuple[str, str]]:
        heard.read(db)
        every = alert_rules.looks(RULES, heard, Patrol(), at)
        return {(one.rule, one.about) for _rule, finds in every for one in finds(db)}

    return await records.read(look)


async def test_a_gateway_is_silent_by_day_when_it_called_before(records) -> None:
    heard = Heard(("mtn", "mtn_new", "airtel"))
    await hops(records, "mtn", NOON - timedelta(minutes=21))
    await hops(records, "mtn_new", NOON - timedelta(minutes=19))
    # One that never called is not silent, and a name that begins another's is not that one.
    assert await looks(records, heard, NOON) == {("gateway_silent", "mtn")}
    assert await looks(records, heard, NOON + timedelta(minutes=1)) == {
        ("gateway_silent", "mtn"), ("gateway_silent", "mtn_new")
    }  # fmt: skip
    await hops(records, "mtn", NOON)
    assert await looks(records, heard, NOON) == set()
    # By night nobody calls.
    assert await looks(records, heard, NOON + timedelta(hours=12)) == set()


async def test_slow_hops_are_seen_and_few_say_nothing(records) -> None:
    heard = Heard(())
    await hops(records, "mtn", NOON, micros=2_000_000, count=40)
    assert await looks(records, heard, NOON) == set()
    await hops(records, "mtn", NOON, count=400)
    assert await looks(records, heard, NOON) == {("slow_hops", "")}
    assert await looks(records, heard, NOON + timedelta(minutes=6)) == set()
    await records.write(lambda db: db.execute(delete(transcripts)))
    await hops(records, "mtn", NOON, count=500)
    assert await looks(records, heard, NOON) == set()


async def test_wrong_pins_and_late_news_are_found(server: Running) -> None:
    records, heard = server.parts.market.records, Heard(())
    # The demo's own message to the farmer has left.
    await server.inbox(FARMER)
    now = datetime.now(UTC)
    assert await looks(records, heard, now) == set()
    phone = server.phone()
    for caller in (phone, server.phone(TEA)):
        await caller.dials()
        await caller.types("2", "1", "1", "00000", "11111", "22222")
    assert await looks(records, heard, datetime.now(UTC)) == {("pin_spray", "")}
    old = now - timedelta(minutes=10)
    row = {"kind": "sms", "dedupe_key": "x", "payload": {}, "due_at": old, "written_at": old,
           "lease": "other", "lease_until": now + timedelta(hours=1)}  # fmt: skip
    await records.write(lambda db: db.execute(insert(outbox), row))
    assert ("news_late", "") in await looks(records, heard, datetime.now(UTC))


async def test_a_payment_that_nobody_knows_of_is_found_until_it_is_known(records) -> None:
    def begin(db: Any) -> Any:
        payment = pay(db, person(db, NOON), NOON)
        settlement.record_asked(db, payment.reference, Answer(Outcome.UNKNOWN), NOON)
        return payment

    payment = await records.write(begin)
    heard, soon = Heard(()), NOON + timedelta(minutes=29)
    # Its own news waits too, which is not what is looked at here.
    await records.write(lambda db: db.execute(update(outbox).values(state="sent")))
    assert await looks(records, heard, soon) == set()
    late = NOON + timedelta(minutes=31)
    assert await looks(records, heard, late) == {("payment_unknown", "")}
    known = answer(payment)
    await records.write(
        lambda db: settlement.record_answer(db, payment.reference, known, late, rules=USUAL)
    )
    assert ("payment_unknown", "") not in await looks(records, heard, late)


async def test_a_ledger_that_is_off_is_found(records) -> None:
    await records.write(lambda db: settle(db, pay(db, person(db, NOON), NOON), NOON))
    await records.write(lambda db: db.execute(update(outbox).values(state="sent")))
    assert await looks(records, Heard(()), NOON) == set()

    def forge(db: Any) -> None:
        """As somebody with the database's own password may do it."""
        if db.dialect.name == "postgresql":
            db.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            mine = (
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'ledger%'"
            )
            for name in list(db.execute(text(mine)).scalars()):
                db.execute(text(f"DROP TRIGGER {name}"))
        first = db.execute(select(ledger_lines).limit(1)).mappings().one()
        line = {name: first[name] for name in first if name != "id"}
        db.execute(insert(ledger_lines), line | {"account": "forged", "amount_rwf": 7})

    await records.write(forge)
    assert await ledger.off_rwf(records) == 7
    watch = AlertWatch(records, (), RULES, AT_ONCE, lambda: None)
    await watch.look()
    (one,) = await records.read(staff_alerts.listed)
    assert (one["rule"], one["figure"]) == ("ledger_sum", 7)


async def test_two_processes_look_in_turn_and_the_other_takes_over(records) -> None:
    def watch() -> AlertWatch:
        return AlertWatch(records, ("mtn",), RULES, MANNER, lambda: None, every_s=15)

    first, second = watch(), watch()
    assert await first.look() and not await second.look() and await first.look()
    past = datetime.now(UTC) - timedelta(seconds=1)
    await records.write(lambda db: db.execute(update(turns).values(until=past)))
    assert await second.look() and not await first.look()


def test_a_chat_without_a_bot_stops_the_start(tmp_path: Path) -> None:
    named = {"ISOKO_ALERTS__TELEGRAM_CHAT": "5", "ISOKO_TELEGRAM__ENABLED": "false"}
    with pytest.raises(SettingsError, match="ALERTS__TELEGRAM_CHAT"):
        load_settings(named)


def test_every_rule_has_a_run_book() -> None:
    told = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert all(f"`{rule}`" in told for rule in staff_alerts.RULES)
    assert rows.name == "staff_alerts"


async def test_what_happens_at_the_staffs_own_door_is_found(records) -> None:
    heard = Heard(())
    assert await looks(records, heard, NOON) == set()

    def staff_do(db: Any) -> None:
        members.add(db, "amina", "supervisor", "en", NOON, "test")
        for n in range(10):
            attempts.attempt(db, EVERYBODY, 600, NOON)
            if n < 2:
                # A name of nobody's, such as of a command's caller, is no member of the staff.
                for by in ("amina", "nobody"):
                    members.note(db, by, "reveal refused", "contact 1", NOON)

    await records.write(staff_do)
    found = {("sign_in_spray", ""), ("reveals", "amina")}
    assert await looks(records, heard, NOON + timedelta(minutes=5)) == found
    assert await looks(records, heard, NOON + timedelta(minutes=61)) == set()


async def test_what_nothing_is_done_about_is_found(records) -> None:
    row = {"kind": "sms", "dedupe_key": "x", "payload": {}, "due_at": NOON, "written_at": NOON}
    dead = row | {"state": "dead", "done_at": NOON}
    hub = {"source": "hub", "event_id": "e1", "type": "order.created", "lane": "o", "body": b"",
             "digest": b"x" * 16, "due_at": NOON, "received_at": NOON, "state": "parked"}  # fmt: skip
    update_parked = {"update_id": 1, "chat_id": 1, "body": b"", "state": "parked",
                     "received_at": NOON}  # fmt: skip
    shop = {"source": "woocommerce", "asked_until": NOON, "due_at": NOON, "failures": 3}

    def leave(db: Any) -> None:
        db.execute(insert(outbox), dead)
        db.execute(insert(hub_events), hub)
        db.execute(insert(shop_pulls), shop)
        db.execute(insert(telegram_updates), update_parked)

    await records.write(leave)
    old, shops = {("left_over", "chats"), ("left_over", "hub")}, {("shop_failing", "woocommerce")}
    assert await looks(records, Heard(()), NOON) == old | shops | {("left_over", "letters")}
    # A letter that staff have left lying is known.
    assert await looks(records, Heard(()), NOON + timedelta(minutes=61)) == old | shops
    with speaking("fr"):
        assert "chats" in staff_alerts.words_of("left_over", "chats", 1)


async def test_a_line_of_the_audit_that_was_changed_is_found(records) -> None:
    await records.write(lambda db: members.note(db, "amina", "looked", "contact 1", NOON))
    await records.write(audit_chain.seal)
    assert await looks(records, Heard(()), NOON) == set()
    await by_sql(records, update(audit).values(actor="eric"))
    assert await looks(records, Heard(()), NOON) == {("audit_chain", "")}


async def test_the_rules_are_looked_at_without_holding_up_what_is_written(
    records, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def heard(*what: Any) -> None:
        asked.append(what[2])

    write = type(records).write

    async def counted(self: Any, work: Any) -> Any:
        def seen(db: Any) -> Any:
            event.listen(db, "before_cursor_execute", heard)
            try:
                return work(db)
            finally:
                event.remove(db, "before_cursor_execute", heard)

        return await write(self, seen)

    monkeypatch.setattr(type(records), "write", counted)
    await AlertWatch(records, ("mtn",), RULES, MANNER, lambda: None).look()
    assert asked and not any("transcripts" in one or "ledger" in one for one in asked)
