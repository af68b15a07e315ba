"""A receipt is checked by its code: true, without a name; by phone, by function and by command."""

import pytest
from sqlalchemy import select

from bot.market import receipts
from bot.market.proof import new_proof
from bot.payments.provider import Outcome
from bot.storage.schema import payments
from tests.market.money import pay, person, settle
from tests.server import FARMER, Running
from tests.typed_command import isoko


@pytest.mark.parametrize(("outcome", "state"), [
    (Outcome.SUCCEEDED, "succeeded"), (Outcome.REFUSED, "failed"), (Outcome.PENDING, "sent"),
])  # fmt: skip
async def test_a_code_shows_the_true_state(records, now, outcome, state) -> None:
    payment = await records.write(
        lambda db: settle(db, pay(db, person(db, now), now), now, outcome)
    )
    typed = f" {payment.proof_code[:4].lower()}-{payment.proof_code[4:]} "
    found = await records.read(lambda db: receipts.by_code(db, typed))
    assert (found.amount_rwf, found.state, found.at) == (60_000, state, now)
    for nobodys in (new_proof(), "", "23456789", payment.proof_code[:-1]):
        assert await records.read(lambda db, c=nobodys: receipts.by_code(db, c)) is None


async def proof_of(server: Running) -> str:
    query = select(payments.c.proof_code)
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def test_another_phone_sees_amount_and_day_and_no_name(server: Running) -> None:
    code = await proof_of(server)
    other = server.phone("+250788000003")
    await other.dials()
    screen = await other.types("3", "3", code.lower())
    assert "240,000 Frw" in screen and "received" in screen and code in screen
    assert "Mukamana" not in screen and FARMER not in screen and "KW-1038" not in screen


async def test_the_command_says_the_same(server: Running) -> None:
    code = await proof_of(server)
    folder = server.parts.settings.data_dir
    good = isoko(folder, "proof", code)
    assert good.returncode == 0 and "240,000" in good.stdout and "succeeded" in good.stdout
    slip = isoko(folder, "proof", code[:-1] + ("2" if code[-1] != "2" else "3"))
    assert slip.returncode == 1 and "read it again" in slip.stderr
    strange = isoko(folder, "proof", new_proof())
    assert strange.returncode == 1 and "not ours" in strange.stderr
