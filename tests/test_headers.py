"""D-16: every answer is safe to show, whichever way it leaves, and says nothing of versions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.patience import patient_s
from tests.server import Running, running
from tests.test_quick_lane import hop

_TOKEN = "0123456789abcdef01234567"


async def head_of(server: Running, raw: bytes) -> tuple[int, dict[str, str]]:
    """The status and the headers of the answer to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.client.port)
    writer.write(raw)
    async with asyncio.timeout(patient_s(5)):
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    writer.close()
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    return int(lines[0].split()[1]), {name.lower(): value for name, value in headers.items()}


def get(path: str, method: str = "GET", *more: str) -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: isoko", "Content-Length: 0", *more, "", "")
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (get("/healthz"), 200),
        (get("/readyz"), 200),
        (get("/metrics"), 200),
        (get("/metrics", "GET", "X-Forwarded-For: 1.2.3.4"), 404),
        (get("/hub/openapi.json"), 200),
        (get("/hub/events", "POST"), 401),
        (get("/hub/orders/1"), 401),
        (get("/payments/mtn-momo/callback/x", "POST"), 200),
        (get("/payments/mtn-momo/callback/x"), 405),
        (get("/telegram/webhook", "POST"), 401),
        (get("/nowhere"), 404),
        (get("/dashboard/sign-in"), 200),
        (get("/dashboard/nowhere"), 404),
        (get("/simulator/"), 200),
        (hop("quick"), 200),
        (hop("aiohttp", "", "Connection: close"), 200),
        (hop("a", "", "Connection: close", "Bad Header: 7"), 400),
        (b"nonsense\r\n\r\n", 400),
    ],
)
async def test_D16_every_answer_carries_them(server: Running, raw: bytes, status: int) -> None:
    found, headers = await head_of(server, raw)
    assert found == status
    assert headers.get("server", "isoko") == "isoko"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] in ("no-store", "no-cache")
    if b"/simulator/" not in raw:
        assert headers["cache-control"] == "no-store"
    # What a gateway or Telegram is sent is no page: its head is short, for it leaves so often.
    if b"Connection: close" in raw or not (b"/ussd/" in raw or b"/telegram/" in raw):
        assert headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "strict-transport-security" not in headers


async def test_D16_over_tls_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    async with running(tmp_path, ISOKO_PUBLIC_URL="https://isoko.example") as server:
        for path in ("/healthz", "/nowhere", "/dashboard/sign-in", "/hub/orders/1"):
            _status, headers = await head_of(server, get(path))
            assert headers["strict-transport-security"].startswith("max-age="), path


async def test_D16_figures_are_for_this_machine_or_for_who_has_the_token(tmp_path: Path) -> None:
    async with running(tmp_path, ISOKO_METRICS__TOKEN=_TOKEN) as server:
        forwarded = "X-Forwarded-For: 1.2.3.4"
        for more, status in (
            ((), 200),
            (("Authorization: Bearer wrong",), 200),
            ((f"Authorization: Bearer {_TOKEN}", forwarded), 200),
            (("Authorization: Bearer wrong", forwarded), 404),
            ((forwarded,), 404),
            (("Forwarded: for=1.2.3.4",), 404),
            (("Via: 1.1 proxy",), 404),
        ):
            assert (await head_of(server, get("/metrics", "GET", *more)))[0] == status, more
