"""What a buyer paid and the operator refused to pay to the seller is passed on again, by people."""

from sqlalchemy import select, update

from bot.market import books, ledger, settling_by_hand
from bot.market.limits import PayoutRules
from bot.storage.schema import audit, contacts, tickets
from tests.cli.test_money_commands import isoko
from tests.dashboard.desk import Desk, demo_link, joins
from tests.server import CRAFTS, Running
from tests.test_payout_loop import settled
from tests.test_sales import asks, faults, nuisances, one, read, selling, truth

# The operator refuses to pay to it.
SHUT = "+46733123457"


async def moves_to(server: Running, wallet: str) -> None:
    """The seller's money goes to this number, and has for long."""
    change = update(contacts).where(contacts.c.msisdn == CRAFTS).values(wallet=wallet)
    await server.parts.market.records.write(lambda db: db.execute(change))


async def refused(server: Running):
    """A buyer has paid, and the operator has refused the payout: it."""
    nuisances(server)
    await moves_to(server, SHUT)
    await asks(server.phone(CRAFTS))
    await settled(server, await one(server), "succeeded")
    return await settled(server, await one(server, "payout"), "failed")


async def balance(server: Running, account: str) -> int:
    return await server.parts.market.records.read(lambda db: ledger.balance(db, account))


def tickets_of(payment):
    spoken = f"{payment.order_code} {payment.proof_code}"
    mine = (tickets.c.about == spoken) & (tickets.c.category == "payment_missing")
    return select(tickets.c.state).where(mine)


async def test_staff_have_it_passed_on_again_and_two_release_it(tmp_path) -> None:
    async with selling(tmp_path) as server:
        before = await balance(server, ledger.SALES)
        failed = await refused(server)
        assert await balance(server, ledger.SALES) == before - 12_000
        assert await read(server, tickets_of(failed)) == ["open"] and await faults(server) == []
        await moves_to(server, CRAFTS)
        page = f"/dashboard/payments/{failed.id}"
        async with Desk(server) as first, Desk(server) as second:
            await first.gets(await demo_link(server))
            await joins(second, server, "felix", "finance")
            assert "Pay the seller again" in await first.gets(page)
            said = []
            for reason in ("", "the wallet was shut", "the wallet was shut"):
                await first.posts(f"{page}/pass-on", reason=reason)
                said.append(first.headers["Location"].partition("said=")[2])
            assert said == ["no_reason", "passed_on", "not_refused"]
            assert "Pay the seller again" not in await first.gets(page)
            assert await read(server, tickets_of(failed)) == ["closed"]
            again = await settled(server, await one(server, "payout"), "created")
            assert again.reference != failed.reference and await faults(server) == []
            assert "Our staff check it" in await truth(server.phone(CRAFTS), "S-1: paid")
            page = f"/dashboard/payments/{again.id}"
            for desk, came in ((first, "one_more"), (second, "released")):
                await desk.gets(page)
                await desk.posts(f"{page}/release")
                assert desk.headers["Location"].endswith(f"said={came}")
        out = await settled(server, again.reference, "succeeded")
        assert (out.payee_msisdn, out.amount_rwf) == (CRAFTS, 12_000)
        assert await balance(server, ledger.SALES) == before and await faults(server) == []
        line = select(audit.c.details).where(audit.c.action == "sale passed on again")
        (details,) = await read(server, line)
        assert details == {"reason": "the wallet was shut", "instead_of": failed.reference}


async def test_the_command_lists_what_was_refused_and_passes_it_on_once(tmp_path) -> None:
    async with selling(tmp_path) as server:
        failed = await refused(server)
        assert failed.reference in (await isoko(tmp_path, "payments", "refused")).stdout
        type_it = ("payments", "pass-on", failed.reference, "--reason", "shut", "--by", "amina")
        done, again = await isoko(tmp_path, *type_it), await isoko(tmp_path, *type_it)
        assert (done.returncode, again.returncode) == (0, 1) and "two people" in done.stdout
        waits = await one(server, "payout")
        listed = (await isoko(tmp_path, "payouts", "waiting")).stdout
        assert waits in listed and "refused before" in listed
        for name in ("amina", "eric"):
            await isoko(tmp_path, "payouts", "release", waits, "--by", name)
        # Refused once more, it may be passed on once more.
        await settled(server, waits, "failed")
        listed = (await isoko(tmp_path, "payments", "refused")).stdout
        assert waits in listed and failed.reference not in listed
        assert await faults(server) == []


async def test_the_books_see_what_was_refused_and_is_with_nobody(tmp_path) -> None:
    async with selling(tmp_path) as server:
        await refused(server)
        records = server.parts.market.records
        await records.write(lambda db: db.execute(update(tickets).values(state="closed")))
        (fault,) = (await records.read(books.check)).faults
        assert "sale 1" in fault.what and "payments pass-on" in fault.remedy


async def test_what_two_people_end_keeps_to_the_limits_of_payouts(tmp_path) -> None:
    async with selling(tmp_path) as server:
        nuisances(server, amount_altered=True)
        await asks(server.phone(CRAFTS))
        flagged = await settled(server, await one(server), "flagged")
        nuisances(server)
        rules, now = PayoutRules(person_day_rwf=10_000), server.parts.engine._clock()
        await server.parts.market.records.write(lambda db: settling_by_hand.settle(
            db, flagged.reference, "succeeded", reason="letter", by="amina", second="eric",
            rules=rules, now=now))  # fmt: skip
        out = await settled(server, await one(server, "payout"), "created")
        assert out.held == "limit of the day"
