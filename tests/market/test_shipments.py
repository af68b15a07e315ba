"""Where the goods are: each stop once, whatever staff did in between. Both stores."""

from datetime import timedelta

from bot.market import disputes, offers, shipments
from tests.market.test_offers import ZONE, actor, offered


async def test_a_dispute_that_ended_is_no_second_stop(records, now) -> None:
    ((contact_id, offer_id),) = await offered(records, now, 1, 10, 10)
    days = [now + timedelta(days=day) for day in range(5)]

    def write(db) -> None:
        offers.accept(db, actor(contact_id), offer_id, 1, 10, now, ZONE)
        offers.move(db, actor(contact_id, "given"), offer_id, "hand_over", days[0])
        offers.move(db, actor(contact_id, "left"), offer_id, "ship", days[1])
        for way, at in ((disputes.dispute, days[2]), (disputes.resume, days[3])):
            way(db, offer_id, reason="broken seal", by="amina", channel="test", now=at)

    await records.write(write)
    (way,) = await records.read(lambda db: shipments.under_way(db, contact_id))
    assert [(stop.what, stop.at) for stop in way.stops] == [
        ("collection", days[0]), ("to_china", days[1]),
    ]  # fmt: skip
