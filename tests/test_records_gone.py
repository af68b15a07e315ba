"""PostgreSQL gone in the middle of everything: prices go on, nothing is promised, nothing lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import select

from bot.market import books
from bot.storage.schema import offers
from bot.ussd.gsm7 import septets
from tests.patience import patient_s
from tests.phone import PIN, Phone
from tests.real_postgres import RealPostgres
from tests.server import UNKNOWN, Running, running
from tests.ussd.handsets import EACH

_AGE = {"rw": "mu minota 1 ishize", "fr": "Connu il y a 1 min", "en": "Known 1 min ago"}
_NOT_NOW = {
    "rw": "Ibyo ntibishoboka ubu. Nta cyahindutse",
    "fr": "Rien n'a changé",
    "en": "Nothing",
}
# A hop that does not wait for what is known to be gone.
_AT_ONCE_S = 0.2


@pytest.fixture(autouse=True)
def limits_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those by which a server tells that nobody answers, which other tests need not wait for."""
    monkeypatch.setattr("bot.storage.postgres._CONNECT_S", 2.0)
    monkeypatch.setattr("bot.storage.postgres._SIGN_OF_LIFE_S", 0.8)


@pytest.fixture(scope="module")
def mortal_postgres() -> Iterator[RealPostgres]:
    """A server of its own, to be killed."""
    server = RealPostgres()
    yield server
    server.stop()


@pytest.fixture
async def server(tmp_path: Path, mortal_postgres: RealPostgres) -> AsyncIterator[Running]:
    url = mortal_postgres.new_database()
    async with running(tmp_path, ISOKO_DATABASE_URL=url) as one:
        yield one


async def is_back(server: Running) -> float:
    """How many seconds it takes until the server is ready again."""
    began = time.monotonic()
    while time.monotonic() - began < 30:
        async with server.client.get("/readyz") as answer:
            if answer.status == 200:
                return time.monotonic() - began
        await asyncio.sleep(0.05)
    raise AssertionError("it never came back")


async def timed(hop) -> tuple[str, float]:
    began = time.monotonic()
    return await hop, time.monotonic() - began


async def offer_states(server: Running) -> list[str]:
    query = select(offers.c.state).where(offers.c.packs == 200)
    return await server.parts.market.records.read(lambda db: list(db.execute(query).scalars()))


async def test_prices_go_on_and_an_acceptance_is_refused(
    server: Running, mortal_postgres: RealPostgres
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("2", "1", "1")
    mortal_postgres.crash()
    try:
        refused = await phone.types(PIN)
        assert refused.startswith(_NOT_NOW["rw"]) and not phone.ended
        assert await phone.sends() == refused
        # The call goes on, and prices need no records.
        assert "Ikawa" in await phone.types("2")
        # It is asked for again, and refused at once.
        again, took_s = await timed(phone.types("00", "2"))
        assert again.startswith(_NOT_NOW["rw"]) and took_s < patient_s(2 * _AT_ONCE_S)
    finally:
        mortal_postgres.start()
    assert await is_back(server) < patient_s(3)
    assert await offer_states(server) == ["offered"]
    assert "Wemeye" in await phone.types("1", "2", "1", "1", PIN)
    assert await offer_states(server) == ["accepted"]


@pytest.mark.parametrize("language", _AGE)
async def test_a_dial_without_records_names_nobody_and_tells_the_age_of_prices(
    server: Running, mortal_postgres: RealPostgres, language: str
) -> None:
    known, stranger = server.phone(), server.phone(UNKNOWN)
    place = list(_AGE).index(language) + 1
    await known.dials()
    await known.types("9", str(place), "00", "2")
    mortal_postgres.crash()
    try:
        await known.dials()
        # The first who asks finds out; from then on nobody waits.
        card, took_s = await timed(known.dials())
        assert took_s < patient_s(_AT_ONCE_S) and "KW-1042" not in card
        # The choice of language names all three; here the one last spoken is spoken.
        assert "Choose language" not in card
        await stranger.dials()
        await stranger.types(str(place))
        for phone in (known, stranger):
            pages = await _price(phone)
            assert _AGE[language] in pages[0]
            assert max(map(septets, pages)) <= 160
            for personal in ("2", "3", "4", "6"):
                said = await phone.types("00", personal)
                assert _NOT_NOW[language] in said and not phone.ended
            assert "PIN" not in phone.last and "KW-1042" not in phone.last
    finally:
        mortal_postgres.start()
    await is_back(server)
    # Who is calling is known again in the very next hop.
    assert "KW-1042" in await known.types("00", "2")


async def _price(phone: Phone) -> list[str]:
    first = await phone.types("00", "1", "1")
    return [first] if "99 " not in first else [first, await phone.types("99")]


async def test_a_server_that_stands_still_holds_nobody_up(
    server: Running, mortal_postgres: RealPostgres
) -> None:
    phones = [server.phone(f"+2507881000{number:02}") for number in range(10)]
    await asyncio.gather(*(phone.dials() for phone in phones))
    mortal_postgres.pause()
    try:
        began = time.monotonic()
        await asyncio.gather(*(phone.dials() for phone in phones))
        assert time.monotonic() - began < patient_s(2.5)
        slowest_s = 0.0
        for phone in phones:
            _screen, took_s = await timed(phone.dials())
            slowest_s = max(slowest_s, took_s)
        assert slowest_s < patient_s(_AT_ONCE_S)
    finally:
        mortal_postgres.resume()
    assert await is_back(server) < patient_s(3)


async def test_a_commit_whose_answer_was_lost_is_looked_up_not_denied(
    server: Running, mortal_postgres: RealPostgres, monkeypatch
) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("8", "6")
    real = asyncpg.Connection.execute

    async def lost(self, query, *rest, **more):
        done = await real(self, query, *rest, **more)
        if query == "COMMIT":
            self.terminate()
            raise ConnectionResetError("the answer was lost")
        return done

    with monkeypatch.context() as wire:
        wire.setattr(asyncpg.Connection, "execute", lost)
        checking = await phone.types("8")
    assert checking.startswith("Turacyagenzura")
    assert "T-" in await phone.types("1")


async def to_the_pin(phone: Phone, said: str) -> str:
    """From whatever was said to the PIN of the order, or to what came of it."""
    for _press in range(60):
        if "Emera KW-1042" in said or "Wemeye" in said:
            return said
        if said.startswith("Turacyagenzura"):
            await asyncio.sleep(0.6)
            said = await phone.types("1")
        elif phone.ended:
            said = await phone.dials()
        else:
            # On a busy machine the records count as gone for a moment, and any key may be refused.
            said = await phone.types("00", "2", "1", "1")
    raise AssertionError(f"neither asked nor accepted: {said}")


async def test_who_is_told_no_was_not_accepted_and_the_books_agree(
    server: Running, mortal_postgres: RealPostgres
) -> None:
    """Killed while callers accept: whoever heard "no" may ask again, whoever heard "yes" has it."""
    phone = server.phone()
    await to_the_pin(phone, await phone.dials())
    hop = asyncio.create_task(phone.types(PIN))
    await asyncio.sleep(0.01)
    mortal_postgres.crash()
    said = await hop
    mortal_postgres.start()
    await is_back(server)
    if _NOT_NOW["rw"] in said:
        assert await offer_states(server) == ["offered"]
    for _try in range(5):
        said = await to_the_pin(phone, said)
        if "Wemeye" in said:
            break
        said = await phone.types(PIN)
    assert "Wemeye" in said
    assert await offer_states(server) == ["accepted"]
    assert (await server.parts.market.records.read(books.check)).faults == []


async def test_a_dial_through_every_gateway_needs_no_records(
    server: Running, mortal_postgres: RealPostgres
) -> None:
    await server.phone().dials()
    mortal_postgres.crash()
    try:
        for number, kind in enumerate(EACH):
            phone = kind(server.client, f"+25078810000{number}")
            assert "Kinyarwanda" in await phone.dials(), kind.gateway
            assert "Ikawa" in await phone.types("1", "1"), kind.gateway
    finally:
        mortal_postgres.start()
    assert await is_back(server) < patient_s(3)
