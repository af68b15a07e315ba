"""The demo cast: people, orders, a shipment and a payment in an empty store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select, update

from bot.conversation import Language
from bot.i18n import speaking
from bot.i18n.formats import local_day
from bot.market import (
    Actor,
    Market,
    bills,
    bookings,
    items,
    members,
    offers,
    payments,
    people,
    price_alerts,
    price_fees,
    rates,
    settlement,
    shipments,
    splits,
    stock_listings,
    wallets,
)
from bot.market.bookings import NewBooking
from bot.market.demo_prices import load_demo_prices
from bot.market.limits import USUAL
from bot.market.orders import NewOrder, create_order, make_offer
from bot.market.price_fees import Fee, Fees
from bot.market.share import Line
from bot.market.stock_listings import NewListing
from bot.payments.provider import Answer, Outcome
from bot.storage.schema import contacts, outbox

PIN = "73914"
CHANNEL = "demo"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the cast."""

    msisdn: str
    names: str
    language: Language
    role: str
    crop: str
    district: str
    network: str
    label: str


CAST = (
    Member("+250788000001", "Mukamana Claudine", "rw", "farmer", "coffee", "Gakenke", "63510",
           "Coffee farmer, Kinyarwanda"),
    Member("+250788000002", "Nsengimana Jean", "fr", "farmer", "tea", "Nyamagabe", "63510",
           "Tea farmer, French"),
    Member("+250788000003", "Uwase Grace", "en", "crafts", "crafts", "Gasabo", "63510",
           "Crafts maker, English"),
    Member("+250738000004", "Habimana Eric", "rw", "farmer", "coffee", "Gakenke", "63514",
           "Coffee farmer on Airtel, Kinyarwanda"),
    Member("+250788000005", "Ingabire Diane", "en", "farmer", "coffee", "Huye", "63510",
           "Coffee farmer with a bill to pay, English"),
    Member("+250788000006", "Nyiraneza Alice", "rw", "host", "coffee", "Rulindo", "63510",
           "Host on a coffee farm, Kinyarwanda"),
    Member("+250788000007", "Koperative Umusaruro", "en", "cooperative", "coffee", "Gakenke",
           "63510", "Co-operative of coffee farmers, English"),
)  # fmt: skip
UNKNOWN = "+250788000009"

_COFFEE = (Line("transport", "RwandAir", 900), Line("roasting", "Kigali", 1600),
           Line("marketplace", "Tmall", 1500))  # fmt: skip
# The cast's own shipment stays on its way, to be looked at.
ON_ITS_WAY = "KW-1040"
_TEA = (Line("transport", "RwandAir", 400), Line("marketplace", "Tmall", 600))
_CRAFTS = (Line("transport", "RwandAir", 1200), Line("marketplace", "Tmall", 1800))
# Nobody has published fees of cherries: these are of a usual size, and their source says so.
_FEES = Fees("COF-CHERRY", date(2025, 1, 25), "demo, made up",
             (Fee("transport", "Ruli", amount_rwf=25),
              Fee("cooperative", "KOPAKAMA", permille=20)))  # fmt: skip


async def load_demo(market: Market, now: datetime) -> bool:
    """Fill an empty store with the cast; False when there is somebody in it already."""
    if await market.records.read(lambda db: db.execute(select(contacts.c.id).limit(1)).first()):
        return False
    pin_hash = await market.pins.hash(PIN)
    await market.records.write(lambda db: _load(db, market, pin_hash, now))
    return True


def _load(db: Connection, market: Market, pin_hash: str, now: datetime) -> None:
    load_demo_prices(db, market.hub.id, now)
    price_fees.publish(db, market.hub.id, _FEES, CHANNEL, now)
    for item in items.DEMO_ITEMS:
        items.put(db, item)
    rates.load_demo_rates(db, local_day(now, market.hub.timezone), now)
    cast = [_register(db, member, market.hub.id, pin_hash, now) for member in CAST]
    farmer, tea, crafts, airtel, debtor, host, cooperative = cast
    earlier = _order("KW-1038", "COF-ROAST", 20, 500, 12_000, _COFFEE, market, now)
    _supply(db, earlier, farmer, now - timedelta(days=20), market)
    shipped = _order(ON_ITS_WAY, "COF-ROAST", 60, 500, 12_000, _COFFEE, market, now)
    _send_off(db, shipped, airtel, market, now)
    # The bill is for the packaging of an order that the debtor has accepted.
    packed = _order("KW-1041", "COF-ROAST", 50, 500, 12_000, _COFFEE, market, now, "Maraba, Huye")
    _accepted(db, packed, debtor, market, now - timedelta(days=3))
    _share_among_members(db, cooperative, (airtel, debtor), market, now)
    _old_news_has_left(db, now)
    coffee = _order("KW-1042", "COF-ROAST", 200, 500, 12_000, _COFFEE, market, now)
    _offer(db, coffee, farmer, market, now)
    bills.ask(
        db,
        contact_id=debtor,
        order_code=packed.code,
        amount_rwf=25_000,
        why="packaging",
        by=CHANNEL,
        now=now,
    )
    made_tea = _order(
        "KW-1043", "TEA-MADE", 300, 250, 3_000, _TEA, market, now, "Kitabi, Nyamagabe"
    )
    _offer(db, made_tea, tea, market, now)
    baskets = _order(
        "KW-1044", "CRAFT-AGASEKE", 40, 800, 9_000, _CRAFTS, market, now, "Kimironko, Gasabo"
    )
    _offer(db, baskets, crafts, market, now)
    green = _order("KW-1046", "COF-GREEN", 150, 1_000, 8_000, _TEA, market, now)
    _offer(db, green, cooperative, market, now)
    _ask_to_visit(db, host, market, now)
    # The day on people's calendars: at the server's midnight theirs is two hours old.
    harvested_on = local_day(now - timedelta(days=3), market.hub.timezone)
    cherries = NewListing("COF-CHERRY", "A1", 300, 700, harvested_on)
    seller = Actor(f"contact:{farmer}", CHANNEL, "demo-stock", farmer)
    stock_listings.offer(db, seller, cherries, now)
    price_alerts.ask(db, seller, cherries.product, 750, now)


def _share_among_members(
    db: Connection, cooperative: int, belong: tuple[int, ...], market: Market, now: datetime
) -> None:
    """An order that the co-operative has accepted; one of its members has said how much."""
    hub, first = market.hub, belong[0]
    for contact_id in belong:
        members.add(db, cooperative, contact_id, now)
    order = _order("KW-1045", "COF-GREEN", 210, 1_000, 8_000, _TEA, market, now)
    offer_id = _accepted(db, order, cooperative, market, now - timedelta(hours=2))
    actor = Actor(f"contact:{cooperative}", CHANNEL, "demo-split", cooperative)
    split = splits.ask(db, actor, offer_id, now, hub.service_code, hub.timezone).split
    if split is not None:
        member = Actor(f"contact:{first}", CHANNEL, "demo-give", first)
        splits.give(db, member, split.id, 1, 60, now)


def _ask_to_visit(db: Connection, contact_id: int, market: Market, now: datetime) -> None:
    """Four guests want to see a coffee farm, as the hub passes it on."""
    zone, hub = ZoneInfo(market.hub.timezone), market.hub
    day = (now.astimezone(zone) + timedelta(days=20)).date()
    starts_at, answer_by = datetime.combine(day, time(9), zone), now + timedelta(days=5)
    new = NewBooking("VB-2001", "coffee_farm", 4, starts_at, 60_000, answer_by)
    bookings.request(db, contact_id, new, hub.service_code, hub.timezone, now, market.quiet)


def _old_news_has_left(db: Connection, now: datetime) -> None:
    """What the orders of earlier weeks said was read long ago; only the money's message is new."""
    old = outbox.c.dedupe_key.not_like("money:%")
    db.execute(update(outbox).where(old).values(state="sent", done_at=now))


def _register(db: Connection, member: Member, hub: str, pin_hash: str, now: datetime) -> int:
    return people.register(
        db,
        msisdn=member.msisdn,
        names=member.names,
        district=member.district,
        language=member.language,
        role=member.role,
        crop=member.crop,
        pin_hash=pin_hash,
        channel=CHANNEL,
        wallet_provider=wallets.provider_on(member.network),
        hub=hub,
        now=now,
    ).id


def _order(
    code: str,
    product: str,
    packs: int,
    pack_g: int,
    price_rwf: int,
    deductions: tuple[Line, ...],
    market: Market,
    now: datetime,
    place: str = "Ruli, Gakenke",
) -> NewOrder:
    sale_rwf = price_rwf + sum(line.amount_rwf for line in deductions)
    zone = ZoneInfo(market.hub.timezone)
    last_day = (now.astimezone(zone) + timedelta(days=11)).date()
    deliver_by = datetime.combine(last_day, time(16), zone)
    return NewOrder(
        code, product, packs, pack_g, price_rwf, sale_rwf, deductions, place, deliver_by
    )


def _offer(db: Connection, order: NewOrder, contact_id: int, market: Market, now: datetime) -> int:
    order_id = create_order(db, order, now)
    answer_by, hub = now + timedelta(days=5), market.hub
    return make_offer(
        db,
        order_id,
        contact_id,
        order.packs,
        answer_by,
        hub.service_code,
        now,
        hub.timezone,
        market.quiet,
    )


def _accepted(
    db: Connection, order: NewOrder, contact_id: int, market: Market, at: datetime
) -> int:
    offer_id = _offer(db, order, contact_id, market, at)
    actor = Actor(f"contact:{contact_id}", CHANNEL, f"demo-accept-{order.code}", contact_id)
    offers.accept(db, actor, offer_id, 1, order.packs, at, market.hub.timezone)
    return offer_id


def _carry(db: Connection, offer_id: int, code: str, trigger: str, at: datetime) -> None:
    actor = Actor("hub", CHANNEL, f"demo-{trigger}-{code}")
    offers.move(db, actor, offer_id, trigger, at)


def _send_off(
    db: Connection, order: NewOrder, contact_id: int, market: Market, now: datetime
) -> None:
    """An order handed over, in the Kigali warehouse three days later, then on its way."""
    offer_id = _accepted(db, order, contact_id, market, now - timedelta(days=16))
    _carry(db, offer_id, order.code, "hand_over", now - timedelta(days=12))
    stop = Actor("hub", CHANNEL, f"demo-warehouse-{order.code}")
    shipments.note_stop(db, stop, offer_id, "warehouse", now - timedelta(days=9))
    _carry(db, offer_id, order.code, "ship", now - timedelta(days=6))


def _supply(db: Connection, order: NewOrder, contact_id: int, at: datetime, market: Market) -> None:
    """An earlier order, delivered; its money arrived and waits to be confirmed."""
    offer_id = _accepted(db, order, contact_id, market, at)
    for days, trigger in enumerate(("hand_over", "ship", "deliver"), 1):
        _carry(db, offer_id, order.code, trigger, at + timedelta(days=days))
    payee = CAST[0].msisdn
    amount_rwf = order.packs * order.price_rwf
    payment = payments.pay_out(
        db,
        contact_id=contact_id,
        offer_id=offer_id,
        order_code=order.code,
        amount_rwf=amount_rwf,
        provider=wallets.provider_on(CAST[0].network),
        payee_msisdn=payee,
        currency=market.hub.currency,
        now=at + timedelta(days=5),
    )
    paid = Answer(
        Outcome.SUCCEEDED,
        amount_rwf=amount_rwf,
        currency=market.hub.currency,
        payee_msisdn=payee,
        provider_txn_id="7321448443",
        fee_rwf=0,
    )
    with speaking("rw"):
        settlement.record_answer(db, payment.reference, paid, at + timedelta(days=5), rules=USUAL)
