"""`isoko collections`: ask a person to pay the hub, and give back what was collected."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import Connection, insert

from bot.cli.store import done
from bot.i18n import load_catalogues
from bot.i18n.formats import amount
from bot.market import bills, collecting, news, notices, people, wallets
from bot.market.bills import BillRefused
from bot.money_rules import collection_rules_of
from bot.msisdn import read_msisdn
from bot.settings import Settings, load_settings
from bot.storage.schema import audit

_SAID = {
    "refunding": "refund {reference} is made: it leaves now; `isoko payments flagged` lists it "
    "when the operator does not tell what became of it",
    "gone": "there is no payment with this reference",
    "not_collected": "it is no collection that has arrived: there is nothing to give back",
    "passed_on": "a buyer has paid it to a seller, and it is passed on: only the seller can give "
    "it back",
    "before": "it is given back already, or about to be: refund {reference}",
    "left": "its person has left and their number is gone: ask the operator to give it back",
    "no_name": "--by must be the name of a member of staff",
}

_WITHDRAWN = {
    "withdrawn": "withdrawn: nobody is asked for it any more, and the person is told by SMS",
    "gone": "there is no bill with this number",
    "before": "it is withdrawn already",
    "paid": "NOT withdrawn: it is paid; isoko collections refund gives it back",
    "paying": "NOT withdrawn: a payment of it is under way or flagged, and money may be moving; "
    "wait for its end, or see isoko payments flagged",
    "no_name": "--by must be the name of a member of staff, and --why must say why",
}

app = typer.Typer(no_args_is_help=True, help="What people pay the hub.")


@app.callback()
def _group() -> None:
    """What people pay the hub.

    Example: isoko collections ask 0788000005 25000 --order KW-1042
    """


@app.command("ask")
def ask(
    number: Annotated[str, typer.Argument(help="The number of who is to pay; registered")],
    francs: Annotated[int, typer.Argument(help="How much, in whole francs")],
    order: Annotated[str, typer.Option(help="For which order, such as KW-1042")],
    why: Annotated[str, typer.Option(help="Why, for our own books")] = "",
    by: Annotated[str, typer.Option(help="Who asks for it")] = "staff",
    again: Annotated[bool, typer.Option("--again", help="One more for this order, on purpose")] = (
        False
    ),
) -> None:
    """Make a bill: the person has an SMS, and pays it by phone under "Payments".

    Typed twice it is made once: a second one for the same person and order needs --again. Ends with
    1 when no bill was made.

    Example: isoko collections ask 0788000005 25000 --order KW-1042 --why packaging
    """
    settings = load_settings()
    msisdn = read_msisdn(number, settings.hub.country)
    if msisdn is None:
        typer.echo("give a mobile number", err=True)
        raise typer.Exit(2)
    load_catalogues()
    try:
        said = done(lambda db: _ask(db, settings, msisdn, francs, order, why, by, again), settings)
    except BillRefused as refused:
        typer.echo(f"no bill was made: {refused}", err=True)
        raise typer.Exit(1) from refused
    typer.echo(said)


@app.command("refund")
def refund(
    reference: Annotated[str, typer.Argument(help="The reference of the collection")],
    by: Annotated[str, typer.Option(help="Who gives it back")] = "",
) -> None:
    """Give the whole of a collection back; never twice. Large ones wait for release, as payouts.

    Ends with 1 when nothing is given back.

    Example: isoko collections refund 0b6c1f4e-3a52-4f0e-9d0c-5b1f6e0a7c11 --by amina
    """
    settings = load_settings()
    outcome, which = done(lambda db: _refund(db, reference, by), settings)
    good = outcome == "refunding"
    typer.echo(_SAID[outcome].format(reference=which), err=not good)
    if not good:
        raise typer.Exit(1)


@app.command("withdraw")
def withdraw(
    bill: Annotated[int, typer.Argument(help="The bill's number, as `ask` has said it")],
    by: Annotated[str, typer.Option(help="Who withdraws it")],
    why: Annotated[str, typer.Option(help="Why, for the audit")],
) -> None:
    """Withdraw a bill that is not paid: the books take it back, and the person is told by SMS.

    Refused while money may be moving for it. Ends with 1 when nothing was withdrawn.

    Example: isoko collections withdraw 12 --by amina --why "asked twice"
    """
    load_catalogues()
    outcome = done(lambda db: _withdraw(db, bill, why, by))
    typer.echo(_WITHDRAWN[outcome], err=outcome != "withdrawn")
    if outcome != "withdrawn":
        raise typer.Exit(1)


def _ask(
    db: Connection,
    settings: Settings,
    msisdn: str,
    francs: int,
    order: str,
    why: str,
    by: str,
    again: bool,
) -> str:
    contact = people.by_msisdn(db, msisdn)
    if contact is None:
        raise BillRefused("nobody is registered with this number")
    provider = wallets.provider_of(contact)
    if provider not in collection_rules_of(settings).providers:
        raise BillRefused(
            f"this hub does not collect through {provider}: see [collections] in "
            "config/default.toml"
        )
    now = datetime.now(UTC)
    bill = bills.ask(
        db,
        contact_id=contact.id,
        order_code=order,
        amount_rwf=francs,
        why=why,
        by=by,
        now=now,
        again=again,
    )
    dial = settings.hub.service_code
    words = notices.bill_made
    news.tell(db, contact.id, f"bill:{bill.id}", lambda: words(bill, dial), now)
    return f"bill {bill.id}: {amount(bill.amount_rwf, 'en')} for {order}; the person is told by SMS"


def _withdraw(db: Connection, bill_id: int, why: str, by: str) -> str:
    now = datetime.now(UTC)
    outcome, bill = bills.withdraw(db, bill_id, why, by, now)
    if outcome == "withdrawn" and bill is not None:
        words = notices.bill_withdrawn
        news.tell(db, bill.contact_id, f"bill:{bill.id}:withdrawn", lambda: words(bill), now)
    return outcome


def _refund(db: Connection, reference: str, by: str) -> tuple[str, str]:
    name = by.strip()[:40]
    if not name:
        return "no_name", ""
    now = datetime.now(UTC)
    outcome, payment = collecting.refund(db, reference, now)
    which = payment.reference if payment else ""
    if outcome == "refunding":
        line = {
            "at": now,
            "actor": name,
            "action": "collection refunded",
            "subject": f"payment {reference}",
            "details": {"refund": which},
        }
        db.execute(insert(audit), line)
    return outcome, which
