"""The rules by which staff are alerted: each looks at the records and says what is wrong, if it is.

Figures come from the records, so that every worker finds the same; those of the machine are of the
one whose turn it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from bot.market import staff_alerts
from bot.market.staff_alerts import Found
from bot.operations.backlog import waiting
from bot.operations.machine_finds import NO_MACHINE, MachineRules, certificates, disks, old_backup
from bot.operations.staff_finds import (
    callbacks,
    forged,
    left_over,
    receivers,
    reveals,
    shops,
    sign_ins,
)
from bot.operations.wrong_secrets import guesses
from bot.storage.audit_chain import Patrol
from bot.storage.schema import payment_events, payments, pin_failures, transcripts

# How far back a process looks for each gateway when it begins; from then on only at what is new.
_BACK_HOPS = 20_000
_SLOW_HOPS, _SLOW_WINDOW, _SLOW_LEAST = 500, timedelta(minutes=5), 50


@dataclass(frozen=True, slots=True)
class AlertRules:
    """From when on each rule speaks; 0 switches one off."""

    silent_minutes: int
    # By night nobody calls: the hours, on the hub's clock, in which silence means something.
    from_hour: int
    until_hour: int
    unknown_minutes: int
    late_s: int
    slow_ms: int
    spray_failures: int
    spray_minutes: int
    timezone: str
    sign_in_tries: int
    refused_reveals: int
    left_over: int
    shop_failures: int
    wrong_secrets: int
    stranger_callbacks: int
    machine: MachineRules = NO_MACHINE


class Heard:
    """When each gateway last brought a hop, in milliseconds since 1970."""

    def __init__(self, gateways: tuple[str, ...]) -> None:
        self._gateways, self._after_id = gateways, 0
        self.at_ms: dict[str, int] = {}

    def read(self, db: Connection) -> None:
        """Look at the hops that have come since."""
        newest = int(db.execute(select(func.max(transcripts.c.id))).scalar() or 0)
        new = transcripts.c.id > max(self._after_id, newest - _BACK_HOPS)
        for gateway in self._gateways:
            # By its two ends, for a name may be the beginning of another's.
            mine = transcripts.c.session_key.between(f"{gateway}:", f"{gateway};")
            at_ms = db.execute(select(func.max(transcripts.c.at_ms)).where(new, mine)).scalar()
            self.at_ms[gateway] = max(self.at_ms.get(gateway, 0), at_ms or 0)
        self._after_id = newest


Look = Callable[[Connection], Iterable[Found]]


def looks(
    rules: AlertRules, heard: Heard, patrol: Patrol, now: datetime
) -> Iterator[tuple[str, Look]]:
    """Each rule that is switched on, and what finds what is wrong by it in one short read.

    The sum of the ledger is none of these: it takes many.
    """
    if rules.silent_minutes and _is_day(rules, now):
        yield "gateway_silent", partial(_silent, rules=rules, heard=heard, now=now)
    if rules.unknown_minutes:
        yield "payment_unknown", partial(_unknown, rules=rules, now=now)
    if rules.spray_failures:
        yield "pin_spray", partial(_spray, rules=rules, now=now)
    if rules.late_s:
        yield "news_late", partial(_late, rules=rules, now=now)
    if rules.slow_ms:
        yield "slow_hops", partial(_slow, rules=rules, now=now)
    if rules.sign_in_tries:
        yield "sign_in_spray", partial(sign_ins, most=rules.sign_in_tries, now=now)
    if rules.refused_reveals:
        yield "reveals", partial(reveals, most=rules.refused_reveals, now=now)
    if rules.left_over:
        yield "left_over", partial(left_over, most=rules.left_over, now=now)
    if rules.shop_failures:
        yield "shop_failing", partial(shops, most=rules.shop_failures)
    if rules.wrong_secrets:
        yield "wrong_secrets", partial(guesses, most=rules.wrong_secrets, now=now)
    if rules.stranger_callbacks:
        yield "stranger_callbacks", partial(callbacks, most=rules.stranger_callbacks, now=now)
    yield from _of_machine(rules.machine, now)
    yield "receiver_off", receivers
    yield "audit_chain", partial(forged, patrol=patrol)


def _of_machine(rules: MachineRules, now: datetime) -> Iterator[tuple[str, Look]]:
    if rules.disk_percent:
        yield "disk_low", partial(disks, rules=rules)
    if rules.backup_hours:
        yield "backup_old", partial(old_backup, rules=rules, now=now)
    if rules.certificate_days:
        yield "certificate_ends", partial(certificates, rules=rules, now=now)


def _is_day(rules: AlertRules, now: datetime) -> bool:
    return rules.from_hour <= now.astimezone(ZoneInfo(rules.timezone)).hour < rules.until_hour


def _silent(db: Connection, rules: AlertRules, heard: Heard, now: datetime) -> Iterator[Found]:
    """A gateway that has called before and does not any more; one that never did is not silent."""
    for gateway, at_ms in heard.at_ms.items():
        minutes = int(now.timestamp() - at_ms / 1000) // 60
        if at_ms and minutes >= rules.silent_minutes:
            yield Found("gateway_silent", gateway, minutes)
        elif not at_ms and staff_alerts.is_open(db, "gateway_silent", gateway):
            # Another process raised it; since then others' hops have hidden its last one.
            yield Found("gateway_silent", gateway, rules.silent_minutes)


def _unknown(db: Connection, rules: AlertRules, now: datetime) -> Iterator[Found]:
    since = (
        select(func.max(payment_events.c.at))
        .where(payment_events.c.payment_id == payments.c.id)
        .where(payment_events.c.to_state == "unknown")
        .correlate(payments)
        .scalar_subquery()
    )
    oldest = select(func.min(since)).where(payments.c.state == "unknown")
    moment = db.execute(oldest).scalar()
    minutes = int((now - moment).total_seconds()) // 60 if moment else 0
    if minutes >= rules.unknown_minutes:
        yield Found("payment_unknown", "", minutes)


def _spray(db: Connection, rules: AlertRules, now: datetime) -> Iterator[Found]:
    since = now - timedelta(minutes=rules.spray_minutes)
    count = select(func.count()).where(pin_failures.c.at > since)
    wrong = db.execute(count).scalar() or 0
    if wrong >= rules.spray_failures:
        yield Found("pin_spray", "", wrong)


def _slow(db: Connection, rules: AlertRules, now: datetime) -> Iterator[Found]:
    """The 99th of a hundred of the last hops; few of them, or old ones, say nothing."""
    since_ms = int((now - _SLOW_WINDOW).timestamp() * 1000)
    last = select(transcripts.c.micros, transcripts.c.at_ms)
    rows = db.execute(last.order_by(transcripts.c.id.desc()).limit(_SLOW_HOPS)).all()
    took = sorted(micros for micros, at_ms in rows if at_ms >= since_ms)
    if len(took) < _SLOW_LEAST:
        return
    p99_ms = took[(len(took) * 99 - 1) // 100] // 1000
    if p99_ms >= rules.slow_ms:
        yield Found("slow_hops", "", p99_ms)


def _late(db: Connection, rules: AlertRules, now: datetime) -> Iterator[Found]:
    late_s = int(waiting(db, now).news_late_s)
    if late_s > rules.late_s:
        yield Found("news_late", "", late_s)
