"""The words of news to people, in the language that is spoken; `news` brings them there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.i18n import _, language_spoken
from bot.i18n.formats import amount, at, day, local_day
from bot.market import products
from bot.market.payment_words import as_far_as_known
from bot.market.reasons import why_failed
from bot.payments.provider import AIRTEL_MONEY, MTN_MOMO

if TYPE_CHECKING:
    from bot.market.bills import Bill
    from bot.market.bookings import NewBooking
    from bot.market.offers import Offer
    from bot.market.payments import Payment
    from bot.market.split_state import Split


def offer_arrived(offer: Offer, service_code: str, timezone: str) -> str:
    """A new order waits for an answer, which is given by dialling `service_code`."""
    language = language_spoken()
    return _(
        "Isoko: new order {code}. {product}: {packs} x {price}. Answer by {day}: dial {dial}."
    ).format(
        code=offer.code,
        product=products.name(offer.product),
        packs=offer.packs,
        price=amount(offer.price_rwf, language),
        day=day(local_day(offer.answer_by, timezone)),
        dial=service_code,
    )


def order_accepted(offer: Offer, timezone: str) -> str:
    """The person accepted: where to bring it, by when, for how much."""
    return _(
        "Isoko: you accepted order {code}. Bring it to: {place}, by {day}. You get: {amount}."
    ).format(
        code=offer.code,
        place=offer.collection_point,
        day=day(local_day(offer.deliver_by, timezone)),
        amount=amount(offer.accepted_rwf, language_spoken()),
    )


def order_disputed(offer: Offer) -> str:
    """Staff look at a part; where it was handed over, its money waits."""
    if offer.state == "accepted":
        return _("Isoko: order {code} is being looked at. We call you.").format(code=offer.code)
    return _("Isoko: order {code} is being looked at. Its money waits; we call you.").format(
        code=offer.code
    )


def order_goes_on(offer: Offer) -> str:
    """What was looked at is in order again."""
    return _("Isoko: order {code} goes on as before.").format(code=offer.code)


def order_called_off(of: Offer | Split) -> str:
    """What was looked at is called off, also to members who gave for it."""
    return _("Isoko: order {code} was called off and will not be paid. Questions? Call us.").format(
        code=of.code
    )


def money_arrived(payment: Payment) -> str:
    """The operator says that the money is there."""
    said = _(
        "Isoko: {amount} for order {code} arrived on {wallet}. Transaction: {ref}. Fee: {fee}. "
        "Proof: {proof}."
    )
    return as_far_as_known(said, payment.provider_txn_id).format(**_of(payment))


def receipt(payment: Payment, timezone: str) -> str:
    """The receipt a person asked for."""
    settled = local_day(payment.dated_at, timezone)
    said = _(
        "Isoko receipt {proof}. Order {code}: {amount} on {wallet}, {day}. "
        "Transaction: {ref}. Fee: {fee}."
    )
    known = as_far_as_known(said, payment.provider_txn_id)
    return known.format(**_of(payment), day=day(settled))


def payment_under_way(payment: Payment, timezone: str) -> str:
    """The operator has not said yet what became of it."""
    made = local_day(payment.created_at, timezone)
    said = _("Isoko: {amount} for order {code} is on its way since {day}.")
    return said.format(**_of(payment), day=day(made))


def payment_failed(payment: Payment) -> str:
    """The operator refused; staff look at it."""
    said = _(
        "Isoko: the payment of {amount} for order {code} did not go through. We are looking at "
        "it and will call you."
    )
    return said.format(**_of(payment)) + why_failed(payment)


def of_money_there(payment: Payment) -> Callable[[Payment], str]:
    """What a person is told when the money of this kind of payment is where it was to go."""
    return {"payout": money_arrived, "collection": bill_paid, "refund": given_back}[payment.kind]


def of_money_failed(payment: Payment) -> Callable[[Payment], str]:
    """What a person is told when no money moved."""
    return bill_not_paid if payment.kind == "collection" else payment_failed


def bill_made(bill: Bill, service_code: str) -> str:
    """The hub asks a person to pay, by dialling `service_code`."""
    return _("Isoko: please pay {amount} for order {code}: dial {dial}, then 3.").format(
        amount=amount(bill.amount_rwf, language_spoken()), code=bill.order_code, dial=service_code
    )


def bill_withdrawn(bill: Bill) -> str:
    """What the hub had asked for is not to be paid."""
    return _("Isoko: you need not pay {amount} for order {code} any more.").format(
        amount=amount(bill.amount_rwf, language_spoken()), code=bill.order_code
    )


def bill_paid(payment: Payment) -> str:
    """The operator says that the person's payment is with the hub."""
    said = _(
        "Isoko: you paid {amount} for order {code} from {wallet}. Transaction: {ref}. "
        "Proof: {proof}."
    )
    return as_far_as_known(said, payment.provider_txn_id).format(**_of(payment))


def bill_not_paid(payment: Payment) -> str:
    """The operator says that nothing was paid; the bill waits again."""
    said = _(
        "Isoko: the payment of {amount} for order {code} did not go through. You can pay it again: "
        "dial our number, then 3."
    )
    return said.format(**_of(payment)) + why_failed(payment)


def given_back(payment: Payment) -> str:
    """What the person paid was given back."""
    return _(
        "Isoko: {amount} that you paid for order {code} was given back on {wallet}. Proof: {proof}."
    ).format(**_of(payment))


def wallet_down(payment: Payment) -> str:
    """The operator is out of order, and a payment waits for it."""
    return _(
        "Isoko: {wallet} does not work now. The payment of order {code} waits and goes on by "
        "itself when it works again. You will get an SMS."
    ).format(**_of(payment))


def wallet_back(payment: Payment) -> str:
    """The operator works again, and what waited for it leaves."""
    if payment.kind == "collection" and not payment.of_buyer:
        return _(
            "Isoko: {wallet} works again. It now asks you to pay {amount} for order {code}. Enter "
            "your PIN in that request only, and never give it to anyone."
        ).format(**_of(payment))
    return _("Isoko: {wallet} works again. The payment of order {code} goes on now.").format(
        **_of(payment)
    )


def pin_locked(by_staff_only: bool) -> str:
    """Somebody typed too many wrong PINs; whether it opens by itself."""
    if by_staff_only:
        return _(
            "Isoko: too many wrong PINs were typed on your number, so it is locked. To open it: "
            "Help, Forgot PIN. If it was not you, call us."
        )
    return _(
        "Isoko: too many wrong PINs were typed on your number, so it is locked for a while. "
        "If it was not you, call us."
    )


def pin_reset(service_code: str) -> str:
    """Two members of staff have reset the PIN after a call back; its owner chooses another."""
    return _(
        "Isoko: after our call your PIN is deleted. Choose a new one on your phone: dial {dial}, "
        "then My account. If you did not ask for this, call us."
    ).format(dial=service_code)


def booking_arrived(booking: NewBooking, service_code: str, timezone: str) -> str:
    """Guests ask to visit; the answer is given by dialling `service_code`."""
    return _(
        "Isoko: {n} guests ask to visit you, {moment}. You will get: {amount}. Answer by {day}: "
        "dial {dial}."
    ).format(
        n=booking.guests,
        moment=at(booking.starts_at, timezone),
        amount=amount(booking.amount_rwf, language_spoken()),
        day=day(local_day(booking.answer_by, timezone)),
        dial=service_code,
    )


def wallet_changed() -> str:
    """To the number that got the money so far: it will not get it any more."""
    return _(
        "Isoko: the number for money of an account was changed from yours to another. "
        "If it was not you, call us now."
    )


def payout_held(payment: Payment) -> str:
    """To the number that got the money so far: money for the new one is held."""
    return _(
        "Isoko: {amount} for order {code} is held for a check, because the number for money was "
        "changed. If it was not you, call us now."
    ).format(**_of(payment))


def _of(payment: Payment) -> dict[str, str]:
    language = language_spoken()
    return {
        "amount": amount(payment.really_rwf, language),
        "fee": amount(payment.fee_rwf, language),
        "code": payment.order_code,
        "wallet": wallet_name(payment.provider),
        "ref": payment.provider_txn_id,
        "proof": payment.proof_code,
    }


def wallet_name(provider: str) -> str:
    """The brand by which people know a provider; never translated."""
    return {MTN_MOMO: "MoMo", AIRTEL_MONEY: "Airtel Money"}.get(provider, provider)
