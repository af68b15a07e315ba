"""What a place in a conversation is called on a page."""

from __future__ import annotations

from bot.i18n import N_, _

FLOWS = {
    "home": N_("Home"),
    "language": N_("Language"),
    "register": N_("Register"),
    "prices": N_("Prices"),
    "share": N_("Your share of the price"),
    "orders": N_("Orders"),
    "my_orders": N_("My orders"),
    "payments": N_("Payments"),
    "pay": N_("Pay"),
    "sale": N_("Payments of buyers"),
    "receipts": N_("Check a receipt"),
    "track": N_("Track shipment"),
    "lessons": N_("Lessons"),
    "account": N_("My account"),
    "my_data": N_("My data"),
    "help": N_("Help"),
    "pin": N_("PIN"),
    "new_pin": N_("Change PIN"),
    "wallet": N_("Number for money"),
    "verify": N_("Check of the number"),
    "new_owner": N_("New owner of a number"),
    "telegram_link": N_("Telegram"),
    "news": N_("News"),
    "visitors": N_("Visitors"),
    "stock": N_("My stock"),
    "stock_change": N_("My stock"),
    "alerts": N_("Price alerts"),
    "members": N_("Members"),
    "split": N_("Share among members"),
    "give": N_("A member gives"),
}
# Under which heading a state stands; what is not here is the conversation itself.
_STATES = {
    **dict.fromkeys(("list", "crops", "markets", "mine"), N_("List")),
    **dict.fromkeys(("pin", "unlock", "old_pin"), N_("PIN")),
    **dict.fromkeys(("new_pin", "repeat"), N_("New PIN")),
    **dict.fromkeys(
        ("refuse", "sure", "erase", "confirm", "bring", "consent", "withdraw", "ask"),
        N_("Yes or no"),
    ),
    "locked": N_("PIN locked"),
    **dict.fromkeys(("part", "quantity", "amount"), N_("Quantity")),
    "quiz": N_("Quiz"),
    "taken": N_("Accepted"),
    "refused": N_("Declined"),
    "confirmed": N_("Confirmed"),
    "late": N_("Too late"),
    "offer": N_("Order"),
    "more": N_("Details"),
    "one": N_("Details"),
    "problem": N_("A problem"),
    "write": N_("Message"),
    "statement": N_("Statement"),
}
# Where money or a person's own data is one entry away.
_WITH_MONEY = frozenset(
    {"orders", "my_orders", "payments", "pay", "sale", "pin", "wallet", "visitors", "give"}
)
# What turns a page or goes back, and says nothing about the screen it was typed at.
MOVES = frozenset({"", "0", "00", "98", "99"})


def place_name(place: str) -> str:
    """The conversation and where in it, in the language spoken."""
    flow, _dot, state = place.partition(".")
    named, where = FLOWS.get(flow), _STATES.get(state)
    whole = _(named) if named else flow
    return f"{whole} › {_(where)}" if where and where != named else whole


def flow_names() -> dict[str, str]:
    """The conversations by name, in the language spoken; of two with one name the first."""
    first: dict[str, str] = {}
    for flow, name in FLOWS.items():
        first.setdefault(name, flow)
    return {flow: _(name) for name, flow in first.items()}


def is_in_flow(place: str, flow: str) -> bool:
    """Whether this place is in that conversation, or in another of its name."""
    here = place.partition(".")[0]
    return here == flow or (here in FLOWS and FLOWS[here] == FLOWS.get(flow))


def is_about_money(place: str) -> bool:
    """Whether a mistake at this place costs somebody money; the list of orders may be empty."""
    return place != "orders.list" and place.partition(".")[0] in _WITH_MONEY
