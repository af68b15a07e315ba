"""What no gateway sends is refused with nothing written, at each gateway's door."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from bot.operations.alert_rules import AlertRules, Heard, looks
from bot.self_checks import _gateways
from bot.settings import SettingsError, load_settings
from bot.storage.audit_chain import Patrol
from bot.storage.schema import hops, transcripts
from bot.wiring import gateways_of
from tests.server import FARMER, Running, running
from tests.ussd.handsets import EACH, LATEST_ONLY, Airtel, Handset, Mtn, Oltranz, Shown

_STRONG = "0123456789abcdef01234567"
PRODUCTION = {"ISOKO_ENV": "production"} | {
    f"ISOKO_{name}": _STRONG for name in (
        "SECRET_KEY", "PIN__PEPPER", "MOMO__SUBSCRIPTION_KEY", "MOMO__API_USER", "MOMO__API_KEY", "SMS__USERNAME", "SMS__API_KEY",
        "METRICS__TOKEN", "USSD__SECRETS__AFRICASTALKING")
}  # fmt: skip
_XML = (
    '<request type="pull"><subscriberInput>801</subscriberInput><sessionId>22</sessionId>'
    "<msisdn>250788000001</msisdn><newRequest>1</newRequest></request>"
)
_JSON = (
    '{"sessionId": "17", "serviceCode": "*801#", "phoneNumber": "250788000001", "text": "*801#", '
    '"newRequest": 1, "amount": 0}'
)
_QUERY = "SessionID=13&MSISDN=250788000001&input=801"
_BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
)
_FILE = '<!DOCTYPE x [<!ENTITY c SYSTEM "file:///etc/hostname">]>'

_BAD_XML: list[str | bytes] = [
    _BOMB + _XML.replace("801", "&c;"), _FILE + _XML.replace("801", "&c;"), "<!DOCTYPE x>" + _XML,
    _XML.replace("801", "&c;"), "", "<", "<request/>", _XML[:-3], "[]", _XML + _XML,
    _XML.replace("request", "question"), _XML.replace("pull", "push"),
    _XML.replace("250788000001", "250788"), _XML.replace("250788000001", "٠٧٨٨٠٠٠٠٠١"),
    _XML.replace("<msisdn>", "<msisdn>250788000002</msisdn><msisdn>"),
    _XML.replace("<msisdn>", "<MSISDN>250788000002</MSISDN><msisdn>"),
    _XML.replace("<sessionId>22</sessionId>", ""), _XML.replace("22", "\n"),
    _XML.replace("<newRequest>1", "<newRequest>7"), _XML.replace("22", "2" * 129),
    _XML.replace("<subscriberInput>801</subscriberInput>", ""),
    _XML.replace("801", "<a>" * 900 + "</a>" * 900), b"\xff\xfe" + _XML.encode("utf-16-le"),
    '<?xml version="1.0" encoding="UTF-7"?>' + _XML.replace("801", "+AC0-\x00"),
    _XML.encode().replace(b"801", b"\xed\xa0\x80"), b"\x00" * 50,
]  # fmt: skip
_BAD_JSON: list[str | bytes] = [
    "", "{", "[]", "null", "1", '"a"', "{}", "[" * 9000, '{"a":' * 2000, _JSON[:-1],
    _JSON.replace("250788000001", "250788"), _JSON.replace('"250788000001"', "true"),
    _JSON.replace('"250788000001"', '["250788000001"]'), _JSON.replace('"17"', "{}"),
    _JSON.replace('"17"', '""'), _JSON.replace('"17"', '"\\u0000"'), _JSON.replace("17", "1" * 129),
    _JSON.replace('"newRequest": 1', '"newRequest": 7'), _JSON.replace('"newRequest": 1, ', ""),
    _JSON.replace('"newRequest": 1', '"newRequest": "yes"'),
    _JSON.replace('"newRequest": 1', '"newRequest": 1.5'),
    _JSON.replace('"text": "*801#", "newRequest": 1', '"newRequest": 0'),
    _JSON.replace('"text"', '"phoneNumber": "250788000002", "text"'),
    _JSON.replace("*801#", "\\ud800"), _JSON.replace('"amount": 0', '"amount": NaN'),
    _JSON.replace('"amount": 0', '"amount": 1e999'), _JSON.replace("17", "1" * 5000),
    _JSON.replace('"amount": 0', '"amount": ' + "9" * 5000),
    _JSON.encode().replace(b"801", b"\xff"), _JSON.encode("utf-16"), b"\xef\xbb\xbf" + _JSON.encode(),
]  # fmt: skip
_BAD_QUERY: list[str] = [
    "", "&&&=", "%", "%ff%fe", _QUERY.replace("&input=801", ""), _QUERY.replace("13", ""),
    _QUERY.replace("250788000001", "250788"), _QUERY.replace("250788000001", "%d9%a0788000001"),
    f"{_QUERY}&msisdn=250788000002", f"{_QUERY}&MSISDN=250788000002", f"{_QUERY}&INPUT=1",
    _QUERY.replace("801", "%ed%a0%80"), _QUERY.replace("13", "%00"), f"{_QUERY}&new_request=7",
    _QUERY.replace("13", "1" * 129), "clean=clean-session&SessionID=13", "clean=clean-session",
]  # fmt: skip


async def sent(server: Running, kind: type[Handset], raw: str | bytes, said: str = "") -> Shown:
    phone = kind(server.client, FARMER)
    if kind is Airtel:
        assert isinstance(raw, str)
        return await asked_by_query(server, raw)
    usual = "application/json" if kind is Oltranz else "application/xml"
    body = raw.encode("utf-8") if isinstance(raw, str) else raw
    return await phone.posts(data=body, headers={"Content-Type": said or usual})


async def asked_by_query(server: Running, query: str) -> Shown:
    """With the query exactly so, which a client would put right."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client.port)
    writer.write(
        f"GET /ussd/airtel?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return Shown(int(answer.split(b" ", 2)[1]), {}, answer.partition(b"\r\n\r\n")[2])


async def written(server: Running) -> int:
    """Rows of hops and of calls."""
    await server.write_transcripts()
    total = select(select(func.count()).select_from(hops).scalar_subquery()
                   + select(func.count()).select_from(transcripts).scalar_subquery())  # fmt: skip
    rows = await server.parts.market.records.read(lambda db: db.execute(total).scalar())
    return rows + await server.parts.engine._sessions.count()


async def test_what_is_none_of_its_requests_is_refused(server: Running) -> None:
    table = [(Mtn, _BAD_XML), (Oltranz, _BAD_JSON), (Airtel, _BAD_QUERY)]
    for kind, bodies in table:
        for raw in bodies:
            assert (await sent(server, kind, raw)).status == 400, (kind.gateway, raw[:200])
    assert await written(server) == 0
    for kind, raw in ((Mtn, _XML), (Oltranz, _JSON), (Airtel, _QUERY)):
        assert (await sent(server, kind, raw)).status == 200


async def test_what_only_looks_odd_is_answered(server: Running) -> None:
    for raw in (_XML.replace("sessionId", "SESSIONID"), _XML.replace("sessionId", "session"),
                _XML.replace("801", "<![CDATA[801]]>"), _XML.replace(' type="pull"', ' Type="PULL"'),
                _XML.replace("801", "<!-- a -->801"), f'<?xml version="1.0"?>{_XML}',
                _XML.replace("<newRequest>1</newRequest>", "<newRequest>1</newRequest><more/><more/>"),
                _XML.replace("<newRequest>1</newRequest>", "").replace("22", "23")):  # fmt: skip
        assert (await sent(server, Mtn, raw)).status == 200, raw
    assert (await sent(server, Mtn, _XML, "text/xml; charset=utf-8")).status == 200
    for raw in (_JSON.replace('"newRequest": 1', '"newRequest": "1"'),
                _JSON.replace('"17"', "17").replace('"250788000001"', "250788000001"),
                _JSON.replace('"*801#"', "null", 2), _JSON.replace('"text": "*801#"', '"text": ""'),
                _JSON.replace('"amount"', '"more": {"a": [1, null]}, "amount"')):  # fmt: skip
        shown = await sent(server, Oltranz, raw, "application/json; charset=utf-8")
        assert shown.status == 200, raw
    for query in (_QUERY.lower(), _QUERY.upper().replace("INPUT", "Input"), f"{_QUERY}&more=1&more2",
                  _QUERY.replace("801", "%2A801%23"), f"userid=a&password=b&{_QUERY}"):  # fmt: skip
        assert (await sent(server, Airtel, query)).status == 200, query


async def test_U19_U20_another_type_method_or_size_is_refused(server: Running) -> None:
    for kind in LATEST_ONLY:
        phone = kind(server.client, FARMER)
        other = "POST" if phone.method == "GET" else "GET"
        async with server.client.request(other, f"/ussd/{kind.gateway}") as answer:
            assert answer.status == 405
    for kind, raw in ((Mtn, _XML), (Oltranz, _JSON)):
        for said in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            assert (await sent(server, kind, raw, said)).status == 415
        assert (await sent(server, kind, raw + " " * 20_000)).status == 413
        other = "application/xml" if kind is Oltranz else "application/json"
        assert (await sent(server, kind, raw, other)).status == 415
    assert (await asked_by_query(server, "a" * 20_000)).status in (400, 413, 414, 431)
    assert await written(server) == 0


async def test_each_gateway_has_a_secret_of_its_own(tmp_path) -> None:
    secrets = {f"ISOKO_USSD__SECRETS__{one.gateway.upper()}": f"the-secret-of-{one.gateway}" for one in EACH}  # fmt: skip
    async with running(tmp_path, **secrets) as server:
        for kind in EACH:
            phone = kind(server.client, FARMER)
            phone.ask, phone.session_id = phone._first("384*801"), "1234"
            phone.ask = phone._first("384*801")
            assert (await phone.posts(f"/the-secret-of-{kind.gateway}")).status == 200
            for wrong in ("", f"/the-secret-of-{kind.gateway}x", "/the-secret-of-nobody"):
                assert (await phone.posts(wrong)).status in (404, 405)


async def test_airtel_names_itself_where_that_is_set(tmp_path) -> None:
    login = {"ISOKO_USSD__USERS__AIRTEL": "demo", "ISOKO_USSD__PASSWORDS__AIRTEL": "demo-pass"}
    async with running(tmp_path, **login) as server:
        for shown in ("", "userid=demo&", "userid=demo&password=demo-pas&", "password=demo-pass&",
                      "userid=%ED&password=demo-pass&", "userid=d%C3%A9mo&password=demo-pass&"):  # fmt: skip
            answer = await asked_by_query(server, shown + _QUERY)
            assert answer.status == (400 if "%ED" in shown else 403), shown
            cleaned = f"{shown}clean=clean-session&SessionID=13&msisdn=250788000001"
            assert (await asked_by_query(server, cleaned)).status in (400, 403)
        assert await written(server) == 0
        right = f"userid=demo&password=demo-pass&{_QUERY}"
        assert (await asked_by_query(server, right)).status == 200


async def test_U21_a_code_that_is_not_ours_is_refused_where_it_is_told(tmp_path) -> None:
    async with running(tmp_path, ISOKO_USSD__SERVICE_CODES="*801#,*384*801#") as server:
        assert (await sent(server, Mtn, _XML)).status == 200
        assert (await sent(server, Mtn, _XML.replace("801", "999*1"))).status == 400
        later = _XML.replace("801", "1").replace("<newRequest>1", "<newRequest>0")
        assert (await sent(server, Mtn, later)).status == 200
        assert (await sent(server, Oltranz, _JSON)).status == 200
        assert (await sent(server, Oltranz, _JSON.replace('"serviceCode": "*801#"', '"serviceCode": "801"'))).status == 200  # fmt: skip
        assert (await sent(server, Oltranz, _JSON.replace("*801#", "*999#"))).status == 400
        assert (await sent(server, Airtel, _QUERY)).status == 200


async def test_a_gateway_that_never_called_is_not_silent(server: Running) -> None:
    phone = Mtn(server.client, FARMER)
    await phone.dials()
    await server.write_transcripts()
    later = datetime.now(UTC).replace(hour=10) + timedelta(days=1)
    rules = AlertRules(20, 0, 24, 30, 120, 1000, 5, 10, "Africa/Kigali", 10, 2, 1, 3, 20, 5)
    heard = Heard(tuple(gateways_of(server.parts.settings)))
    await server.parts.market.records.read(heard.read)
    look = dict(looks(rules, heard, Patrol(), later))["gateway_silent"]
    found = await server.parts.market.records.read(lambda db: list(look(db)))
    assert [one.about for one in found] == ["mtn"]


def test_the_demo_speaks_all_and_production_what_it_names() -> None:
    assert list(gateways_of(load_settings({}))) == [one.gateway for one in EACH]
    with pytest.raises(SettingsError, match="USSD__SECRETS__MTN"):
        load_settings(PRODUCTION | {"ISOKO_USSD__GATEWAYS": "africastalking,mtn"})
    assert list(gateways_of(load_settings(PRODUCTION))) == ["africastalking"]


async def test_the_doctor_lists_the_routes_and_a_name_that_nobody_asks_for() -> None:
    said = await _gateways(load_settings({}))
    assert said.startswith("ok") and "GET /ussd/airtel" in said and "POST /ussd/mtn" in said
    said = await _gateways(load_settings({"ISOKO_USSD__PASSWORDS__MTN": "a"}))
    assert said.startswith("wrong") and "mtn" in said
