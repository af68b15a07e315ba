"""H-06: a fault of ours has a number, in the log beside its trace and in what is said of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.dashboard.desk import Desk, joins
from tests.server import Running

_PLANTED = "planted: a secret detail"


def breaks(*_given: Any, **_named: Any) -> Any:
    raise RuntimeError(_PLANTED)


def numbers(said: list[Any]) -> list[str]:
    """The numbers of what was logged with a trace."""
    return [line["request_id"] for line in said if line.get("exc_info") and "request_id" in line]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/hub/events", "bot.hub.door.verify"),
        ("/payments/mtn-momo/callback/a-secret-token", "bot.callbacks._plain"),
    ],
)
async def test_H06_a_door_says_its_faults_number_and_nothing_else(
    server: Running, monkeypatch, path: str, place: str
) -> None:
    monkeypatch.setattr(place, breaks)
    with capture_logs() as said:
        async with server.client.post(path, json={}) as answer:
            told = await answer.json()
    assert answer.status == 500 and set(told) == {"error", "request_id"}
    assert numbers(said) == [told["request_id"]]
    assert "planted" not in str(told) and "a-secret-token" not in str(said)


async def test_H06_a_page_says_its_faults_number(server: Running, monkeypatch) -> None:
    async with Desk(server) as desk:
        await joins(desk, server, "amina", "supervisor")
        monkeypatch.setattr("bot.dashboard.screens.alerts.staff_alerts.listed", breaks)
        with capture_logs() as said:
            await desk.gets("/dashboard/alerts")
    assert desk.status == 500 and "planted" not in desk.text and "Traceback" not in desk.text
    (number,) = numbers(said)
    assert number in desk.text and re.fullmatch("[0-9a-f]{8}", number)


@pytest.mark.parametrize("place", ["handle", "_visit"])
async def test_H06_a_caller_hears_an_apology_and_the_log_has_the_number(
    server: Running, monkeypatch, place: str
) -> None:
    phone = server.phone()
    await phone.dials()
    monkeypatch.setattr(server.parts.engine, place, breaks)
    with capture_logs() as said:
        assert "Service not available" in await phone.types("1")
    assert phone.last.startswith("END ") and "planted" not in phone.last
    assert len(numbers(said)) == 1


async def test_H06_a_fault_inside_a_conversation_has_its_number_too(
    server: Running, monkeypatch
) -> None:
    phone = server.phone()
    await phone.dials()
    monkeypatch.setattr(server.parts.engine, "_answer", breaks)
    with capture_logs() as said:
        assert "+250788000900" in await phone.types("1")
    assert len(numbers(said)) == 1
