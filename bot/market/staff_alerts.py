"""What staff are alerted of: raised once it has lasted, cleared once it has been gone for a while.

Being told leaves in the same transaction: by webhook, and to the staff's chat on Telegram.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from bot.i18n import N_, _, speaking
from bot.kept_text import kept_text
from bot.market import hub_news
from bot.storage import outbox
from bot.storage.schema import alert_mutes, audit
from bot.storage.schema import staff_alerts as rows
from bot.storage.schema.alerts import IS_OPEN

# Each rule with its words; `docs/operations.md` has a run-book for every one.
RULES: dict[str, str] = {
    "gateway_silent": N_("No hop through {about} for {figure} minutes"),
    "payment_unknown": N_("A payment has been unknown for {figure} minutes"),
    "ledger_sum": N_("The ledger is off by {figure} Frw"),
    "pin_spray": N_("{figure} wrong PINs on all numbers together"),
    "news_late": N_("Messages to people have waited for {figure} seconds"),
    "slow_hops": N_("One hop in a hundred takes {figure} ms or longer"),
    "audit_chain": N_("Line {figure} of the audit was changed or removed"),
    "reveals": N_("{about} was refused a look at a number {figure} times in an hour"),
    "sign_in_spray": N_("{figure} tries to sign in to the dashboard in a quarter of an hour"),
    "left_over": N_("{figure} × {about}: they wait for a person"),
    "shop_failing": N_("Shop {about} could not be asked for its orders, {figure} times in a row"),
    "wrong_secrets": N_("{about}: {figure} requests with a wrong secret in five minutes"),
    "stranger_callbacks": N_("{figure} payment callbacks in an hour that are none of ours"),
    "receiver_off": N_("Webhooks to subscription {about} are disabled: it fails or is gone"),
    "disk_low": N_("Free space on the server's disk: {figure} %"),
    "backup_old": N_("No backup of the records for {figure} hours"),
    "certificate_ends": N_("The certificate {about} ends in {figure} days"),
}
# What is left over, by what the rule calls it.
LEFT_OVER = {
    "chats": N_("updates of chats that could not be applied"),
    "hub": N_("events of the hub that could not be applied"),
    "letters": N_("messages given up in the last hour"),
}
# What watches the staff and the books: who may be meant by it does not keep it quiet.
WATCHES_STAFF = frozenset({"reveals", "audit_chain", "ledger_sum"})
_CHAT_LANE = "alert"


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is not as it should be now."""

    rule: str
    about: str
    figure: int


@dataclass(frozen=True, slots=True)
class Manner:
    """How long something lasts before it is raised, and is gone before it is cleared; and a chat.

    `chat_id` is the staff's on Telegram, 0 where there is none.
    """

    hold: timedelta
    rest: timedelta
    chat_id: int = 0


def words_of(rule: str, about: str, figure: int) -> str:
    """An alert in the language being spoken."""
    named = _(LEFT_OVER[about]) if about in LEFT_OVER else about
    return _(RULES[rule]).format(about=named, figure=figure)


def note(
    db: Connection, looked_at: Sequence[str], found: Sequence[Found], manner: Manner, now: datetime
) -> int:
    """What a round has found of the rules that it looked at; how many alerts changed.

    A rule that was not looked at stays as it was.
    """
    known = {(row["rule"], row["about"]): row for row in _open(db)}
    changed = 0
    for one in found:
        row = known.pop((one.rule, one.about), None)
        changed += _seen(db, row, one, manner, now)
    for (rule, _about), row in known.items():
        if rule in looked_at:
            changed += _gone(db, row, manner, now)
    return changed


def listed(db: Connection, limit: int = 50) -> Sequence[RowMapping]:
    """Those that are raised, the newest first, then those that are over."""
    query = select(rows).where(rows.c.state != "pending")
    order = rows.c.state.desc(), rows.c.raised_at.desc()
    return db.execute(query.order_by(*order).limit(limit)).mappings().all()


def is_open(db: Connection, rule: str, about: str) -> bool:
    """Whether this is pending or raised now."""
    same = (rows.c.rule == rule) & (rows.c.about == about)
    return db.execute(select(rows.c.id).where(IS_OPEN, same)).first() is not None


def mute(db: Connection, rule: str, until: datetime, by: str, why: str, now: datetime) -> None:
    """Tell nobody of this rule until then. Raises ValueError without a name or a reason."""
    name, reason = by.strip()[:40], kept_text(why, 160)
    if not name or not reason:
        raise ValueError("who mutes it, and why, must be said")
    if rule not in RULES:
        raise ValueError(f"a rule is one of {', '.join(RULES)}")
    db.execute(delete(alert_mutes).where(alert_mutes.c.rule == rule))
    db.execute(insert(alert_mutes), {"rule": rule, "until": until, "by": name, "why": reason})
    line = {
        "at": now,
        "actor": name,
        "action": "alert muted",
        "subject": rule,
        "details": {"until": until.isoformat(), "why": reason},
    }
    db.execute(insert(audit), line)


def mutes(db: Connection, now: datetime) -> dict[str, RowMapping]:
    """The rules that are muted now: until when, by whom and why."""
    query = select(alert_mutes).where(alert_mutes.c.until > now)
    return {row["rule"]: row for row in db.execute(query).mappings()}


def fire_test(db: Connection, rule: str, chat_id: int, by: str, now: datetime) -> tuple[int, bool]:
    """Tell of a rule as if it were raised, marked as a test; of one rule once in a minute.

    For how many receivers it was written, and whether for the staff's chat.
    """
    key = f"test:{rule}:{int(now.timestamp()) // 60}"
    with speaking("en"):
        text = f"TEST by {by}, nothing is wrong: {words_of(rule, '…', 0)}"
    data = {"rule": rule, "about": "test", "figure": 0, "text": text, "test": True}
    receivers = hub_news.tell(db, "alert.raised", "alert test", key, data, now)
    line = {"at": now, "actor": by[:40], "action": "alert tested", "subject": rule}
    db.execute(insert(audit), {**line, "details": {"receivers": receivers, "chat": bool(chat_id)}})
    if not chat_id:
        return receivers, False
    args = {"text": f"Isoko: {text}"}
    payload = {"chat_id": chat_id, "method": "sendMessage", "args": args}
    outbox.put(db, "telegram", f"alert.{key}", payload, now)
    return receivers, True


def _open(db: Connection) -> Sequence[RowMapping]:
    return db.execute(select(rows).where(IS_OPEN)).mappings().all()


def _seen(
    db: Connection, row: RowMapping | None, one: Found, manner: Manner, now: datetime
) -> bool:
    if row is None:
        new = {"rule": one.rule, "about": one.about, "figure": one.figure}
        db.execute(insert(rows), {**new, "first_seen_at": now, "last_seen_at": now})
        row = next(r for r in _open(db) if (r["rule"], r["about"]) == (one.rule, one.about))
    values: dict[str, Any] = {"figure": one.figure, "last_seen_at": now}
    lasted: bool = row["state"] == "pending" and now - row["first_seen_at"] >= manner.hold
    if lasted:
        values |= {"state": "raised", "raised_at": now}
    # Also one that was raised while its rule was muted, once that is over.
    untold = (lasted or row["state"] == "raised") and not row["told"]
    tells = untold and one.rule not in mutes(db, now)
    if tells:
        values["told"] = 1
        _tell(db, "alert.raised", row["id"], one, manner, now)
    db.execute(update(rows).where(rows.c.id == row["id"]).values(values))
    return lasted or tells


def _gone(db: Connection, row: RowMapping, manner: Manner, now: datetime) -> bool:
    if row["state"] == "pending":
        db.execute(delete(rows).where(rows.c.id == row["id"]))
        return False
    if now - row["last_seen_at"] < manner.rest:
        return False
    over = {"state": "cleared", "cleared_at": now}
    db.execute(update(rows).where(rows.c.id == row["id"]).values(over))
    if row["told"]:
        one = Found(row["rule"], row["about"], row["figure"])
        _tell(db, "alert.cleared", row["id"], one, manner, now)
    return True


def _tell(
    db: Connection, kind: str, alert_id: int, one: Found, manner: Manner, now: datetime
) -> None:
    with speaking("en"):
        text = words_of(one.rule, one.about, one.figure)
    data = {"rule": one.rule, "about": one.about, "figure": one.figure, "text": text}
    hub_news.tell(db, kind, f"{_CHAT_LANE}{alert_id}"[:12], f"{alert_id}", data, now)
    if manner.chat_id:
        over = "" if kind == "alert.raised" else "over: "
        args = {"text": f"Isoko: {over}{text}"}
        payload = {"chat_id": manner.chat_id, "method": "sendMessage", "args": args}
        outbox.put(db, "telegram", f"{kind}:{alert_id}", payload, now)
