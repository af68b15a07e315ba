"""The notice about an offer once more, for who did not get it or has lost it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Literal

from sqlalchemy import Connection, select

from bot.market import Hub, news, news_wishes, notices, offers, people
from bot.market.news import QuietHours
from bot.storage.schema import offers as rows


def tell_again(
    db: Connection, offer_id: int, hub: Hub, quiet: QuietHours, now: datetime
) -> Literal["told", "told_before", "muted", "no_effect"]:
    """Tell the person of an offer that waits, or that they have accepted; once in an hour.

    "no_effect" of any other offer, of one whose time is over, and where nobody can be told.
    "muted" where the person is sent no news that may wait.
    """
    whose = db.execute(select(rows.c.contact_id).where(rows.c.id == offer_id)).scalar()
    offer = None if whose is None else offers.by_id(db, offer_id, whose)
    person = None if offer is None else people.by_id(db, offer.contact_id)
    if offer is None or person is None or not person.msisdn:
        return "no_effect"
    if news_wishes.of(db, person.id).muted:
        return "muted"
    if offer.state == "offered" and offer.answer_by > now:
        words = partial(notices.offer_arrived, offer, hub.service_code, hub.timezone)
    elif offer.state == "accepted":
        words = partial(notices.order_accepted, offer, hub.timezone)
    else:
        return "no_effect"
    # In the key and not looked up: two who press at once send one.
    key = f"{offer.state}-again:{offer.id}:{offer.version}:{now:%Y%m%d%H}"
    before = offer.answer_by if offer.state == "offered" else None
    is_new = news.tell(db, person.id, key, words, now, quiet, before=before)
    return "told" if is_new else "told_before"
