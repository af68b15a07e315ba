"""Webhooks out: signed, in order, tried again; a receiver that fails loses nothing."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update

from bot.hub import hooks
from bot.hub.addresses import guarded_socket, is_outside, why_not, why_not_now
from bot.hub.hooks import Hooks
from bot.hub.signing import sign
from bot.market import hub_news, subscriptions
from bot.market.hub_news import RETRY_AFTER_S
from bot.storage import outbox
from bot.storage.records import Records, RecordsDown
from bot.storage.schema import outbox as rows
from bot.storage.schema import tickets
from tests.hub.receiver import Receiver, receiving
from tests.hub.sender import Hub, order
from tests.patience import patient_s
from tests.server import FARMER, Running

SECRET = "whsec_b3V0Ym91bmQtdGVzdC1zZWNyZXQtb2YtMzItYnl0ZXM="


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


class Line:
    """A subscription, and what is sent to it."""

    def __init__(self, records: Records, receiver: Receiver) -> None:
        self.records, self.receiver = records, receiver
        self.hooks = Hooks(records, private=True)
        self.id, self.told = 0, 0

    async def opens(self) -> "Line":
        self.id = (
            await self.records.write(
                lambda db: subscriptions.subscribe(db, self.receiver.url, (), _now(), SECRET)
            )
        )[0]
        return self

    async def tells(self, lane: str = "o1", kind: str = "order.accepted") -> None:
        self.told += 1
        number = self.told
        await self.records.write(
            lambda db: hub_news.tell(db, kind, lane, f"k{number}", {"n": number}, _now())
        )

    async def sends(self) -> int:
        return await self.hooks.carry_out_all()

    async def states(self) -> list[str]:
        query = select(rows.c.state).order_by(rows.c.id)
        return await self.records.read(lambda db: list(db.execute(query).scalars()))

    async def subscription(self) -> subscriptions.Subscription:
        found = await self.records.read(lambda db: subscriptions.by_id(db, self.id, _now()))
        assert found is not None
        return found


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def line(records: Records, receiver: Receiver) -> AsyncIterator[Line]:
    one = await Line(records, receiver).opens()
    yield one
    await one.hooks.close()


async def test_what_a_farmer_answers_comes_back_signed(server: Running, receiver: Receiver) -> None:
    hub, records = Hub(server), server.parts.market.records
    await records.write(
        lambda db: subscriptions.subscribe(db, receiver.url, ("order.accepted",), _now(), SECRET)
    )
    await hub.says("order.created", order("KW-2001", 10, district="Gakenke"))
    await hub.worked()
    phone = server.phone(FARMER)
    await phone.dials()
    await phone.types("2")
    await phone.picks("Komande nshya KW-2001")
    await phone.types("1", "73914")
    for _round in range(100):
        if receiver.came:
            break
        await asyncio.sleep(0.05)
    assert receiver.signed_by(0, SECRET)
    said = receiver.said[0]
    assert said["type"] == "order.accepted"
    assert said["data"] | {"part": ""} == {
        "order_id": "KW-2001", "line": 1, "source": "hub", "code": "KW-2001",
        "product": "COF-ROAST", "packs": 10, "packs_accepted": 10, "part": "", "part_packs": 10,
    }  # fmt: skip
    assert (await hub.until("KW-2001", "filled"))["packs_accepted"] == 10


async def test_what_was_taken_is_written_down_when_the_records_were_away_for_that_moment(
    line: Line, receiver: Receiver, monkeypatch
) -> None:
    await line.tells()
    write, away = line.records.write, []

    async def falters(work):
        if receiver.came and not away:
            away.append(_now())
            raise RecordsDown("gone")
        return await write(work)

    monkeypatch.setattr(line.records, "write", falters)
    assert await line.sends() == 1
    assert away and await line.states() == ["sent"] and len(receiver.came) == 1


async def test_a_call_is_told_at_its_beginning_and_its_end_without_its_caller(
    server: Running, receiver: Receiver
) -> None:
    records, wanted = server.parts.market.records, ("session.started", "session.ended")
    await records.write(
        lambda db: subscriptions.subscribe(db, receiver.url, wanted, _now(), SECRET)
    )
    phone = server.phone(FARMER)
    await phone.dials()
    await phone.types("2", "1", "1", "73914")
    assert phone.ended
    assert server.parts.calls is not None and server.parts.hooks is not None
    for _round in range(100):
        await server.parts.calls.flush()
        await server.parts.hooks.carry_out_all()
        if len(receiver.came) == 2:
            break
        await asyncio.sleep(0.05)
    assert receiver.types == list(wanted)
    first, last = (one["data"] for one in receiver.said)
    assert first["session"] == last["session"] and last["hops"] == 5
    for _headers, body in receiver.came:
        assert b"788000001" not in body and phone.session_id.encode() not in body


async def test_one_order_stays_in_order_and_another_does_not_wait(line: Line) -> None:
    line.receiver.answers = [500, 200]
    for lane in ("o1", "o1", "o2"):
        await line.tells(lane)
    await line.sends()
    # The first of order 1 failed, and holds the second; order 2 went on.
    assert sorted(one["data"]["n"] for one in line.receiver.said) == [1, 3]
    with time_machine.travel(_now() + timedelta(seconds=7)):
        await line.sends()
    assert [one["data"]["n"] for one in line.receiver.said][2:] == [1, 2]
    ids = [headers["webhook-id"] for headers, body in line.receiver.came if b'"n": 1' in body]
    assert len(ids) == 2 and len(set(ids)) == 1
    assert await line.states() == ["sent"] * 3


async def test_a_delivery_is_tried_on_the_schedule_then_kept_as_a_dead_letter(line: Line) -> None:
    line.receiver.answers = [500]
    await line.tells()
    moment = _now()
    for place, wait_s in enumerate((0, *RETRY_AFTER_S)):
        # Not before four fifths of the wait, and not later than six fifths.
        early = moment + timedelta(seconds=wait_s * 0.79)
        if wait_s:
            with time_machine.travel(early):
                await line.sends()
        assert len(line.receiver.came) == place
        moment += timedelta(seconds=wait_s * 1.21 + 1)
        with time_machine.travel(moment):
            assert await line.sends() == 1
    assert await line.states() == ["dead"]
    line.receiver.answers = [200]
    key = await line.records.read(lambda db: db.execute(select(rows.c.dedupe_key)).scalar())
    await line.records.write(lambda db: outbox.replay(db, key, _now()))
    with time_machine.travel(moment + timedelta(hours=1)):
        await line.sends()
    assert await line.states() == ["sent"]


async def test_retry_after_is_kept_to(line: Line) -> None:
    line.receiver.answers, line.receiver.headers = [429, 200], {"Retry-After": "120"}
    await line.tells()
    await line.sends()
    with time_machine.travel(_now() + timedelta(seconds=100)):
        assert await line.sends() == 0
    with time_machine.travel(_now() + timedelta(seconds=125)):
        assert await line.sends() == 1


async def test_who_fails_again_and_again_is_left_alone_for_a_while(line: Line) -> None:
    line.receiver.answers = [500]
    for number in range(8):
        await line.tells(f"o{number}")
    await line.sends()
    # Eight that were under way together are one failure.
    one = await line.subscription()
    assert (one.failures, one.rests_until) == (1, None) and len(line.receiver.came) == 8
    for number in range(8, 12):
        await line.tells(f"o{number}")
        await line.sends()
    tried = len(line.receiver.came)
    assert (await line.subscription()).rests_until is not None
    await line.tells("o99")
    assert await line.sends() == 0 and len(line.receiver.came) == tried
    line.receiver.answers = [200]
    with time_machine.travel(_now() + timedelta(hours=1)):
        assert await line.sends() == 13
    assert (await line.subscription()).failures == 0


async def test_a_delivery_that_nobody_could_foresee_ends_and_holds_up_no_other(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(event_id: str, *more: Any) -> dict[str, str]:
        if not broken:
            broken.append(event_id)
            raise ZeroDivisionError
        return sign(event_id, *more)

    broken: list[str] = []
    monkeypatch.setattr(hooks, "sign", breaks)
    for lane in ("o1", "o2", "o3"):
        await line.tells(lane)
    assert await line.sends() == 3 and len(line.receiver.came) == 2
    states = select(rows.c.last_error, rows.c.attempts).order_by(rows.c.last_error.desc())
    found = await line.records.read(lambda db: db.execute(states).all())
    assert tuple(found[0]) == ("ZeroDivisionError", 1)
    with time_machine.travel(_now() + timedelta(seconds=7)):
        assert await line.sends() == 1
    assert await line.states() == ["sent"] * 3


async def test_nobody_waits_for_the_slowest_receiver(line: Line) -> None:
    slow = asyncio.Event()
    take = line.receiver.take

    async def takes(request: Any) -> Any:
        if b'"n": 1}' in await request.read():
            await slow.wait()
        return await take(request)

    line.receiver.on = takes
    running = asyncio.create_task(line.hooks.run())
    try:
        await line.tells("o1")
        line.hooks.wake()
        await asyncio.sleep(0.2)
        for number in range(2, 5):
            await line.tells(f"o{number}")
            line.hooks.wake()
            async with asyncio.timeout(patient_s(20)):
                while len(line.receiver.came) < number - 1:
                    await asyncio.sleep(0.02)
    finally:
        slow.set()
        running.cancel()
        await asyncio.wait([running])
    assert sorted(one["data"]["n"] for one in line.receiver.said)[-3:] == [2, 3, 4]


async def test_W05_a_redirect_is_a_failure_and_is_never_followed(line: Line) -> None:
    for where in ("http://127.0.0.1:6379/", "file:///etc/passwd"):
        line.receiver.answers, line.receiver.headers = [302], {"Location": where}
        await line.tells(where[-9:])
        await line.sends()
    assert len(line.receiver.came) == 2
    errors = await line.records.read(
        lambda db: list(db.execute(select(rows.c.last_error)).scalars())
    )
    assert errors == ["answered 302"] * 2


async def test_W08_a_delivery_is_signed_over_id_moment_and_body(line: Line) -> None:
    await line.tells()
    await line.sends()
    headers, body = line.receiver.came[0]
    assert line.receiver.signed_by(0, SECRET)
    line.receiver.came[0] = (headers, body.replace(b'"n": 1', b'"n": 2'))
    assert not line.receiver.signed_by(0, SECRET)
    later = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 86_400)}
    line.receiver.came[0] = (later, body)
    assert not line.receiver.signed_by(0, SECRET)


async def test_W09_both_secrets_sign_while_one_is_changed(line: Line) -> None:
    await line.tells("o1")
    fresh = await line.records.write(
        lambda db: subscriptions.rotate(db, line.id, timedelta(hours=24), _now())
    )
    await line.sends()
    assert line.receiver.signed_by(0, SECRET) and line.receiver.signed_by(0, fresh)
    await line.tells("o2")
    with time_machine.travel(_now() + timedelta(hours=25)):
        await line.sends()
    assert not line.receiver.signed_by(1, SECRET) and line.receiver.signed_by(1, fresh)


async def test_W09_a_second_change_within_the_overlap_cuts_nobody_off(line: Line) -> None:
    began, day = _now(), timedelta(hours=24)

    async def rotates(hours: int) -> str | None:
        moment = began + timedelta(hours=hours)
        return await line.records.write(lambda db: subscriptions.rotate(db, line.id, day, moment))

    second, third = await rotates(0), await rotates(6)
    for place, (hours, good) in enumerate(
        ((7, (SECRET, second, third)), (25, (second, third)), (31, (third,)))
    ):
        with time_machine.travel(began + timedelta(hours=hours)):
            await line.tells(f"o{hours}")
            await line.sends()
        known = {one for one in (SECRET, second, third) if line.receiver.signed_by(place, one)}
        assert known == set(good)


async def test_W10_five_days_of_failure_disable_and_lose_nothing(line: Line) -> None:
    line.receiver.answers = [503]
    began = _now()
    for hour in range(0, 126, 3):
        with time_machine.travel(began + timedelta(hours=hour)):
            await line.tells(f"o{hour}")
            await line.sends()
    assert (await line.subscription()).state == "disabled"
    tried = len(line.receiver.came)
    tickets_of = select(tickets.c.text).where(tickets.c.about == f"hook:{line.id}")
    assert "disabled" in await line.records.read(lambda db: db.execute(tickets_of).scalar())
    end = began + timedelta(hours=130)
    with time_machine.travel(end):
        await line.tells("o999")
        assert await line.sends() == 0 and len(line.receiver.came) == tried
        line.receiver.answers = [200]
        await line.records.write(lambda db: subscriptions.enable(db, line.id))
        await line.records.write(lambda db: outbox.replay_all(db, f"hook:{line.id}", began, end))
    with time_machine.travel(end + timedelta(hours=13)):
        await line.sends()
    assert set(await line.states()) == {"sent"}
    assert {one["data"]["n"] for one in line.receiver.said} == set(range(1, line.told + 1))


async def test_410_disables_at_once(line: Line) -> None:
    line.receiver.answers = [410]
    await line.tells()
    await line.sends()
    assert (await line.subscription()).state == "disabled"


W01 = ("http://127.0.0.1/", "http://localhost", "http://[::1]", "http://0.0.0.0",
       "http://2130706433", "http://0x7f.1", "http://127.1")  # fmt: skip
W02 = ("http://169.254.169.254/latest/meta-data", "http://[fd00::1]", "http://100.64.0.1",
       "http://10.1.2.3", "http://172.16.0.1", "http://192.168.1.1", "http://198.18.0.1",
       "http://[::ffff:10.0.0.1]", "http://[64:ff9b::a00:1]", "http://[2002:a00:1::]",
       "http://224.0.0.1", "http://[fe80::1%25eth0]")  # fmt: skip


@pytest.mark.parametrize("url", [*W01, *W02])
async def test_W01_W02_an_address_inside_is_refused_at_save(url: str) -> None:
    assert await why_not_now(url, private=False)
    assert await why_not_now(url.replace("http://", "https://"), private=False)


@pytest.mark.parametrize("url", [*W01, *W02])
async def test_W01_W02_an_address_inside_is_refused_at_connect(
    records: Records, receiver: Receiver, url: str
) -> None:
    line = await Line(records, receiver).opens()
    line.hooks = Hooks(records, private=False)
    secure = url.replace("http://", "https://")
    await records.write(lambda db: db.execute(update(subscriptions.rows).values(url=secure)))
    await line.tells()
    assert await line.sends() == 1
    error = await records.read(lambda db: db.execute(select(rows.c.last_error)).scalar())
    refused = "not on the internet", "hides an address", "cannot be read", "ClientConnectorError"
    assert any(words in error for words in refused) and line.receiver.came == []
    await line.hooks.close()


@pytest.mark.parametrize("url", [*W01, "http://[::ffff:127.0.0.1]", *W02[2:5]])
async def test_W01_W02_a_server_that_listens_inside_is_never_connected_to(
    records: Records, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Without any look at the URL: the socket alone stands between."""
    came: list[object] = []
    server = await asyncio.start_server(lambda _r, w: (came.append(w), w.close()), "", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setattr(hooks, "why_not", lambda *_any, **_more: "")
    line = await Line(records, receiver).opens()
    line.hooks = Hooks(records, private=False)
    there = f"{url.rstrip('/')}:{port}/"
    await records.write(lambda db: db.execute(update(subscriptions.rows).values(url=there)))
    await line.tells()
    assert await line.sends() == 1
    error = await records.read(lambda db: db.execute(select(rows.c.last_error)).scalar())
    refused = "not on the internet", "not a canonical IPv4 address"
    assert any(words in error for words in refused) and came == []
    await line.hooks.close()
    server.close()


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "198.18.0.1",
                "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "0.0.0.0", "255.255.255.255"]
)  # fmt: skip
def test_W02_no_socket_is_made_to_an_address_inside(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(OSError, match="not on the internet"):
        guarded_socket(private=False)((family, socket.SOCK_STREAM, 6, "", (address, 443)))
    assert is_outside("93.184.215.14") and is_outside("2606:2800:220:1:248:1893:25c8:1946")


async def test_W03_a_name_that_leads_elsewhere_later_is_not_followed(
    records: Records, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, asked = asyncio.get_running_loop(), []
    port = int(receiver.url.rpartition(":")[2].split("/")[0])

    async def rebinding(host: Any, _port: Any, **_more: Any) -> list[Any]:
        asked.append(host)
        address = "93.184.215.14" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    url = "https://rebinding.example/hook"
    assert await why_not_now(url, private=False) == ""
    line = await Line(records, receiver).opens()
    line.hooks = Hooks(records, private=False)
    await records.write(lambda db: db.execute(update(subscriptions.rows).values(url=url)))
    await line.tells()
    await line.sends()
    error = await records.read(lambda db: db.execute(select(rows.c.last_error)).scalar())
    assert len(asked) == 2 and "127.0.0.1 is not on the internet" in error
    assert receiver.came == []
    await line.hooks.close()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://user:word@hub.example/", "a name or a password"),
        ("gopher://hub.example/", "only https"),
        ("file:///etc/passwd", "only https"),
        ("unix:///var/run/docker.sock", "only https"),
        ("http://hub.example/", "only https"),
        ("https://hub.example:22/", "only the ports"),
        ("https://hub.example:25/", "only the ports"),
        ("https://hub.example:6379/", "only the ports"),
        ("https://hub.example/a\r\nHost: x", "blanks, line ends"),
        ("https://hub.example/" + "a" * 8192, "longer than"),
        ("https://hub.example/#x", "a place within a page"),
        ("https://", "names no host"),
        ("https://hub.example:99999/", "cannot be read"),
    ],
)
def test_W06_other_urls_are_refused_with_the_reason(url: str, why: str) -> None:
    assert why in why_not(url, private=False)
    assert why_not("https://hub.example:8443/hook?a=1", private=False) == ""
