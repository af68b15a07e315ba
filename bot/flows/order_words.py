"""The words of orders, shared by the flows that show them."""

from bot.conversation import Choice, Screen
from bot.flow import Invalid, Turn
from bot.i18n import _, language_spoken
from bot.i18n.formats import amount, local_day, number, short_day, weight
from bot.i18n.quantities import read_quantity
from bot.market import products
from bot.market.offers import Offer


def order_named(offer: Offer) -> str:
    """How the redial card names an order."""
    return _("order {code}").format(code=offer.code)


def offer_lines(offer: Offer, turn: Turn) -> list[str]:
    """An offer in four lines: what, how much, for how much, where and by when."""
    language = language_spoken()
    packs, price = number(offer.packs, language), amount(offer.price_rwf, language)
    if products.PRODUCTS[offer.product].unit == "piece":
        goods = _("{product}: {n} pieces").format(product=products.name(offer.product), n=packs)
        cost = _("Price: {price} each").format(price=price)
    else:
        goods = _("{product}: {n} packs ({weight})").format(
            product=products.name(offer.product), n=packs, weight=weight(offer.pack_g, language)
        )
        cost = _("Price: {price} per pack").format(price=price)
    place = offer.collection_point.split(",")[0]
    by = short_day(local_day(offer.deliver_by, turn.market.hub.timezone))
    return [
        _("New order {code}").format(code=offer.code),
        goods,
        cost,
        _("Bring to {place} by {day}").format(place=place, day=by),
    ]


def summary(offer: Offer, packs: int, turn: Turn) -> str:
    """What the PIN will do: how many, at what price, what comes of it, by when."""
    language = language_spoken()
    by = short_day(local_day(offer.deliver_by, turn.market.hub.timezone))
    return _("Accept {code}: {n} x {price} = {total}. By {day}.").format(
        code=offer.code,
        n=number(packs, language),
        price=amount(offer.price_rwf, language),
        total=amount(packs * offer.price_rwf, language),
        day=by,
    )


def packs_typed(typed: str, offer: Offer, most: int) -> int:
    """How many packs were typed, 1 to `most`; kilograms become packs where they are whole ones.

    Raises `Invalid`: 12 kg is never taken for 12 packs.
    """
    quantity = read_quantity(typed)
    sold_as = "piece" if products.PRODUCTS[offer.product].unit == "piece" else "pack"
    packs = quantity.count if quantity is not None and quantity.measure in ("", sold_as) else 0
    if quantity is not None and quantity.measure == "kg" and sold_as == "pack":
        packs, rest_g = divmod(quantity.count * 1000, offer.pack_g)
        if rest_g:
            language = language_spoken()
            raise Invalid(
                _("{weight} is no whole number of packs of {pack}.").format(
                    weight=weight(quantity.count * 1000, language),
                    pack=weight(offer.pack_g, language),
                )
            )
    if not 1 <= packs <= most:
        most_said = number(most, language_spoken())
        raise Invalid(_("Type a whole number, 1 to {most}.").format(most=most_said))
    return packs


def answered_screen(outcome: str, offer: Offer | None, turn: Turn) -> Screen:
    """What came of an answer: the truth of today, whatever was pressed."""
    if offer is None:
        return Screen(_("This order is not there any more."), [_others()])
    code = offer.code
    if outcome in ("accepted", "part_accepted"):
        return _accepted(outcome, offer, turn)
    if outcome == "changed":
        text = _("Order {code} has changed. Nothing was accepted.").format(code=code)
        return Screen(text, [Choice(_("See the order"), "again"), _others()])
    if outcome == "taken":
        text = _("Others have accepted most of order {code}. Try a smaller part.")
        return Screen(text.format(code=code), [Choice(_("See the order"), "again"), _others()])
    if outcome == "verify":
        text = _("Nothing was accepted: we must first check that this is you.")
        return Screen(text, [Choice(_("Continue"), start="verify"), _others()])
    if outcome == "no_stock":
        text = _("Your stock is not enough for that part of order {code}. Nothing was accepted.")
        return Screen(text.format(code=code), [Choice(_("See the order"), "again"), _others()])
    if outcome == "too_large":
        most = turn.market.payouts.part_most_rwf // offer.price_rwf
        text = _("Order {code}: more than can be paid at once. Accept {n} packs at most.")
        said = text.format(code=code, n=number(most, language_spoken()))
        return Screen(said, [Choice(_("See the order"), "again"), _others()])
    return _closed(offer, turn)


def _closed(offer: Offer, turn: Turn) -> Screen:
    """An offer that can no longer be answered, and why: its state says more than the clock."""
    code = offer.code
    if offer.is_accepted:
        text = _("You have already accepted order {code}: {n} packs. Nothing has changed.")
        n = number(offer.packs_accepted, language_spoken())
        return Screen(text.format(code=code, n=n), [_others()])
    if offer.state == "declined":
        return Screen(_("You rejected order {code}.").format(code=code), [_others()])
    if offer.state == "withdrawn":
        return Screen(_("Order {code} was cancelled.").format(code=code), [_others()])
    day = short_day(local_day(offer.answer_by, turn.market.hub.timezone))
    text = _("The time to accept order {code} ended on {day}. Nothing to do.")
    return Screen(text.format(code=code, day=day), [_others()])


def _accepted(outcome: str, offer: Offer, turn: Turn) -> Screen:
    language = language_spoken()
    by = short_day(local_day(offer.deliver_by, turn.market.hub.timezone))
    thanks = _("You accepted order {code}. Thank you.").format(code=offer.code)
    if outcome == "part_accepted":
        part = number(offer.packs_accepted, language)
        thanks = _("You accepted {n} packs of order {code}. Thank you.").format(
            n=part, code=offer.code
        )
    where = _("Bring to {place} by {day}").format(place=offer.collection_point, day=by)
    gain = _("You get: {net}").format(net=amount(offer.accepted_rwf, language))
    return Screen("\n".join([thanks, where, gain, _("A message follows.")]), ends=True)


def _others() -> Choice:
    return Choice(_("Other orders"), "list")
