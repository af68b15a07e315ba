"""An old price says that it may have changed, whatever is pressed on it."""

from tests.phone import Phone

_MAY_HAVE = "Gishobora kuba cyarahindutse"


async def test_a_wrong_key_takes_the_warning_from_no_price(phone: Phone) -> None:
    await phone.dials()
    price = await phone.types("1", "2")
    for crop in range(1, 8):
        if _MAY_HAVE in price:
            break
        price = await phone.types("0", str(crop))
    assert _MAY_HAVE in price
    assert _MAY_HAVE in await phone.types("77")
