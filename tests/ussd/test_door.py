"""The door of a gateway's route: who may knock, and with what."""

import asyncio
import time

import pytest
from sqlalchemy import func, select

from bot.msisdn import masked, read_msisdn
from bot.storage.schema import hops
from tests.patience import patient_s
from tests.server import FARMER, Running, running

_BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
    b"<sessionId>&c;</sessionId>"
)
SECRET = "a-secret-of-the-gateway"
FORM = {
    "sessionId": "ATUid_1",
    "phoneNumber": FARMER,
    "networkCode": "63510",
    "serviceCode": "*384*801#",
    "text": "",
}


async def status(server: Running, path: str = "/ussd/africastalking", **kinds) -> int:
    async with server.client.post(path, **({"data": FORM} | kinds)) as response:
        return response.status


async def test_U01_a_source_outside_the_list_is_refused(tmp_path) -> None:
    async with running(tmp_path, ISOKO_USSD__ALLOWED_NETWORKS="10.1.0.0/16") as server:
        assert await status(server) == 403
        query = select(func.count()).select_from(hops)
        assert await server.parts.market.records.read(lambda db: db.execute(query).scalar()) == 0


async def test_U02_a_wrong_secret_is_an_unknown_path(tmp_path) -> None:
    async with running(tmp_path, ISOKO_USSD__SECRETS__AFRICASTALKING=SECRET) as server:
        assert await status(server, f"/ussd/africastalking/{SECRET}") == 200
        assert await status(server, f"/ussd/africastalking/{SECRET[:-1]}x") == 404
        assert await status(server) == 404


async def test_U03_a_forwarded_address_counts_only_from_our_proxy(tmp_path) -> None:
    forwarded = {"X-Forwarded-For": "10.1.2.3"}
    async with running(tmp_path, ISOKO_USSD__ALLOWED_NETWORKS="10.1.0.0/16") as server:
        assert await status(server, headers=forwarded) == 403


async def test_U04_of_several_forwarded_addresses_our_proxys_own_counts(tmp_path) -> None:
    rules = {
        "ISOKO_USSD__ALLOWED_NETWORKS": "10.1.0.0/16",
        "ISOKO_USSD__TRUSTED_PROXIES": "127.0.0.0/8",
    }
    async with running(tmp_path, **rules) as server:
        assert await status(server, headers={"X-Forwarded-For": "6.6.6.6, 10.1.2.3"}) == 200
        assert await status(server, headers={"X-Forwarded-For": "10.1.2.3, 6.6.6.6"}) == 403
        two = [("X-Forwarded-For", "10.1.2.3"), ("X-Forwarded-For", "6.6.6.6")]
        assert await status(server, headers=two) == 403


@pytest.mark.parametrize("number", ["", "unknown", "+2507", "+2507880000011234567", "07880000ab",
                                    "+256788123456", "+２５０788000001", "٠٧٨٨٠٠٠٠٠١", "*182#"])  # fmt: skip
async def test_U07_a_number_that_is_none_is_refused(server: Running, number: str) -> None:
    assert await status(server, data={**FORM, "phoneNumber": number}) == 400


async def test_U07_a_missing_field_is_refused(server: Running) -> None:
    for name in ("phoneNumber", "sessionId", "text"):
        assert await status(server, data={k: v for k, v in FORM.items() if k != name}) == 400


def test_U08_every_form_of_a_number_is_one_account() -> None:
    forms = ("+250788123456", "250788123456", "0788123456", "788123456", "00250788123456")
    assert {read_msisdn(form, "RW") for form in forms} == {"+250788123456"}
    assert read_msisdn("078812345", "RW") is None
    assert masked("+250788123456") == "+2507•••••56"


async def test_U09_a_number_given_twice_is_refused(server: Running) -> None:
    body = "sessionId=a&text=&phoneNumber=%2B250788000001&phoneNumber=%2B250788000002"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert await status(server, data=body, headers=headers) == 400


async def test_U19_a_huge_body_is_refused(server: Running) -> None:
    assert await status(server, data={**FORM, "text": "1" * 20_000}) == 413


@pytest.mark.parametrize("announced", [20_000, 10_000_000, 2_000_000_000])
async def test_U19_a_body_that_is_announced_too_large_is_refused_at_once(
    server: Running, announced: int
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client.port)
    writer.write(
        b"POST /ussd/africastalking HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nsessionId=" % announced
    )
    assert b" 413 " in await asyncio.wait_for(reader.readline(), 2)
    writer.close()


async def test_U19_slow_bodies_hold_nobody_up(tmp_path) -> None:
    head = (
        b"POST /ussd/africastalking HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )

    async def trickle(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        told = asyncio.create_task(reader.readline())
        while not told.done():
            writer.write(b"a")
            await asyncio.sleep(0.1)
        writer.close()
        return await told

    async with running(tmp_path, ISOKO_USSD__BODY_TIMEOUT_S="2") as server:
        slow = [asyncio.create_task(trickle(server.client.port)) for _one in range(200)]
        await asyncio.sleep(0.3)
        phone, took_s = server.phone(), []
        while not all(one.done() for one in slow):
            began = time.monotonic()
            await phone.dials()
            assert "Ikawa" in await phone.types("1")
            took_s.append(time.monotonic() - began)
            await asyncio.sleep(0.02)
        assert len(took_s) > 20 and sorted(took_s)[len(took_s) * 9 // 10] < patient_s(0.2), took_s
        ends = [await one for one in slow]
        assert all(b" 408 " in end for end in ends), set(ends)


async def test_U19_a_slow_body_is_cut(tmp_path) -> None:
    async with running(tmp_path, ISOKO_USSD__BODY_TIMEOUT_S="0.2") as server:
        port = server.client.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /ussd/africastalking HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\nsessionId="
        )
        assert b" 408 " in await asyncio.wait_for(reader.readline(), 3)
        writer.close()
        assert await status(server) == 200


@pytest.mark.parametrize("kind", ["application/json", "text/xml", "multipart/form-data", ""])
async def test_U20_another_content_type_is_refused(server: Running, kind: str) -> None:
    assert await status(server, data=b"text=", headers={"Content-Type": kind}) == 415
    # No parser is ever shown what is in it.
    assert await status(server, data=_BOMB, headers={"Content-Type": kind}) == 415


async def test_U21_an_unknown_network_is_fine_and_a_foreign_code_is_not(tmp_path) -> None:
    async with running(tmp_path, ISOKO_USSD__SERVICE_CODES="*384*801#") as server:
        assert await status(server, data={**FORM, "networkCode": "99"}) == 200
        without = {k: v for k, v in FORM.items() if k != "networkCode"}
        assert await status(server, data={**without, "sessionId": "b"}) == 200
        assert await status(server, data={**FORM, "serviceCode": "*999#"}) == 400
        # The board tells what nobody knows as well as what is known.
        own = {**FORM, "sessionId": "c"}
        assert await status(server, data=own) == 200
        async with server.client.get("/metrics") as answer:
            told = await answer.text()
        assert 'isoko_calls_total{network="unknown"} 2.0' in told
        assert 'isoko_calls_total{network="MTN"} 1.0' in told


@pytest.mark.parametrize(
    "body", [b"text=%FF%FE", b"%", b"&&&=", b"text=%ED%A0%80", b"\xff\x00", b""]
)
async def test_I13_I15_broken_bytes_are_refused_not_a_fault(server: Running, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert await status(server, data=body, headers=headers) == 400


async def test_a_client_that_waits_to_be_told_to_go_on_is_told(server: Running) -> None:
    async with server.client.post("/ussd/africastalking", data=FORM, expect100=True) as response:
        assert response.status == 200 and (await response.text()).startswith("CON ")
