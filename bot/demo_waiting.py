"""What the demo's page tells of payments that have not come to an end."""

from __future__ import annotations

from typing import Any

from bot.i18n.formats import amount
from bot.market import Market, unsettled
from bot.market.unsettled import Unsettled

_SHOWN_MAX = 6
_WHY = {
    "operator": "its operator is down: it leaves by itself",
    "sending": "leaves in a moment",
    "answer": "sent, not answered for yet",
}


async def waiting_payments(market: Market) -> list[dict[str, Any]]:
    """The newest payments on their way: `what` each is and `why` it waits, in English."""
    found = await market.records.read(
        lambda db: unsettled.newest(db, market.payouts, _SHOWN_MAX),
    )
    return [{"what": _what(one), "why": _why(one)} for one in found]


def _what(one: Unsettled) -> str:
    payment = one.payment
    way = "from" if payment.kind == "collection" else "to"
    shown = amount(payment.amount_rwf, "en")
    return f"{payment.order_code}: {shown} {way} {payment.payee_msisdn}"


def _why(one: Unsettled) -> str:
    if one.waits_for != "people":
        return _WHY[one.waits_for]
    return (
        "flagged: staff look at it"
        if one.payment.state == "flagged"
        else ("two people must release it: isoko payouts waiting")
    )
