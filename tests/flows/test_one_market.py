"""A crop with a price from one market only offers no other one."""

from tests.server import Running


async def test_a_crop_of_one_market_has_no_other_and_names_its_source(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("1")
    price = await phone.picks("Umuceri wo hanze")
    assert price.startswith("Umuceri wo hanze\nGasarenda, 15/03/2026: 1,200 Frw/kg\n(WFP)\n")
    assert "Irindi soko" not in price


async def test_a_crop_of_several_markets_leads_to_each(server: Running) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("1")
    await phone.picks("Ibishyimbo")
    assert "1 Kivuruga\n2 Rubengera\n3 Gasarenda" in await phone.picks("Irindi soko")
