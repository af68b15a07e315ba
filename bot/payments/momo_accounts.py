"""What MTN MoMo tells of accounts: the hub's balance in a product, and whether a wallet is active.

Source: MTN's developer pages, as collected in the project's wire facts, section 3.3.
"""

from __future__ import annotations

from bot.payments.momo_codes import code_of, whole
from bot.payments.momo_line import OUTSIDE, MomoLine, party_id


async def balance_rwf(line: MomoLine) -> int | None:
    """The hub's money in the line's product, in whole francs; None when MTN does not tell.

    In MTN's own sandbox, where the settings say EUR, these are euros.
    """
    try:
        status, data = await line.get("/account/balance")
    except OUTSIDE:
        return None
    if status != 200 or not isinstance(data, dict) or data.get("currency") != line.config.currency:
        return None
    return whole(data.get("availableBalance"))


async def is_active(line: MomoLine, msisdn: str) -> bool | None:
    """Whether this E.164 number has a wallet that is active; None when MTN does not tell."""
    number = party_id(msisdn)
    if not number:
        return False
    try:
        status, data = await line.get(f"/accountholder/msisdn/{number}/active")
    except OUTSIDE:
        return None
    # A 404 without MTN's own code may come from something in between.
    if status == 404 and code_of(data) == "RESOURCE_NOT_FOUND":
        return False
    told = data.get("result") if status == 200 and isinstance(data, dict) else None
    return told if isinstance(told, bool) else None
