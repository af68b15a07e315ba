"""U-06: what the request line and the Host header claim is not believed."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from urllib.parse import urlencode

import pytest

from tests.patience import patient_s
from tests.server import Running, running
from tests.ussd.test_door import FORM

_OURS = {"ISOKO_ALLOWED_HOSTS": "isoko.example,127.0.0.1"}


async def sent(server: Running, target: str, *hosts: str) -> tuple[int, bytes]:
    """Status and body of a hop with exactly this request line and these Host headers."""
    body = urlencode(FORM).encode()
    head = [f"POST {target} HTTP/1.1", *(f"Host: {host}" for host in hosts),
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}", "Connection: close", "", ""]  # fmt: skip
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client.port)
    writer.write("\r\n".join(head).encode() + body)
    answer = await asyncio.wait_for(reader.read(), patient_s(20))
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(("target", "hosts", "status"), [
    ("/ussd/africastalking", ["isoko.example"], 200),
    ("/ussd/africastalking", ["ISOKO.example:8080"], 200),
    ("/ussd/africastalking", ["evil.example"], 400),
    ("/ussd/africastalking", ["isoko.example.evil"], 400),
    ("/ussd/africastalking", ["isoko.example@evil"], 400),
    ("/ussd/africastalking", [""], 400),
    ("/ussd/africastalking", [], 400),
    ("https://evil/ussd/africastalking", ["isoko.example"], 400),
    ("http://evil/ussd/africastalking", ["isoko.example"], 400),
    ("http://isoko.example/ussd/africastalking", ["evil.example"], 400),
    ("http://isoko.example/ussd/africastalking", ["isoko.example"], 200),
    ("/ussd/africastalking?from=http://a.example/b", ["isoko.example"], 200),
    ("/ussd/africastalking?from=http://isoko.example/b", ["evil.example"], 400),
])  # fmt: skip
async def test_U06_only_what_names_us_is_answered(
    tmp_path, target: str, hosts: list[str], status: int
) -> None:
    async with running(tmp_path, **_OURS) as server:
        found, body = await sent(server, target, *hosts)
        assert found == status, body
        assert body.startswith(b"CON ") == (status == 200)


async def test_U06_every_route_is_behind_the_list(tmp_path) -> None:
    async with running(tmp_path, **_OURS) as server:
        for path in ("/healthz", "/metrics", "/nowhere", "/simulator/"):
            async with server.client.get(path, headers={"Host": "evil.example"}) as response:
                assert response.status == 400
        async with server.client.get("/healthz") as response:
            assert response.status == 200


async def test_U06_an_absolute_line_makes_no_plain_connection_a_safe_one(
    tmp_path, monkeypatch
) -> None:
    schemes = []

    def seen(request, _hosts) -> bool:
        schemes.append(request.scheme)
        return True

    monkeypatch.setattr("bot.ussd.hosts.is_for_us", seen)
    # The version that no longer believes the line's scheme; nothing of ours asks for one.
    assert tuple(map(int, version("aiohttp").split(".")[:3])) >= (3, 14, 4)
    async with running(tmp_path) as server:
        plain = await sent(server, "/ussd/africastalking", "x")
        absolute = await sent(server, "https://evil/ussd/africastalking", "x")
        # No list of hosts is set: it is a hop like any other, over the connection that it came on.
        assert plain[0] == 200 and absolute == plain
        assert schemes == ["http", "http"]
        async with server.client.get("/metrics", headers={"X-Forwarded-For": "1.2.3.4"}) as answer:
            assert answer.status == 404
