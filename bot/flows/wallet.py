"""The number for money: where payouts go, and changing it with the PIN."""

from sqlalchemy import Connection

from bot.conversation import Choice, Screen
from bot.flow import Done, Flow, Invalid, Next, Start, Turn
from bot.flows.orders import actor_of
from bot.flows.pin import ask_pin, check_pin
from bot.i18n import _
from bot.market import people, wallet_changes, wallets
from bot.market.notices import wallet_name
from bot.msisdn import read_msisdn

flow = Flow(
    "wallet",
    start="number",
    moves=[
        # move      from       to
        ("typed",   "number",  "pin"),
        ("right",   "pin",     "changed"),
        ("locked",  "pin",     "locked"),
        ("back",    "pin",     "number"),
        ("done",    "changed", "done"),
    ],
    calls=[("verify", "number"), ("verify", "changed"), ("register", "number")],
    personal=True,
)  # fmt: skip


@flow.step("number")
async def ask_number(turn: Turn) -> Next:
    contact = await turn.read(people.by_id, turn.session.contact_id)
    if contact is None:
        return Start("register")
    if contact.verifying:
        return Start("verify")
    wallet = wallet_name(wallets.provider_of(contact))
    # The end only: phones are lent, and who owns it knows the rest.
    text = _("Your money goes to {wallet}, number ending in {end}. Enter the new number:")
    said = text.format(wallet=wallet, end=contact.wallet[-3:])
    # A long code that somebody was told to dial must not fill in somebody else's number.
    return Screen(said, asks="number", guard=True)


@flow.answer("number")
async def read_number(turn: Turn, typed: str) -> str:
    number = read_msisdn("".join(typed.split()), turn.market.hub.country)
    if number is None or not wallets.provider_by_prefix(number):
        raise Invalid(_("Type a mobile number, such as 0788000000."))
    contact = await turn.read(people.by_id, turn.session.contact_id)
    if contact is not None and contact.wallet == number:
        raise Invalid(_("Your money goes to this number already."))
    # Only of the caller's own number does the network say who serves it today.
    own = number == turn.session.number
    told = wallets.provider_on(turn.session.network) if own else ""
    turn.notes["new"] = {"number": number, "told": told}
    return "typed"


@flow.step("pin")
async def ask_first(turn: Turn) -> Next:
    number, told = turn.notes["new"]["number"], turn.notes["new"]["told"]
    wallet = wallet_name(told or wallets.provider_by_prefix(number))
    text = _("Send my money to {number} ({wallet}).").format(number=number, wallet=wallet)
    return await ask_pin(turn, text)


check_pin(flow)


@flow.effect("changed")
def change(turn: Turn, db: Connection) -> Screen:
    new, hours = turn.notes["new"], turn.market.payouts.cooling_off_hours
    outcome = wallet_changes.change(db, actor_of(turn), new["number"], new["told"], turn.now, hours)
    if outcome == "verify":
        text = _("Nothing was changed: we must first check that this is you.")
        return Screen(text, [Choice(_("Continue"), start="verify")])
    done = Choice(_("My account"), "done")
    # Another call of theirs was quicker: it changed the number, or they have left.
    if outcome == "same":
        return Screen(_("Your money goes to this number already."), [done])
    if outcome == "gone":
        return Screen(_("Nothing was changed: nobody is registered with this number."), ends=True)
    text = _(
        "Your number for money is changed; the old number is told. For {n} hours our staff check "
        "each payment first."
    )
    return Screen(text.format(n=hours), [done])


@flow.step("done")
async def go_on(turn: Turn) -> Next:
    return Done()
