"""S15: the network between the web phone and the gateway's route misbehaves, and nothing is doubled."""

from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from bot.sandbox.switches import Switches
from bot.storage.schema import offer_events, offers
from tests.phone import PIN
from tests.server import FARMER, Running
from tests.simulator.test_web_phone import opened

pytestmark = pytest.mark.embedded


@dataclass
class WebPhone:
    """What the page's script sends, without the page."""

    server: Running
    history: list[str] = field(default_factory=list)
    said: str = ""
    status: int = 0

    async def sends(self, entry: str = "") -> str:
        self.history += [entry] if entry else []
        form = {"sessionId": "ATUid_n", "phoneNumber": FARMER, "networkCode": "63510",
                "serviceCode": "*384*801#", "text": "*".join(self.history)}  # fmt: skip
        async with self.server.client.post("/simulator/network", data=form) as answer:
            self.status, self.said = answer.status, answer.headers.get("X-Isoko-Network", "")
            return await answer.text()


def turn(server: Running, **switches) -> None:
    server.parts.sandbox.momo.switches = Switches(**switches)


async def test_S15_each_fault_is_said_and_an_order_is_accepted_once(server: Running) -> None:
    turn(server, hop_twice=True, hop_reply_lost=True, hop_out_of_order=True, hop_slow_s=0.01)
    phone = WebPhone(server)
    for entry in ("", "2", "1", "1", PIN):
        assert await phone.sends(entry) == "" and phone.status == 504
        assert "the reply was lost" in phone.said
        # Sent again it arrives, and it is the same hop.
        shown = await phone.sends()
        assert phone.status == 200 and shown[:4] in {"CON ", "END "}
        assert "sent twice, the same reply" in phone.said and "0.01 s late" in phone.said
        assert "ANOTHER" not in phone.said
    assert "KW-1042" in shown
    records = server.parts.market.records
    accepted = select(offer_events.c.id).join(offers, offers.c.id == offer_events.c.offer_id)
    mine = accepted.where(offers.c.contact_id == 1, offer_events.c.to_state == "accepted")
    events = await records.read(lambda db: db.execute(mine).all())
    turn(server)
    assert (await phone.sends(), phone.said) == (shown, "")
    assert await records.read(lambda db: db.execute(mine).all()) == events


async def test_S15_the_hop_before_comes_late_and_changes_nothing(server: Running) -> None:
    turn(server, hop_out_of_order=True)
    phone = WebPhone(server)
    first = await phone.sends()
    assert phone.said == ""
    second = await phone.sends("1")
    assert phone.said == "the hop before came again after this one, the same reply"
    assert first != second and await phone.sends() == second


async def test_S15_the_web_phone_goes_by_the_bad_network_while_a_fault_is_on(
    browser: Browser, server: Running
) -> None:
    turn(server, hop_twice=True)
    web = await opened(browser, server)
    await expect(web.page.locator("body[data-network=bad]")).to_have_count(1)
    await web.page.click("#call")
    await web.shows("Murakaza neza")
    await expect(web.page.locator("#verdict")).to_contain_text("sent twice, the same reply")
    turn(server, hop_reply_lost=True)
    await web.types("1")
    await web.shows("No reply came")
    turn(server)
    await expect(web.page.locator("body[data-network=bad]")).to_have_count(0)
    assert [one for one in web.said if "504" not in one] == []
