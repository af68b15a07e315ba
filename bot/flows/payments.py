"""Payments: confirm what arrived with the PIN, see a statement, say when something is wrong."""

from functools import partial

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Start, Turn
from bot.flows.call_back import ticket_screen
from bot.flows.orders import actor_of
from bot.flows.pay import truth_of
from bot.flows.pin import ask_pin as pin_screen
from bot.flows.pin import locked_screen, pin_is_right
from bot.i18n import _
from bot.i18n.formats import amount, local_day, short_day
from bot.market import bills, clearance, news, notices, outages, payments
from bot.market.lines import line_of
from bot.market.payment_words import payment_state
from bot.market.payments import Payment
from bot.market.statement_sending import has_chat, send_statement

flow = Flow(
    "payments",
    start="menu",
    moves=[
        # move        from         to
        ("confirm",   "menu",      "pin"),
        ("checking",  "menu",      "checking"),
        ("statement", "menu",      "unlock"),
        ("problem",   "menu",      "problem"),
        ("right",     "pin",       "confirmed"),
        ("locked",    "pin",       "locked"),
        ("back",      "pin",       "menu"),
        ("receipt",   "confirmed", "receipt"),
        ("problem",   "confirmed", "problem"),
        ("menu",      "receipt",   "menu"),
        ("back",      "checking",  "menu"),
        ("right",     "unlock",    "statement"),
        ("locked",    "unlock",    "locked"),
        ("back",      "unlock",    "menu"),
        ("back",      "statement", "menu"),
        ("file",      "statement", "sent"),
        ("statement", "sent",      "statement"),
        ("back",      "problem",   "menu"),
        ("yes",       "problem",   "reported"),
        ("menu",      "reported",  "menu"),
        ("menu",      "confirmed", "menu"),
        ("back",      "confirmed", "menu"),
    ],
    calls=[
        ("register", "menu"),
        ("receipts", "menu"),
        ("pay",      "menu"),
        ("sale",     "menu"),
        ("help",     "checking"),
    ],
    personal=True,
)  # fmt: skip


@flow.step("menu")
async def show_menu(turn: Turn) -> Next:
    contact_id = turn.session.contact_id
    if not contact_id:
        return Start("register")
    arrived = await turn.read(payments.to_confirm, contact_id)
    coming = await turn.read(payments.under_way, contact_id)
    # No amounts before the PIN: phones are lent.
    choices = [
        Choice(_("Confirm money of {code}").format(code=p.order_code), "confirm", p.id)
        for p in arrived
    ]
    choices += [Choice(_underway(p), "checking", p.id) for p in coming]
    # What leads to a problem must not be what reports it, and its number is not always the same.
    turn.notes["problem_key"] = str(len(choices) + 2)
    choices += [
        Choice(_("Statement"), "statement"),
        Choice(_("Report a problem"), "problem", arrived[0].id if arrived else 0),
        Choice(_("Check a receipt"), start="receipts"),
    ]
    # Behind these, so that the key of a bill is never the 1 that pays it.
    choices += [
        Choice(_("Pay {code}").format(code=bill.order_code), value=bill.id, start="pay")
        for bill in await turn.read(bills.to_pay, contact_id)
        if turn.market.collections.providers
    ]
    if turn.market.collections.providers:
        choices.append(Choice(_("Buyers pay me"), start="sale"))
    return Screen(_("Payments") if arrived else _("No new money to confirm."), choices)


@flow.step("pin")
async def ask_pin(turn: Turn) -> Next:
    payment = await _picked(turn)
    if payment is None:
        return "back"
    language = turn.session.language or "rw"
    text = _("Confirm: {amount} arrived on {wallet}, order {code}.").format(
        amount=amount(payment.really_rwf, language),
        wallet=notices.wallet_name(payment.provider),
        code=payment.order_code,
    )
    return await pin_screen(
        turn, text, resume=_("payment of order {code}").format(code=payment.order_code)
    )


@flow.answer("pin", slow=True)
async def read_pin(turn: Turn, typed: str) -> str:
    return await pin_is_right(turn, typed)


@flow.effect("confirmed")
def confirm(turn: Turn, db: Connection) -> Screen:
    payment_id = turn.notes["menu"]
    outcome = payments.confirm(db, actor_of(turn), payment_id, turn.now)
    payment = payments.by_id(db, payment_id, turn.session.contact_id)
    if payment is None or outcome == "gone":
        return Screen(_("This payment is not there any more."), [Choice(_("Payments"), "menu")])
    if outcome == "confirmed":
        # Sent unasked: whoever lost this reply hears of it, and has something to show.
        key, zone = f"confirmed:{payment.reference}", turn.market.hub.timezone
        words = partial(notices.receipt, payment, zone)
        news.tell(db, payment.contact_id, key, words, turn.now)
    said = _("Confirmed.") if outcome == "confirmed" else _("Confirmed before.")
    return Screen(
        "\n".join([said, *payment_lines(payment, turn)]),
        [Choice(_("Receipt (SMS)"), "receipt"), Choice(_("Report a problem"), "problem")],
    )


@flow.effect("receipt")
def send_receipt(turn: Turn, db: Connection) -> Screen:
    payment = payments.by_id(db, turn.notes["menu"], turn.session.contact_id)
    back = [Choice(_("Payments"), "menu")]
    if payment is None:
        return Screen(_("This payment is not there any more."), back)
    key, zone = f"receipt:{payment.reference}:{turn.hop_key.hex()}", turn.market.hub.timezone
    words = partial(notices.receipt, payment, zone)
    news.tell(db, payment.contact_id, key, words, turn.now, by_phone=True)
    return Screen(_("The receipt comes by SMS."), back)


@flow.step("checking")
async def show_truth(turn: Turn) -> Next:
    payment = await _picked(turn)
    if payment is None:
        return "back"
    is_down = await turn.read(outages.is_down, line_of(payment))
    # What people hold does not go on by itself when the operator works again.
    held = await turn.read(clearance.needs_release, payment, turn.market.payouts)
    return Screen(truth_of(payment, is_down and not held), [Choice(_("Help"), start="help")])


@flow.step("unlock")
async def ask_before_statement(turn: Turn) -> Next:
    return await pin_screen(turn, _("Your statement: the money you received."))


@flow.answer("unlock", slow=True)
async def read_unlock(turn: Turn, typed: str) -> str:
    return await pin_is_right(turn, typed)


@flow.step("statement")
async def show_statement(turn: Turn) -> Next:
    listed = await turn.read(payments.statement, turn.session.contact_id)
    if not listed:
        return Screen(_("No payments yet."))
    language = turn.session.language or "rw"
    zone = turn.market.hub.timezone
    lines = [
        f"{short_day(local_day(p.dated_at, zone))} {p.order_code}: "
        f"{amount(p.really_rwf, language)} {payment_state(p.state, p.kind)}"
        for p in listed
    ]
    total = await turn.read(payments.received_rwf, turn.session.contact_id)
    keep = _("Total received: {amount}").format(amount=amount(total, language))
    files = []
    if await turn.read(has_chat, turn.session.contact_id):
        files = [
            Choice(_("PDF to my chat"), "file", "pdf"),
            Choice(_("CSV to my chat"), "file", "csv"),
        ]
    return Screen("\n".join(lines), files, keep=keep)


@flow.effect("sent")
def send_file(turn: Turn, db: Connection) -> Screen:
    form, key, zone = turn.notes["statement"], turn.hop_key.hex(), turn.market.hub.timezone
    sent = send_statement(db, turn.session.contact_id, form, key, zone, turn.now)
    said = _("The statement comes to your chat.") if sent else _("Your chat is not linked now.")
    return Screen(said, [Choice(_("Statement"), "statement")])


@flow.step("problem")
async def ask_if_problem(turn: Turn) -> Next:
    text = _("Did money not arrive, or is the amount wrong? We look at it and call you back.")
    yes = Choice(_("Yes, call me"), "yes", key="5")
    if turn.notes.get("problem_key") == yes.key:
        # "5" led here, so "5" must not be what reports: double presses are common.
        yes = Choice(_("Yes, call me"), "yes", key="7")
    return Screen(text, [yes], resume=_("a payment problem"))


@flow.effect("reported")
def report(turn: Turn, db: Connection) -> Screen:
    payment = payments.by_id(db, turn.notes["menu"] or 0, turn.session.contact_id)
    back = Choice(_("Payments"), "menu")
    about = payment.order_code if payment else ""
    return ticket_screen(turn, db, "payment_missing", back, about=about)


@flow.step("locked")
async def locked(turn: Turn) -> Next:
    return await locked_screen(turn)


def payment_lines(payment: Payment, turn: Turn) -> list[str]:
    """A payment that arrived, in full."""
    language = turn.session.language or "rw"
    wallet = notices.wallet_name(payment.provider)
    txn_id = payment.provider_txn_id
    return [
        _("You received {amount} on {wallet}").format(
            amount=amount(payment.really_rwf, language), wallet=wallet
        ),
        _("Order {code}").format(code=payment.order_code),
        # Of what people ended without an answer of the operator nobody has it.
        *([_("Transaction: {ref}").format(ref=txn_id)] if txn_id else []),
        _("Fee: {fee}").format(fee=amount(payment.fee_rwf, language)),
    ]


def _underway(payment: Payment) -> str:
    text = _("Your payment: {code}") if payment.kind == "collection" else _("On the way: {code}")
    return text.format(code=payment.order_code)


async def _picked(turn: Turn) -> Payment | None:
    return await turn.read(payments.by_id, turn.notes["menu"], turn.session.contact_id)
