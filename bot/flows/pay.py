"""Pay a bill: the yes is given here, the money's own PIN in the operator's prompt afterwards."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Done, Flow, Next, Start, Turn
from bot.flows import verify
from bot.i18n import _
from bot.i18n.formats import amount
from bot.market import bills, collecting, notices, outages, people, wallets
from bot.market.collecting import NotCollected
from bot.market.lines import collecting_line, line_of
from bot.market.payments import Payment
from bot.market.people import Contact

flow = Flow(
    "pay",
    start="confirm",
    moves=[
        # move     from       to
        ("yes",    "confirm", "asked"),
        ("no",     "confirm", "kept"),
        ("paying", "confirm", "kept"),
    ],
    calls=[("register", "confirm"), ("verify", "confirm"), ("help", "confirm")],
    personal=True,
)  # fmt: skip


@flow.step("confirm")
async def ask_if_they_pay(turn: Turn) -> Next:
    contact_id = turn.session.contact_id
    if not contact_id:
        return Start("register")
    bill = await turn.read(bills.by_id, turn.notes.get("picked") or 0, contact_id)
    contact = await turn.read(people.by_id, contact_id)
    if bill is None or contact is None:
        return "paying"
    under_way = await turn.read(collecting.paying, bill.id)
    if under_way is not None:
        return "paying"
    try:
        payer = await turn.read(collecting.payer_of, contact, turn.market.collections, turn.now)
    except NotCollected as refused:
        if refused.why == "verify":
            return Start("verify")
        return Screen(_why_not(contact), [Choice(_("Help"), start="help")])
    language = turn.session.language or "rw"
    question = _("Pay {amount} for order {code}?").format(
        amount=amount(bill.amount_rwf, language), code=bill.order_code
    )
    wallet = notices.wallet_name(payer.provider)
    if payer.msisdn != turn.session.number:
        # Another phone rings: its end, as short as the screen needs in every language.
        wallet = f"{wallet} ...{payer.msisdn[-3:]}"
    text = _("Enter your PIN in the {wallet} prompt. Never give it to anyone.")
    if await turn.read(outages.is_down, collecting_line(payer.provider)):
        text = _("{wallet} does not work now: its request comes later, by itself.")
    # Keys of S7; what leads here is never 1: the payments menu lists bills last.
    return Screen(
        f"{question}\n{text.format(wallet=wallet)}",
        [Choice(_("Confirm"), "yes", key="1"), Choice(_("Cancel"), "no", key="2")],
        guard=True,
    )


@flow.effect("asked")
def ask_the_wallet(turn: Turn, db: Connection) -> Screen:
    market = turn.market
    picked, contact_id = turn.notes.get("picked") or 0, turn.session.contact_id
    try:
        asked = collecting.collect(db, picked, contact_id, market.collections, turn.now)
    except NotCollected as refused:
        # It became so while the screen was shown.
        contact = people.by_id(db, contact_id)
        if contact is None or refused.why == "verify":
            return Screen(verify.why(), ends=True)
        return Screen(_why_not(contact), ends=True)
    if asked is None:
        return Screen(_("This payment is not there any more."), ends=True)
    return Screen(_what_follows(db, turn, asked), ends=True)


@flow.step("kept")
async def back_to_payments(turn: Turn) -> Next:
    return Done()


def _why_not(contact: Contact) -> str:
    text = _("You cannot pay us from {wallet} yet. Call us, and we tell you how to pay.")
    return text.format(wallet=notices.wallet_name(wallets.provider_of(contact)))


def waits(payment: Payment, is_down: bool) -> bool:
    """Whether it goes on by itself once its operator works again.

    Asked for, it may be paid, although nobody could write down the answer.
    """
    return is_down and payment.state == "created" and not payment.asks


def truth_of(payment: Payment, is_down: bool) -> str:
    """What a person may be told of a payment that is not settled."""
    if waits(payment, is_down):
        text = _(
            "{wallet} does not work now. The payment of order {code} waits and goes on by itself. "
            "You will get an SMS."
        )
        wallet = notices.wallet_name(payment.provider)
        return text.format(wallet=wallet, code=payment.order_code)
    if payment.kind == "collection":
        text = _(
            "We are checking the payment of order {code}. Do not pay again. You will get an SMS."
        )
        return text.format(code=payment.order_code)
    text = _("We are checking the payment of order {code}. You will get an SMS.")
    return text.format(code=payment.order_code)


def _what_follows(db: Connection, turn: Turn, asked: Payment) -> str:
    if asked.state == "succeeded":
        return _("Order {code} is paid.").format(code=asked.order_code)
    made_now = asked.state == "created" and asked.created_at == turn.now
    is_down = outages.is_down(db, line_of(asked))
    if made_now and not is_down:
        text = _(
            "{wallet} asks you to pay {amount} now: enter your PIN there. An SMS tells you when it "
            "is paid."
        )
        language = turn.session.language or "rw"
        rwf = amount(asked.amount_rwf, language)
        return text.format(wallet=notices.wallet_name(asked.provider), amount=rwf)
    return truth_of(asked, is_down)
