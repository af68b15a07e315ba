"""Goods were delivered and the operator refused the payout: people pay it again, once."""

from datetime import timedelta

from sqlalchemy import select, update

from bot.market import books, ledger, passing_on_again
from bot.market.limits import PayoutRules
from bot.operations.housekeeping import Housekeeping
from bot.storage.schema import audit, tickets
from bot.storage.schema import offers as offer_rows
from bot.storage.schema import payments as rows
from tests.cli.test_money_commands import isoko
from tests.dashboard.desk import Desk, demo_link, joins
from tests.server import CRAFTS, Running, running
from tests.sweep import cast
from tests.test_payout_loop import operator, settled
from tests.test_sale_refused import SHUT, moves_to

AMOUNT_RWF = cast.AMOUNT_RWF


async def keeps_house(server: Running) -> None:
    market = server.parts.market
    await Housekeeping(market, server.parts.sender.wake, timedelta(days=1)).keep()


async def newest(server: Running, offer_id: int) -> str:
    query = select(rows.c.reference).where(rows.c.offer_id == offer_id).order_by(rows.c.id.desc())
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def refused(server: Running) -> tuple[int, object]:
    """Delivered goods whose payout the operator has refused: the offer, and the payment."""
    operator(server)
    await moves_to(server, SHUT)
    now = server.parts.engine._clock()
    offer_id = await server.parts.market.records.write(lambda db: cast.delivered(db, 3, now))
    await keeps_house(server)
    return offer_id, await settled(server, await newest(server, offer_id), "failed")


async def faults(server: Running) -> list[str]:
    found = await server.parts.market.records.read(books.check)
    return [fault.what for fault in found.faults]


async def state(server: Running, offer_id: int) -> str:
    query = select(offer_rows.c.state).where(offer_rows.c.id == offer_id)
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def test_a_refused_payout_of_delivered_goods_is_paid_again_by_people_once(
    tmp_path, either_store
) -> None:
    async with running(tmp_path) as server:
        offer_id, failed = await refused(server)
        await moves_to(server, CRAFTS)
        await keeps_house(server)
        assert await newest(server, offer_id) == failed.reference and await faults(server) == []
        page = f"/dashboard/payments/{failed.id}"
        async with Desk(server) as first, Desk(server) as second:
            await first.gets(await demo_link(server))
            await joins(second, server, "felix", "finance")
            assert "Delivered, and not paid" in await first.gets(page)
            said = []
            for reason in ("", "her wallet was shut", "her wallet was shut"):
                await first.posts(f"{page}/pass-on", reason=reason)
                said.append(first.headers["Location"].partition("said=")[2])
            assert said == ["no_reason", "passed_on", "not_refused"]
            again = await newest(server, offer_id)
            for desk, came in ((first, "one_more"), (second, "released")):
                payment = await settled(server, again, "created")
                await desk.gets(f"/dashboard/payments/{payment.id}")
                await desk.posts(f"/dashboard/payments/{payment.id}/release")
                assert desk.headers["Location"].endswith(f"said={came}")
        out = await settled(server, again, "succeeded")
        assert (out.held, out.payee_msisdn, out.amount_rwf) == (
            "refused before", CRAFTS, AMOUNT_RWF,
        )  # fmt: skip
        assert await state(server, offer_id) == "paid" and await faults(server) == []
        records = server.parts.market.records
        line = select(audit.c.details).where(audit.c.action == "delivery paid again")
        (details,) = await records.read(lambda db: db.execute(line).scalars().all())
        assert details == {"reason": "her wallet was shut", "instead_of": failed.reference}
        paid = select(rows.c.state).where(rows.c.offer_id == offer_id).order_by(rows.c.id)
        ends = await records.read(lambda db: db.execute(paid).scalars().all())
        assert ends == ["failed", "succeeded"]
        assert await records.read(lambda db: ledger.balance(db, ledger.payable(3))) == 0


async def test_the_command_pays_it_again_and_the_limits_still_hold(tmp_path) -> None:
    async with running(tmp_path) as server:
        offer_id, failed = await refused(server)
        assert failed.reference in (await isoko(tmp_path, "payments", "refused")).stdout
        now = server.parts.engine._clock()
        strict = PayoutRules(person_day_rwf=AMOUNT_RWF - 1)
        said = await server.parts.market.records.write(
            lambda db: passing_on_again.pass_on_again(
                db, failed.reference, reason="shut", by="amina", rules=strict, now=now
            )
        )
        assert said == "limit" and await newest(server, offer_id) == failed.reference
        records = server.parts.market.records
        await records.write(lambda db: db.execute(update(tickets).values(state="closed")))
        books_say = await isoko(tmp_path, "ledger", "verify")
        assert books_say.returncode == 1 and failed.reference in books_say.stdout + books_say.stderr
        type_it = ("payments", "pass-on", failed.reference, "--reason", "shut", "--by", "amina")
        done, again = await isoko(tmp_path, *type_it), await isoko(tmp_path, *type_it)
        assert (done.returncode, again.returncode) == (0, 1)
        waits = await newest(server, offer_id)
        assert waits != failed.reference
        assert waits in (await isoko(tmp_path, "payouts", "waiting")).stdout


async def test_the_books_name_what_is_owed_and_with_nobody(tmp_path, either_store) -> None:
    async with running(tmp_path) as server:
        offer_id, failed = await refused(server)
        records = server.parts.market.records
        await records.write(lambda db: db.execute(update(tickets).values(state="closed")))
        (what,) = await faults(server)
        assert f"P-{offer_id}" in what and failed.reference in what and "no open ticket" in what
