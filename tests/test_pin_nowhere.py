"""P-07: a PIN typed at the real doors is nowhere after, on both stores and in all that is kept."""

import re
import sys

import pytest
from redis import Redis
from sqlalchemy import select
from structlog._config import BoundLoggerLazyProxy

from bot.operations.logs import set_up_logs
from bot.storage.schema import metadata
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server import UNKNOWN, Running, running
from tests.telegram.door import Chat, link, settle
from tests.ussd.handsets import LATEST_ONLY

PIN_OF_HERS, WRONG = "80642", "97531"
# Alone, as it is typed: five digits within a longer number or a digest are chance.
_ALONE = re.compile(rf"(?<![0-9A-Za-z])({PIN_OF_HERS}|{WRONG})(?![0-9A-Za-z])")


async def types_them(server: Running, monkeypatch) -> None:
    """Registers, uses it, is wrong, and meets a fault of ours with it in hand."""
    phone = server.phone(UNKNOWN)
    await phone.dials()
    await phone.types("3", "6", "1", "Uwera Solange", "1", "1", "1", "1", PIN_OF_HERS, PIN_OF_HERS)
    assert "registered" in phone.last
    await phone.dials()
    await phone.types("6", "2", WRONG)
    assert "Wrong PIN" in phone.last
    # What comes after it repeats it, in the texts that a gateway adds up.
    await phone.types(PIN_OF_HERS, "1", "0")
    await phone.dials()
    await phone.types("6", "2")
    with monkeypatch.context() as broken:
        broken.setattr(server.parts.market.pins, "check", lambda *_a, **_k: 1 / 0)
        await phone.types(PIN_OF_HERS)
    await phone.types("00", "1")


async def types_them_elsewhere(server: Running) -> None:
    """Through the gateways that send one entry at a time, in an address too, and once more late."""
    for number, kind in enumerate(LATEST_ONLY):
        phone = kind(server.client, f"+25078810000{number}")
        await phone.dials()
        await phone.types("3", "6", "1", "Uwera Solange", "1", "1", "1", "1", PIN_OF_HERS)
        assert "registered" in await phone.types(PIN_OF_HERS)
        await phone.types("00", PIN_OF_HERS, "6", "2", WRONG)
        assert "Wrong PIN" in phone.last.text
        await phone.sends()
        await server.lose_sessions()
        await phone.sends()
        assert (await phone.posts("/no-such-secret")).status in (404, 405)


async def says_them_in_the_chat(server: Running) -> None:
    await link(server, UNKNOWN)
    chat = Chat(server)
    for words in (PIN_OF_HERS, f"my PIN is {WRONG}"):
        await chat.types(words)
    await settle(server)


async def tables(server: Running) -> dict[str, str]:
    """Every row of every table; bytes as the text in them."""

    def read(db) -> dict[str, str]:
        return {
            table.name: "\n".join(
                " | ".join(
                    one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in row
                )
                for row in db.execute(select(table))
            )
            for table in metadata.sorted_tables
        }

    return await server.parts.market.records.read(read)


def forget_where_logs_went() -> None:
    """What other tests made our modules log with holds on to the standard error of then."""
    for name, module in list(sys.modules.items()):
        if name.startswith("bot."):
            for one in vars(module).values():
                if isinstance(one, BoundLoggerLazyProxy):
                    vars(one).pop("bind", None)


def in_redis(url: str) -> str:
    """All that is kept there; of a kind that is not read here there is nothing."""
    with Redis.from_url(url) as redis:
        read = {
            b"string": lambda key: [redis.get(key) or b""],
            b"hash": lambda key: [part for pair in redis.hgetall(key).items() for part in pair],
            b"zset": lambda key: redis.zrange(key, 0, -1),
        }
        kept = [b"=".join([key, *read[redis.type(key)](key)]) for key in redis.scan_iter()]
    assert kept
    return b"\n".join(kept).decode("latin-1")


@pytest.mark.parametrize("stores", ["embedded", "scaled"])
async def test_P07_a_typed_pin_is_in_no_row_no_session_and_no_line_of_the_log(
    tmp_path, postgres: RealPostgres, valkey: RealValkey, stores: str, monkeypatch, capfd
) -> None:
    """Lists and exports are made of these rows alone, so that what is not here is not in them."""
    both = {"ISOKO_DATABASE_URL": postgres.new_database(), "ISOKO_REDIS_URL": valkey.url}
    set_up_logs("debug", "console")
    forget_where_logs_went()
    try:
        async with running(tmp_path, **(both if stores == "scaled" else {})) as server:
            await types_them(server, monkeypatch)
            await types_them_elsewhere(server)
            await says_them_in_the_chat(server)
            await server.write_transcripts()
            kept = await tables(server)
            if stores == "scaled":
                kept["redis"] = in_redis(valkey.url)
            else:
                memory = server.parts.engine._sessions._kept.values()
                kept["sessions"] = b"\n".join(one[1] for one in memory).decode("latin-1")
    finally:
        set_up_logs("warning", "console")
        forget_where_logs_went()
    said = capfd.readouterr()
    kept["log"] = said.out + said.err
    assert "ZeroDivisionError" in kept["log"] and "Uwera" in kept["contacts"]
    found = {name: hit[0] for name, text in kept.items() if (hit := _ALONE.search(text))}
    assert found == {}
