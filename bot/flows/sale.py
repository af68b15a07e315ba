"""Ask a local buyer to pay: whose number, how much, what for, the PIN; and how each stands."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Flow, Invalid, Next, Start, Turn
from bot.flows import verify
from bot.flows.orders import actor_of
from bot.flows.pin import ask_pin, check_pin
from bot.flows.sale_words import how_it_stands, in_a_word, what_for_typed, why_not_asked
from bot.flows.stock_words import francs_typed
from bot.i18n import _, language_spoken
from bot.i18n.formats import amount
from bot.market import outages, payments, people, sales, wallets
from bot.market.lines import line_of
from bot.market.notices import wallet_name
from bot.market.sales import Asking
from bot.msisdn import read_msisdn

flow = Flow(
    "sale",
    start="list",
    moves=[
        # move     from      to
        ("new",    "list",   "number"),
        ("one",    "list",   "one"),
        ("back",   "one",    "list"),
        ("back",   "number", "list"),
        ("typed",  "number", "amount"),
        ("back",   "amount", "number"),
        ("typed",  "amount", "goods"),
        ("back",   "goods",  "amount"),
        ("typed",  "goods",  "pin"),
        ("right",  "pin",    "asked"),
        ("locked", "pin",    "locked"),
        ("back",   "pin",    "goods"),
        ("list",   "asked",  "list"),
    ],
    calls=[("register", "list"), ("verify", "list"), ("verify", "asked")],
    personal=True,
)  # fmt: skip


@flow.step("list")
async def show_asked(turn: Turn) -> Next:
    contact = await turn.read(people.by_id, turn.session.contact_id)
    if contact is None:
        return Start("register")
    if contact.verifying:
        return Start("verify")
    down = await turn.read(outages.down)
    # No amounts and no numbers before the PIN: phones are lent.
    choices = [
        Choice(f"{one.order_code}: {in_a_word(one, line_of(one) in down)}", "one", one.id)
        for one in await turn.read(sales.mine, contact.id)
    ]
    text = _("Payments of buyers") if choices else _("You have asked no buyer to pay yet.")
    return Screen(text, [Choice(_("Ask a buyer to pay"), "new"), *choices])


@flow.step("one")
async def show_one(turn: Turn) -> Next:
    own = turn.session.contact_id
    asked = await turn.read(payments.by_id, turn.notes["list"], own)
    if asked is None or asked.sale_id is None:
        return "back"
    out = await turn.read(sales.passed_on, asked.sale_id)
    is_down = await turn.read(outages.is_down, line_of(asked))
    return Screen(f"{asked.order_code}\n{how_it_stands(asked, out, is_down)}")


@flow.step("number")
async def ask_number(turn: Turn) -> Next:
    # No guard: a call that is lost on its way to the PIN is played again from what was typed. A
    # long code gets no further than the PIN either, which names the buyer, the sum and the goods.
    return Screen(_("Phone number of the buyer:"), asks="number", of_others=True)


@flow.answer("number")
async def read_number(turn: Turn, typed: str) -> str:
    number = read_msisdn("".join(typed.split()), turn.market.hub.country)
    if number is None:
        raise Invalid(_("Type a mobile number, such as 0788000000."))
    contact = await turn.read(people.by_id, turn.session.contact_id)
    if contact is not None:
        why = sales.whom_not(contact, number, turn.market.collections)
        if why is not None:
            raise Invalid(why_not_asked(why, turn.market.collections.sale))
    turn.notes["buyer"] = number
    return "typed"


@flow.step("amount")
async def ask_amount(turn: Turn) -> Next:
    return Screen(_("How much does the buyer pay (Frw)?"), asks="number")


@flow.answer("amount")
async def read_amount(turn: Turn, typed: str) -> str:
    rwf, limits = francs_typed(typed), turn.market.collections.sale
    if rwf > limits.largest_rwf:
        raise Invalid(why_not_asked("large", limits))
    turn.notes["rwf"] = rwf
    return "typed"


@flow.step("goods")
async def ask_what_for(turn: Turn) -> Next:
    return Screen(_("What for? The buyer reads it, such as: honey"), asks="text")


@flow.answer("goods")
async def read_what_for(turn: Turn, typed: str) -> str:
    turn.notes["what"] = what_for_typed(typed)
    return "typed"


@flow.step("pin")
async def ask_first(turn: Turn) -> Next:
    asking = _asking(turn)
    text = _("Ask {number} ({wallet}) to pay {amount} for: {what}.").format(
        number=asking.buyer_msisdn,
        wallet=wallet_name(wallets.provider_by_prefix(asking.buyer_msisdn)),
        amount=amount(asking.amount_rwf, language_spoken()),
        what=asking.what_for,
    )
    screen = await ask_pin(turn, text)
    screen.of_others = True
    return screen


check_pin(flow)


@flow.effect("asked")
def ask_the_buyer(turn: Turn, db: Connection) -> Screen:
    asking, rules = _asking(turn), turn.market.collections
    asked = sales.ask(db, actor_of(turn), asking, rules, turn.now)
    listed = Choice(_("Payments of buyers"), "list")
    if asked.outcome == "verify":
        return Screen(verify.why(), [Choice(_("Continue"), start="verify"), listed])
    if asked.payment is None:
        return Screen(why_not_asked(asked.outcome, rules.sale), [listed])
    text = _(
        "{code}: {wallet} asks the buyer for {amount} now. Let them type their PIN themselves. We "
        "tell you how it ends."
    )
    said = text.format(
        code=asked.payment.order_code,
        wallet=wallet_name(asked.payment.provider),
        amount=amount(asking.amount_rwf, language_spoken()),
    )
    return Screen(said, [listed])


def _asking(turn: Turn) -> Asking:
    notes = turn.notes
    return Asking(notes["buyer"], notes["rwf"], notes["what"])
