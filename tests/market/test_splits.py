"""An order shared among members: never more than it needs, and what is not brought is free again."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.i18n import load_catalogues, speaking
from bot.market import disputes, members, notices, offers, people, split_state, splits
from bot.market.news import QuietHours
from bot.market.orders import create_order, make_offer
from bot.storage.records import Records
from bot.storage.schema import outbox
from bot.storage.schema import splits as rows
from tests.market.test_offers import ZONE, actor, farmer, order_of

DIAL = "*384*801#"


async def shared(records: Records, now, count: int = 3, packs: int = 200) -> tuple[int, int, list]:
    """An accepted order of 100 kg that `count` members are asked about: co-operative, split, they."""
    load_catalogues()

    def write(db):
        order_id = create_order(db, order_of(now, packs), now)
        cooperative, *belong = [farmer(db, n, now) for n in range(count + 1)]
        for contact_id in belong:
            members.add(db, cooperative, contact_id, now)
        by = now + timedelta(days=2)
        offer_id = make_offer(db, order_id, cooperative, packs, by, DIAL, now, ZONE)
        offers.accept(db, actor(cooperative), offer_id, 1, packs, now, ZONE)
        asked = splits.ask(db, actor(cooperative), offer_id, now, DIAL, ZONE)
        assert asked.outcome == "asked"
        return cooperative, asked.split.id, belong

    return await records.write(write)


async def give(records: Records, now, contact: int, split: int, units: int, version: int = 1):
    return await records.write(
        lambda db: splits.give(db, actor(contact), split, version, units, now)
    )


async def reserved(records: Records) -> int:
    return await records.read(lambda db: db.execute(select(rows.c.reserved)).scalar())


async def told(records: Records, like: str) -> list[str]:
    query = select(outbox.c.dedupe_key).where(outbox.c.dedupe_key.like(like)).order_by(outbox.c.id)
    return list(await records.read(lambda db: db.execute(query).scalars().all()))


async def test_every_member_is_asked_once(records: Records, now) -> None:
    cooperative, split, belong = await shared(records, now)
    assert await told(records, "split:%") == [f"split:{split}:{one}" for one in belong]
    offer_id = await records.read(lambda db: db.execute(select(rows.c.offer_id)).scalar())
    again = await records.write(
        lambda db: splits.ask(db, actor(cooperative, "z"), offer_id, now, DIAL, ZONE)
    )
    assert again.split.id == split and len(await told(records, "split:%")) == 3
    assert again.split.needed == 100


async def test_of_all_who_give_at_once_the_database_takes_what_is_needed(
    records: Records, now
) -> None:
    _cooperative, split, belong = await shared(records, now, count=8)
    answers = await asyncio.gather(*(give(records, now, one, split, 30) for one in belong))
    assert sorted(one.outcome for one in answers) == ["given"] * 3 + ["taken"] * 5
    assert await reserved(records) == 90
    late = next(b for b, a in zip(belong, answers, strict=True) if a.outcome == "taken")
    assert (await give(records, now, late, split, 10)).outcome == "given"
    assert len(await told(records, "filled:%")) == 1
    with pytest.raises(Exception, match="never_overcommitted"):
        await records.write(lambda db: db.execute(update(rows).values(reserved=101)))


async def test_twice_is_once(records: Records, now) -> None:
    _cooperative, split, belong = await shared(records, now)
    answers = await asyncio.gather(*(give(records, now, belong[0], split, 30) for _n in range(4)))
    assert sorted(one.outcome for one in answers) == ["changed"] * 3 + ["given"]
    assert await reserved(records) == 30


async def test_what_is_not_brought_in_time_is_free_again(records: Records, now) -> None:
    cooperative, split, belong = await shared(records, now)
    for one, units in zip(belong, (40, 60), strict=False):
        assert (await give(records, now, one, split, units)).outcome == "given"
    first = await records.read(lambda db: split_state.share_in(db, split, belong[0]))
    brought = await records.write(
        lambda db: splits.bring(db, actor(cooperative), first.id, first.version, now)
    )
    assert brought.outcome == "brought"
    later = now + splits.HOLD_FOR
    assert await records.write(lambda db: splits.lapse_due(db, later - timedelta(seconds=1))) == 0
    assert await records.write(lambda db: splits.lapse_due(db, later)) == 1
    assert await records.write(lambda db: splits.lapse_due(db, later)) == 0
    assert await reserved(records) == 40
    assert len(await told(records, "lapsed:%")) == 1
    states = await records.read(lambda db: split_state.shares_of(db, split))
    assert [(s.state, s.units) for s in states] == [("brought", 40), ("lapsed", 0), ("asked", 0)]


async def test_who_let_it_lapse_may_give_again_while_it_is_open(records: Records, now) -> None:
    _cooperative, split, belong = await shared(records, now)
    await give(records, now, belong[0], split, 40)
    early = update(rows).values(answer_by=now + timedelta(days=5))
    await records.write(lambda db: db.execute(early))
    later = now + splits.HOLD_FOR
    await records.write(lambda db: splits.lapse_due(db, later))
    assert len(await records.read(lambda db: split_state.open_for(db, belong[0], later))) == 1
    assert (await give(records, later, belong[0], split, 20, version=3)).outcome == "given"
    assert await reserved(records) == 20


async def test_after_the_time_or_the_hand_over_nothing_is_given(records: Records, now) -> None:
    cooperative, split, belong = await shared(records, now)
    late = now + splits.ANSWER_FOR
    assert (await give(records, late, belong[0], split, 5)).outcome == "too_late"
    await give(records, now, belong[1], split, 5)
    offer_id = await records.read(lambda db: db.execute(select(rows.c.offer_id)).scalar())
    await records.write(
        lambda db: offers.move(db, actor(cooperative, "m"), offer_id, "hand_over", now)
    )
    assert (await give(records, now, belong[0], split, 5)).outcome == "too_late"
    # Nobody is told that it was not brought: the order left with it.
    assert await records.write(lambda db: splits.lapse_due(db, now + splits.HOLD_FOR)) == 0
    assert await told(records, "lapsed:%") == [] and await reserved(records) == 5


async def test_strangers_and_other_cooperatives_have_no_part(records: Records, now) -> None:
    _cooperative, split, belong = await shared(records, now)
    stranger = await records.write(lambda db: farmer(db, 77, now))
    assert (await give(records, now, stranger, split, 5)).outcome == "gone"
    await give(records, now, belong[0], split, 5)
    share = await records.read(lambda db: split_state.share_in(db, split, belong[0]))
    for nosy in (stranger, belong[0]):
        answer = await records.write(
            lambda db, n=nosy: splits.bring(db, actor(n), share.id, share.version, now)
        )
        assert answer.outcome == "gone"


async def test_who_leaves_frees_what_they_held(records: Records, now) -> None:
    cooperative, split, belong = await shared(records, now)
    await give(records, now, belong[0], split, 40)

    def leave(db) -> None:
        splits.forget(db, belong[0], now)
        people.erase(db, belong[0], now)

    await records.write(leave)
    assert await reserved(records) == 0
    left = await records.read(lambda db: members.of(db, cooperative))
    assert [one.contact_id for one in left] == belong[1:]
    assert await told(records, "lapsed:%") == []


async def test_only_who_has_registered_is_taken_in(records: Records, now) -> None:
    def write(db):
        cooperative, one = farmer(db, 1, now), farmer(db, 2, now)
        numbers = ["number", "0788000002", "+250788000002", "0788000099", "0788000001", ""]
        found = members.take_in(db, cooperative, numbers, "RW", "amina", now, "+250788000900")
        return found, one, members.of(db, cooperative), people.by_id(db, cooperative)

    found, one, belong, cooperative = await records.write(write)
    assert found == {
        "no number": [1], "added": [2], "already": [3], "unknown": [4], "itself": [5],
    }  # fmt: skip
    assert [member.contact_id for member in belong] == [one]
    assert cooperative.role == "cooperative"


async def test_who_is_taken_in_hears_of_it_once_in_their_language_and_in_the_morning(
    records: Records, now
) -> None:
    night = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
    quiet = QuietHours(21, 7, "Africa/Kigali")

    def write(db) -> list[tuple]:
        cooperative, one, other = (farmer(db, number, now) for number in (1, 2, 3))
        people.set_language(db, one, "en")
        people.set_language(db, other, "fr")
        for numbers in (["0788000002", "0788000099"], ["0788000002", "0788000003"]):
            members.take_in(db, cooperative, numbers, "RW", "amina", night, "+250788000900", quiet)
        members.forget(db, one)
        members.take_in(db, cooperative, ["0788000002"], "RW", "amina", night, "+250788000900")
        query = select(outbox.c.payload, outbox.c.due_at).order_by(outbox.c.id)
        found = db.execute(query.where(outbox.c.dedupe_key.like("member:%"))).all()
        return [(row.payload["contact_id"] - one, row.payload["text"], row.due_at) for row in found]

    (first, english, at), (second, french, _at) = await records.write(write)
    assert (first, second) == (0, 1) and at == datetime(2026, 11, 25, 5, 0, tzinfo=UTC)
    assert "has taken you in as a member" in english and "Call +250788000900" in english
    assert "comme membre" in french


async def carry(
    records: Records, now, cooperative: int, offer_id: int, triggers: tuple[str, ...]
) -> None:
    """The co-operative does these with what it accepted, one after the other."""

    def work(db) -> None:
        for trigger in triggers:
            offers.move(db, actor(cooperative, trigger), offer_id, trigger, now)

    await records.write(work)


async def in_dispute(records: Records, now, offer_id: int, *steps, after=timedelta()) -> None:
    """Staff dispute the co-operative's part, and then do each of `steps`."""

    def work(db) -> None:
        for step in (disputes.dispute, *steps):
            at = now + after
            said = step(db, offer_id, reason="late", by="vera", channel="test", now=at)
            assert said in ("disputed", "resumed", "called_off")

    await records.write(work)


async def offer_of(records: Records) -> int:
    return await records.read(lambda db: db.execute(select(rows.c.offer_id)).scalar())


async def standing(records: Records, split: int) -> list[tuple]:
    found = await records.read(lambda db: split_state.shares_of(db, split))
    return [(one.state, one.units, one.held_until is None) for one in found]


@pytest.mark.parametrize("carried", [(), ("hand_over",)])
async def test_what_is_held_waits_for_the_end_of_a_dispute(
    records: Records, now, carried: tuple[str, ...]
) -> None:
    """It may last longer than a member has to bring it: only then is it known whether they did."""
    cooperative, split, belong = await shared(records, now)
    offer_id, late = await offer_of(records), now + splits.HOLD_FOR
    await give(records, now, belong[0], split, 40)
    await carry(records, now, cooperative, offer_id, carried)
    await in_dispute(records, now, offer_id)
    assert await records.write(lambda db: splits.lapse_due(db, late)) == 0
    assert ("held", 40, False) in await standing(records, split)

    def goes_on(db) -> None:
        disputes.resume(db, offer_id, reason="found", by="vera", channel="test", now=late)

    await records.write(goes_on)
    lapsed = 0 if carried else 1
    assert await records.write(lambda db: splits.lapse_due(db, late)) == lapsed
    assert await reserved(records) == (40 if carried else 0)
    assert len(await told(records, "lapsed:%")) == lapsed


async def test_disputes_do_not_keep_others_from_lapsing(records: Records, now) -> None:
    _cooperative, split, belong = await shared(records, now)
    await give(records, now, belong[0], split, 40)
    await in_dispute(records, now, await offer_of(records))

    def another(db) -> int:
        order_id = create_order(db, order_of(now, 200, "KW-8"), now)
        cooperative, member = farmer(db, 50, now), farmer(db, 51, now)
        members.add(db, cooperative, member, now)
        offer_id = make_offer(
            db, order_id, cooperative, 200, now + timedelta(days=2), DIAL, now, ZONE
        )
        offers.accept(db, actor(cooperative, "y"), offer_id, 1, 200, now, ZONE)
        asked = splits.ask(db, actor(cooperative, "y"), offer_id, now, DIAL, ZONE)
        splits.give(db, actor(member, "y"), asked.split.id, 1, 10, now)
        return splits.lapse_due(db, now + splits.HOLD_FOR, 1)

    assert await records.write(another) == 1


@pytest.mark.parametrize("carried", [(), ("hand_over",)])
async def test_who_leaves_during_a_dispute_frees_what_they_did_not_bring(
    records: Records, now, carried: tuple[str, ...]
) -> None:
    cooperative, split, belong = await shared(records, now)
    offer_id = await offer_of(records)
    await give(records, now, belong[0], split, 40)
    await carry(records, now, cooperative, offer_id, carried)
    await in_dispute(records, now, offer_id)
    await records.write(lambda db: splits.forget(db, belong[0], now))
    assert await reserved(records) == (40 if carried else 0)
    assert await told(records, "lapsed:%") == []


@pytest.mark.parametrize("carried", [(), ("hand_over",)])
async def test_who_gave_for_an_order_that_is_called_off_hears_of_it(
    records: Records, now, carried: tuple[str, ...]
) -> None:
    cooperative, split, belong = await shared(records, now)
    offer_id = await offer_of(records)
    for one, units in zip(belong, (40, 30), strict=False):
        await give(records, now, one, split, units)
    first = await records.read(lambda db: split_state.share_in(db, split, belong[0]))

    def comes(db) -> None:
        splits.bring(db, actor(cooperative), first.id, first.version, now)
        for trigger in carried:
            offers.move(db, actor(cooperative, trigger), offer_id, trigger, now)

    await records.write(comes)
    await in_dispute(records, now, offer_id, disputes.call_off)
    query = select(outbox.c.payload).where(outbox.c.dedupe_key.like("off:%"))
    heard = await records.read(lambda db: list(db.execute(query.order_by(outbox.c.id)).scalars()))
    assert [one["contact_id"] for one in heard] == belong[:2]
    found = await records.read(lambda db: split_state.of_offer(db, offer_id, cooperative))
    with speaking("rw"):
        assert {one["text"] for one in heard} == {notices.order_called_off(found)}
    # Nobody has to find any more what was not brought; of goods that left it is not said.
    second = ("held", 30, True) if carried else ("lapsed", 0, True)
    assert await standing(records, split) == [("brought", 40, True), second, ("asked", 0, True)]
    late = now + splits.HOLD_FOR
    assert await records.write(lambda db: splits.lapse_due(db, late)) == 0
    assert await told(records, "lapsed:%") == []
