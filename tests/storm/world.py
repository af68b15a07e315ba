"""Who and what is there before the storm: people, orders and offers, by number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert, update

from bot.market import bills, news, notices, people
from bot.market.orders import NewOrder, create_order, make_offer
from bot.market.share import Line
from bot.storage.schema import contacts, stocks

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PACKS, PRICE_RWF = 10, 100
# One payout in so many comes of an offer that a farmer accepts by phone.
BY_PHONE = 5
# One in so many is collected: a person pays a bill by phone.
BY_BILL = 10
# So many farmers are asked for an order of which there is enough for half of them.
CONTEST = 8
_PAYEES = 40
_PAYERS_FROM = 3_000_000
_LINES = (Line("transport", "x", 50),)
# Numbers by which the pretended operators refuse: no funds, refused, expired and others.
_REFUSED = {
    "mtn-momo": ("+46733123450", "+46733123455", "+46733123456", "+46733123457"),
    "airtel-money": ("+250730001007", "+250730001003"),
}

# The same for who is to pay: failed, rejected, expired; at Airtel no funds, and expired.
_WALLETS_THAT_REFUSE = {
    "mtn-momo": ("+46733123450", "+46733123451", "+46733123452"),
    "airtel-money": ("+250730001007", "+250730001029"),
}


def farmer(number: int) -> str:
    """The phone of a farmer; every fourth is Airtel's."""
    return f"+2507{3 if number % 4 == 3 else 8}{2_000_000 + number}"


def provider_of(number: int) -> str:
    """Whose wallet that is."""
    return "airtel-money" if number % 4 == 3 else "mtn-momo"


def payee(number: int) -> str:
    """Who is paid by the payout with this number, which is one of the rows."""
    if number % 25 == 7:
        refused = _REFUSED[provider_of(number)]
        return refused[number // 25 % len(refused)]
    return farmer(1_000_000 - number % _PAYEES)


def payer(number: int) -> str:
    """The phone of who has a bill."""
    return farmer(_PAYERS_FROM + number)


def bill_code(number: int) -> str:
    """The code of the order that this bill is for."""
    return f"KB-{number}"


def has_wallet(number: int) -> bool:
    """Whether who has this bill has a wallet that can pay it."""
    return number % 12 != 5


def is_given_back(number: int) -> bool:
    """Whether staff give back what was paid of this bill."""
    return number % 10 == 4


def is_locker(number: int) -> bool:
    """Whether this farmer types wrong PINs until nothing is left."""
    return number % 20 == 13


def is_contested(number: int) -> bool:
    """Whether the farmer's order is asked of others too, for the half of it."""
    return number // CONTEST % 2 == 1


def order_code(number: int) -> str:
    """The code of the order that the farmer is asked for."""
    return f"KC-{number // CONTEST}" if is_contested(number) else f"KF-{number}"


def has_too_little(number: int) -> bool:
    """Whether the farmer's stock is not enough for the whole offer."""
    return number % 15 == 0


def expected(farmers: int) -> tuple[set[str], dict[str, int]]:
    """Who must have accepted, and of each contested order how many."""
    able = [n for n in range(farmers) if not (is_locker(n) or has_too_little(n))]
    alone = {farmer(n) for n in able if not is_contested(n)}
    contested: dict[str, int] = {}
    for number in filter(is_contested, able):
        code = order_code(number)
        contested[code] = min(contested.get(code, 0) + 1, CONTEST // 2)
    return alone, contested


def _stock_g(number: int) -> int:
    return 4_000 if has_too_little(number) else 7_000


def fill(db: Connection, farmers: int, payers: int, pin_hash: str) -> None:
    """Everybody, an offer for each farmer, a bill for each payer. Every third told their stock."""
    soon = START + timedelta(days=2)
    for number in range(_PAYEES):
        _person(db, 1_000_000 - number, pin_hash)
    for number in range(payers):
        _bill(db, number, pin_hash)
    for number in range(farmers):
        contact_id = _person(db, number, pin_hash)
        packs = PACKS * CONTEST // 2 if is_contested(number) else PACKS
        code = order_code(number)
        order = NewOrder(
            code, "COF-ROAST", packs, 500, PRICE_RWF, PRICE_RWF + 50, _LINES, "Ruli", soon
        )
        order_id = create_order(db, order, START)
        make_offer(db, order_id, contact_id, PACKS, soon, "*384*801#", START, "Africa/Kigali")
        if number % 3 == 0:
            stock = {
                "contact_id": contact_id,
                "product": "COF-ROAST",
                "available_g": _stock_g(number),
            }
            db.execute(insert(stocks).values(stock))


def _bill(db: Connection, number: int, pin_hash: str) -> None:
    contact_id, code = _person(db, _PAYERS_FROM + number, pin_hash), bill_code(number)
    if not has_wallet(number):
        refusing = _WALLETS_THAT_REFUSE[provider_of(number)]
        wallet = {"wallet": refusing[number // 12 % len(refusing)]}
        db.execute(update(contacts).where(contacts.c.id == contact_id).values(wallet))
    order = NewOrder(
        code, "COF-ROAST", PACKS, 500, 1_100, 1_150, _LINES, "Ruli", START + timedelta(days=2)
    )
    create_order(db, order, START)
    bill = bills.ask(
        db, contact_id=contact_id, order_code=code, amount_rwf=1_000 + number % 10_000,
        why="packaging", by="storm", now=START,
    )  # fmt: skip
    words = notices.bill_made
    news.tell(db, contact_id, f"bill:{bill.id}", lambda: words(bill, "*384*801#"), START)


def _person(db: Connection, number: int, pin_hash: str) -> int:
    return people.register(
        db, msisdn=farmer(number), names="Farmer", district="Gakenke", language="en",
        role="farmer", crop="coffee", pin_hash=pin_hash, channel="storm", now=START,
        wallet_provider=provider_of(number),
    ).id  # fmt: skip
