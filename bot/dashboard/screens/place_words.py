"""What a place in a conversation is called on a page."""

from __future__ import annotations

from bot.i18n import N_, _

_FLOWS = {
    "home": N_("Home"),
    "language": N_("Language"),
    "register": N_("Register"),
    "prices": N_("Prices"),
    "share": N_("Your share of the price"),
    "orders": N_("Orders"),
    "my_orders": N_("My orders"),
    "payments": N_("Payments"),
    "pay": N_("Pay"),
    "receipts": N_("Check a receipt"),
    "track": N_("Track shipment"),
    "lessons": N_("Lessons"),
    "account": N_("My account"),
    "my_data": N_("My data"),
    "help": N_("Help"),
    "pin": N_("PIN"),
    "wallet": N_("Number for money"),
    "verify": N_("Check of the number"),
    "visitors": N_("Visitors"),
}
# Where money or a person's own data is one entry away.
_WITH_MONEY = frozenset({"orders", "my_orders", "payments", "pay", "pin", "wallet", "visitors"})


def place_name(place: str) -> str:
    """The conversation's name in the language spoken; the state's own word where there is none."""
    flow, _dot, state = place.partition(".")
    known = _FLOWS.get(flow)
    return f"{_(known) if known else flow} › {state}"


def is_about_money(place: str) -> bool:
    """Whether a mistake at this place costs somebody money; the list of orders may be empty."""
    return place != "orders.list" and place.partition(".")[0] in _WITH_MONEY
