"""An order shared by the members of a co-operative: asked, reserved for a while, brought."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from sqlalchemy import ColumnElement, Connection, insert, update

from bot.market import (
    Actor,
    members,
    news,
    notices,
    offers,
    people,
    products,
    split_board,
    split_notices,
)
from bot.market.news import NEVER, QuietHours
from bot.market.offers import Offer
from bot.market.split_state import (
    Share,
    Split,
    asked_of,
    held,
    in_dispute,
    locked,
    of_offer,
    share_by_id,
    share_in,
    shares_of,
)
from bot.storage.schema import audit, shares, splits

Outcome = Literal[
    "asked", "given", "declined", "brought", "taken", "changed", "too_late", "verify", "gone",
    "no_members", "not_accepted",
]  # fmt: skip

# So long members may answer, and so long what they hold is theirs to bring; never past delivery.
ANSWER_FOR, HOLD_FOR = timedelta(hours=24), timedelta(hours=48)
# Who has said no, or has let it lapse, may still give.
_MAY_GIVE = ("asked", "declined", "lapsed")


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of it, and how it stands now."""

    outcome: Outcome
    split: Split | None
    share: Share | None = None


def ask(
    db: Connection,
    actor: Actor,
    offer_id: int,
    now: datetime,
    service_code: str,
    timezone: str,
    quiet: QuietHours = NEVER,
) -> Answered:
    """Ask every member, once for an order, how much they can give of what was accepted."""
    cooperative_id = actor.contact_id
    people.hold(db, cooperative_id)
    if (known := of_offer(db, offer_id, cooperative_id)) is not None:
        return Answered("asked", known)
    offer = offers.by_id(db, offer_id, cooperative_id)
    if offer is None or offer.state != "accepted" or offer.deliver_by <= now:
        return Answered("not_accepted", None)
    asked = members.of(db, cooperative_id)
    if not asked:
        return Answered("no_members", None)
    answer_by = min(now + ANSWER_FOR, offer.deliver_by)
    values = {
        "offer_id": offer_id,
        "cooperative_id": cooperative_id,
        "needed": products.units_in(offer.product, offer.packs_accepted, offer.pack_g),
        "asked_at": now,
        "answer_by": answer_by,
    }
    key = db.execute(insert(splits).values(values)).inserted_primary_key
    split_id = int(key[0]) if key else 0
    rows = [{"split_id": split_id, "contact_id": m.contact_id, "changed_at": now} for m in asked]
    db.execute(insert(shares), rows)
    split = of_offer(db, offer_id, cooperative_id)
    if split is None:
        raise RuntimeError(f"the split of offer {offer_id} went while it was held")
    words = partial(split_notices.asked, split, service_code, timezone)
    for member in asked:
        whom = f"split:{split_id}:{member.contact_id}"
        news.tell(db, member.contact_id, whom, words, now, quiet, before=answer_by)
    split_board.begin(db, split_id, now)
    _note(db, actor, split_id, "asked", len(asked), now)
    return Answered("asked", split)


def bring_by(split: Split, now: datetime) -> datetime:
    """Until when what is given at `now` has to be brought, before it is free for others."""
    return min(now + HOLD_FOR, split.deliver_by)


def give(
    db: Connection, actor: Actor, split_id: int, version: int, units: int, now: datetime
) -> Answered:
    """Reserve `units` of an order for this member, as their share stood in `version`.

    The database decides who is first; what is not brought in time is free again.
    """
    found, refused = _answerable(db, actor, split_id, version, now)
    if refused is not None or found is None:
        return refused or Answered("gone", None)
    split, share = found
    fits = (splits.c.id == split_id) & (splits.c.reserved + units <= splits.c.needed)
    values = {"reserved": splits.c.reserved + units, "version": splits.c.version + 1}
    if units < 1 or db.execute(update(splits).where(fits).values(values)).rowcount != 1:
        return Answered("taken", split, share)
    _set(db, share, now, state="held", units=units, held_until=bring_by(split, now))
    _note(db, actor, split_id, "given", units, now)
    after = asked_of(db, split_id, actor.contact_id) or found
    if not after[0].left:
        words = partial(split_notices.filled, after[0])
        key = f"filled:{split_id}:{after[0].version}"
        news.tell(db, split.cooperative_id, key, words, now)
    split_board.show(db, split_id, now)
    return Answered("given", *after)


def decline(db: Connection, actor: Actor, split_id: int, version: int, now: datetime) -> Answered:
    """The member gives nothing this time."""
    found, refused = _answerable(db, actor, split_id, version, now)
    if refused is not None or found is None:
        return refused or Answered("gone", None)
    _set(db, found[1], now, state="declined")
    _note(db, actor, split_id, "declined", 0, now)
    _turn_over(db, split_id, 0)
    split_board.show(db, split_id, now)
    return Answered("declined", found[0])


def bring(db: Connection, actor: Actor, share_id: int, version: int, now: datetime) -> Answered:
    """The co-operative has what this member held: it lapses no more."""
    share = share_by_id(db, share_id)
    split = None if share is None else locked(db, share.split_id)
    if share is None or split is None or split.cooperative_id != actor.contact_id:
        return Answered("gone", None)
    if share.state != "held" or share.version != version:
        return Answered("changed", split, share)
    if not _set(db, share, now, state="brought", held_until=None):
        return Answered("changed", split, share)
    _note(db, actor, split.id, "brought", share.units, now)
    return Answered("brought", split, share)


def lapse_due(db: Connection, now: datetime, limit: int = 100) -> int:
    """Free up to `limit` shares that were held and not brought in time; returns how many.

    While the order is disputed none lapses: it may go on.
    """
    late = (shares.c.held_until <= now) & ~in_dispute()
    return _lapse(db, late, now, tell=True, limit=limit)


def call_off(db: Connection, offer: Offer, now: datetime) -> None:
    """The co-operative's order is called off: nothing is held for it, and who gave hears of it."""
    split = of_offer(db, offer.id, offer.contact_id)
    if split is None or locked(db, split.id) is None:
        return
    words = partial(notices.order_called_off, offer)
    for share in shares_of(db, split.id):
        if share.state in ("held", "brought"):
            news.tell(db, share.contact_id, f"off:{share.id}:{share.version}", words, now)
    _lapse(db, shares.c.split_id == split.id, now, tell=False)


def forget(db: Connection, contact_id: int, now: datetime) -> None:
    """Somebody leaves: what they held is free for others, and they belong nowhere."""
    _lapse(db, shares.c.contact_id == contact_id, now, tell=False)
    members.forget(db, contact_id)


def _lapse(
    db: Connection,
    which: ColumnElement[bool],
    now: datetime,
    *,
    tell: bool,
    limit: int | None = None,
) -> int:
    count = 0
    for share in held(db, which, limit):
        split = locked(db, share.split_id)
        if split is None:
            continue
        if split.was_brought:
            # It is handed over: nobody else needs to find what was not noted as brought.
            _set(db, share, now, held_until=None)
        elif _set(db, share, now, state="lapsed", units=0, held_until=None):
            count += 1
            _free(db, split, share, now, tell=tell)
    return count


def _free(db: Connection, split: Split, share: Share, now: datetime, *, tell: bool) -> None:
    _turn_over(db, split.id, -share.units)
    _note(db, Actor("clock", "server", "", share.contact_id), split.id, "lapsed", share.units, now)
    if tell:
        words = partial(split_notices.lapsed, split, share.units)
        news.tell(db, share.contact_id, f"lapsed:{share.id}:{share.version}", words, now)
    split_board.show(db, split.id, now)


def _answerable(
    db: Connection, actor: Actor, split_id: int, version: int, now: datetime
) -> tuple[tuple[Split, Share] | None, Answered | None]:
    """The split, locked, and the member's share of it; or why there is nothing to answer."""
    split, share = locked(db, split_id), share_in(db, split_id, actor.contact_id)
    if split is None or share is None:
        return None, Answered("gone", None)
    if not split.is_open(now):
        return None, Answered("too_late", split, share)
    contact = people.by_id(db, actor.contact_id)
    if contact is None or contact.verifying:
        return None, Answered("verify", split, share)
    if share.version != version or share.state not in _MAY_GIVE:
        return None, Answered("changed", split, share)
    return (split, share), None


def _turn_over(db: Connection, split_id: int, units: int) -> None:
    values = {"reserved": splits.c.reserved + units, "version": splits.c.version + 1}
    db.execute(update(splits).where(splits.c.id == split_id).values(values))


def _set(db: Connection, share: Share, now: datetime, **values: object) -> bool:
    same = (shares.c.id == share.id) & (shares.c.version == share.version)
    values |= {"version": share.version + 1, "changed_at": now}
    return db.execute(update(shares).where(same).values(values)).rowcount == 1


def _note(
    db: Connection, actor: Actor, split_id: int, what: str, count: int, now: datetime
) -> None:
    details = {"channel": actor.channel, "key": actor.key, "count": count}
    line = {"at": now, "actor": actor.by[:40], "action": f"split {what}", "details": details}
    db.execute(insert(audit), {**line, "subject": f"split {split_id}"})
