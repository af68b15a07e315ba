"""A statement compared as a stream, in batches; running it again opens no second ticket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, text, update

from bot.i18n.ticket_sentences import TicketSentence
from bot.market import people
from bot.market.payments import OPEN, Payment, as_payment
from bot.market.reconciliation.judging import Finding, Kind, bad_row, judge, missing_there
from bot.market.reconciliation.statement import BadRow, Row, read_statement
from bot.market.tickets import has_ticket, open_ticket
from bot.storage.records import Records
from bot.storage.schema import payments, reconciliations

_BATCH = 500
# So far may our clock and the operator's be apart around midnight.
_CLOCKS_APART = timedelta(minutes=5)
_CATEGORY = "payment_flagged"


@dataclass(slots=True)
class Tally:
    """What was counted. Sums are in francs: what the statement has as paid, and what we have
    as paid of the payments in it."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    there_rwf: int = 0
    here_rwf: int = 0
    tickets: int = 0

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be looked at."""
        return set(self.kinds) <= {Kind.MATCHED, Kind.OTHER_DAY}


async def reconcile(
    file: Path | TextIO,
    records: Records,
    *,
    provider: str,
    day: date,
    timezone: str,
    now: datetime,
    report: Callable[[Finding], None],
    acts: bool = True,
) -> Tally:
    """Compare the statement in `file` with the provider's payments of `day`.

    `report` is given everything that did not match, as it is found. Changes no payment: a true
    problem opens one ticket, a payment not settled yet is asked about, and what it came to is kept;
    nothing of that unless it `acts`. Raises `FileProblem`.
    """
    tally, seen = Tally(), _Seen()
    for batch in _batches(read_statement(file, day, timezone)):
        look = partial(_judge, batch=batch, seen=seen, provider=provider, tally=tally)
        findings = await records.read(look)
        await _keep(records, findings, tally, now if acts else None, report)
    zone = ZoneInfo(timezone)
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    paid = partial(_paid, provider=provider, start=start, end=end)
    held, there = await records.read(partial(paid, after_id=0)), seen.all
    while held:
        absent = [payment for payment in held if payment.reference not in there]
        findings = [missing_there(one, _near_midnight(one, start, end)) for one in absent]
        await _keep(records, findings, tally, now if acts else None, report)
        held = await records.read(partial(paid, after_id=held[-1].id))
    if acts:
        await records.write(lambda db: _keep_tally(db, tally, provider, day, now))
    return tally


@dataclass(slots=True)
class _Seen:
    """The references of the file: of rows that were compared, and of those that could not be."""

    compared: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)

    @property
    def all(self) -> set[str]:
        """Those of either."""
        return self.compared | self.unread


def _keep_tally(db: Connection, tally: Tally, provider: str, day: date, now: datetime) -> None:
    """For the dashboard: what it came to, also when all is well."""
    row = {
        "provider": provider,
        "day": day,
        "at": now,
        "kinds": {kind.value: count for kind, count in tally.kinds.items()},
        "there_rwf": tally.there_rwf,
        "here_rwf": tally.here_rwf,
        "tickets": tally.tickets,
    }
    db.execute(insert(reconciliations).values(row))


def _batches(rows: Iterable[Row | BadRow]) -> Iterator[list[Row | BadRow]]:
    stream = iter(rows)
    while batch := list(islice(stream, _BATCH)):
        yield batch


def _judge(
    db: Connection, batch: list[Row | BadRow], seen: _Seen, provider: str, tally: Tally
) -> list[Finding]:
    wanted = [row.reference for row in batch if isinstance(row, Row)]
    query = select(payments).where(payments.c.reference.in_(wanted))
    ours = {row["reference"]: as_payment(row) for row in db.execute(query).mappings()}
    findings = []
    for row in batch:
        if isinstance(row, BadRow):
            findings.append(bad_row(row))
            # It is not missing there: nobody is to be told so of a line that wants correcting.
            seen.unread.add(row.reference)
            continue
        payment = ours.get(row.reference)
        again = row.reference in seen.compared
        findings.append(judge(row, payment, again, provider))
        seen.compared.add(row.reference)
        tally.there_rwf += row.amount if row.status == "SUCCESSFUL" else 0
        if payment is not None and payment.state == "succeeded" and not again:
            tally.here_rwf += payment.really_rwf
    return findings


async def _keep(
    records: Records,
    findings: list[Finding],
    tally: Tally,
    acts_at: datetime | None,
    report: Callable[[Finding], None],
) -> None:
    """Count and report; at `acts_at` open tickets and ask again where that is the thing to do."""
    tally.kinds.update(finding.kind for finding in findings)
    odd = [finding for finding in findings if finding.kind is not Kind.MATCHED]
    if odd and acts_at is not None:
        tally.tickets += await records.write(lambda db: _act(db, odd, acts_at))
    for finding in odd:
        report(finding)


def _act(db: Connection, findings: list[Finding], now: datetime) -> int:
    open_here = [one.reference for one in findings if one.kind is Kind.OPEN]
    if open_here:
        waiting = payments.c.reference.in_(open_here) & payments.c.state.in_(OPEN)
        db.execute(update(payments).where(waiting).values(look_up_at=now))
    problems = [finding for finding in findings if finding.is_problem]
    if problems and db.dialect.name == "postgresql":
        # Two who run it at once must not each find no ticket.
        db.execute(text("LOCK TABLE tickets IN SHARE ROW EXCLUSIVE MODE"))
    return sum(_open_once(db, finding, now) for finding in problems)


def _open_once(db: Connection, finding: Finding, now: datetime) -> bool:
    about = finding.reference[:40]
    if has_ticket(db, _CATEGORY, about):
        return False
    whose = finding.contact_id
    person = None if whose is None else people.by_id(db, whose)
    left = whose is not None and person is None
    open_ticket(
        db,
        category=_CATEGORY,
        msisdn="" if left else finding.msisdn,
        contact_id=finding.contact_id,
        about=about,
        text=TicketSentence.STATEMENT.format(finding=finding.what),
        language="en" if person is None else person.language,
        now=now,
    )
    return True


def _paid(
    db: Connection, provider: str, start: datetime, end: datetime, after_id: int
) -> list[Payment]:
    query = (
        select(payments)
        .where(
            payments.c.provider == provider,
            payments.c.state == "succeeded",
            payments.c.settled_at >= start,
            payments.c.settled_at < end,
            payments.c.id > after_id,
        )
        .order_by(payments.c.id)
        .limit(_BATCH)
    )
    return [as_payment(row) for row in db.execute(query).mappings()]


def _near_midnight(payment: Payment, start: datetime, end: datetime) -> bool:
    # Not since it was made: what waited for its release was not known to the operator before.
    began_at = payment.asked_at or payment.created_at
    settled_at = payment.settled_at or began_at
    return began_at < start + _CLOCKS_APART or settled_at > end - _CLOCKS_APART
