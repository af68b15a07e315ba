"""PINs by the hundred, typed into phones: P-02, P-03 and P-05 at the size of the attack list."""

import asyncio
import time

import pytest
import time_machine
from sqlalchemy import func, insert, select

from bot.storage.schema import contacts, pin_failures, pins, tickets
from tests.patience import patient_s
from tests.phone import Phone
from tests.server import Running, running

pytestmark = pytest.mark.usefixtures("either_store")

AS_IN_PRODUCTION = {"ISOKO_PIN__MEMORY_KIB": "19456", "ISOKO_PIN__PASSES": "2"}


async def crowd(server: Running, people: int) -> list[Phone]:
    """So many registered people with a PIN, each of them at the question for it."""
    now = server.parts.engine._clock()
    kept = await server.parts.market.pins.hash("73914")
    numbers = [f"+250789{n:06}" for n in range(people)]

    def write(db) -> None:
        rows = [{"msisdn": number, "created_at": now, "language": "en"} for number in numbers]
        db.execute(insert(contacts), rows)
        theirs = select(contacts.c.id).where(contacts.c.msisdn.in_(numbers))
        ids = db.execute(theirs).scalars().all()
        db.execute(insert(pins), [{"contact_id": i, "hash": kept, "set_at": now} for i in ids])

    await server.parts.market.records.write(write)
    phones = [server.phone(number) for number in numbers]

    async def to_the_pin(phone: Phone) -> None:
        await phone.dials()
        assert "Enter your Isoko PIN" in await phone.types("6", "2"), phone.last

    for some in range(0, people, 20):
        await asyncio.gather(*map(to_the_pin, phones[some : some + 20]))
    return phones


async def count(server: Running, query) -> int:
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def test_P02_two_hundred_sessions_of_one_guess_have_ten_guesses_in_all(
    server: Running,
) -> None:
    """Fifty calls a day: five guesses on the first, five on the second, then only staff open it."""
    guesses = []
    with time_machine.travel("2026-11-24T08:00:00Z", tick=True) as clock:
        for _day in range(4):
            guesses.append(0)
            for number in range(50):
                phone = server.phone()
                await phone.dials()
                await phone.types("6", "2")
                if not phone.ended:
                    await phone.types(f"8{number:04}")
                    guesses[-1] += 1
            clock.shift(24 * 3600 + 60)
        assert guesses == [5, 5, 0, 0]
        until = select(pins.c.locked_until).where(pins.c.contact_id == 1)
        opens_at = await count(server, until)
        assert (opens_at - server.parts.engine._clock()).days > 365
        # The right one does not open it either.
        phone = server.phone()
        await phone.dials()
        await phone.types("6", "2")
        assert phone.ended


async def test_P03_one_guess_on_each_of_hundreds_of_numbers_is_stopped_by_phone(
    server: Running,
) -> None:
    """The ten thousand of the row are in test_pin_alarm, where no phone is dialled."""
    phones = await crowd(server, 200)
    began = time.monotonic()
    said = [await phone.types("12349") for phone in phones]
    took_s = time.monotonic() - began
    wrong = sum("Wrong PIN" in one for one in said)
    # The hundredth rings; from then on a minute's thirty checks of one gateway, and one in two
    # seconds, however slow this machine is.
    assert 125 <= wrong <= 131 + took_s / 2 and wrong < 200, (wrong, took_s)
    assert await count(server, select(func.count()).select_from(pin_failures)) == wrong
    attacks = select(func.count()).where(tickets.c.category == "pin_attack")
    assert await count(server, attacks) == 1 and server.parts.market.pins.alarm.rings


async def test_P05_two_hundred_pins_a_second_by_phone_leave_the_menus_quick(tmp_path) -> None:
    settings = {**AS_IN_PRODUCTION, "ISOKO_PIN__ALARM_FAILURES": "100000"}
    async with running(tmp_path, **settings) as server:
        phones = await crowd(server, 200)

        async def guesses(number: int, phone: Phone) -> str:
            await asyncio.sleep(number / 200)
            return await phone.types("12349")

        async def dials() -> float:
            started = time.perf_counter()
            await server.phone().dials()
            return time.perf_counter() - started

        calm_s = sorted([await dials() for _one in range(50)])
        flood, took_s = asyncio.gather(*map(guesses, range(200), phones)), []
        while not flood.done():
            took_s.append(await dials())
        said = await flood
        wrong = sum("Wrong PIN" in one for one in said)
        # Each guess was either hashed or turned away at once; no call was lost by it.
        assert 20 <= wrong < 200 and all(one.strip() for one in said)
        busy = [phone for phone, one in zip(phones, said, strict=True) if "Wrong PIN" not in one]
        assert not any(phone.ended for phone in busy)
        assert sorted(took_s)[int(len(took_s) * 0.99)] < 3 * calm_s[-1] + patient_s(0.1)
        failures = select(func.count()).select_from(pin_failures)
        assert await count(server, failures) == wrong
