"""The document says what the simulation prints, and the simulation's queues are queues."""

import random
import statistics
from pathlib import Path

import pytest

from bench.peak import (
    CALLS_A_DAY,
    COMMITS_PER_S,
    HASH_MS,
    HOPS,
    PIN_SHARE,
    WORKER_HOP_US,
    Plan,
    Queue,
    calls_per_s,
    hours,
    machines_for,
    simulate,
)
from bench.scale import rows

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"


def test_the_page_says_what_the_simulation_prints() -> None:
    assert "\n".join(rows()).split("\n\n") == [
        part
        for part in PAGE.read_text().split("\n\n")
        if part.startswith(("| subscr", "| part, und"))
    ]


@pytest.mark.parametrize("servers", [1, 4])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_a_queue_waits_as_the_theory_says(servers: int, share: float) -> None:
    chance = random.Random(1)
    queue, now, stays = Queue(servers, 1.0, chance), 0.0, []
    for _one in range(60_000):
        now += chance.expovariate(share * servers)
        stays.append(queue.leave_at(now) - now)
    assert statistics.mean(stays) == pytest.approx(1 + erlang_c(servers, share), rel=0.1)
    assert queue.busy_s / now / servers == pytest.approx(share, rel=0.03)


def erlang_c(servers: int, share: float) -> float:
    """The mean wait in an M/M/c queue whose service takes 1."""
    load, term, total = share * servers, 1.0, 0.0
    for number in range(servers):
        total += term
        term *= load / (number + 1)
    waits = term / (1 - share)
    return waits / (total + waits) / (servers * (1 - share))


def test_the_simulated_shares_are_those_of_plain_arithmetic() -> None:
    assert sum(hours()) == pytest.approx(1) and max(hours()) == hours()[18]
    assert calls_per_s(100_000_000) == pytest.approx(100e6 * CALLS_A_DAY * 0.15 / 3600 * 2)
    plan = Plan(100_000_000, machines_for(100_000_000))
    found, calls = simulate(plan), calls_per_s(plan.subscribers)
    assert found.hops_per_s == pytest.approx(calls * HOPS, rel=0.05)
    assert found.log == pytest.approx(calls * (1 + PIN_SHARE) / COMMITS_PER_S, rel=0.08)
    cpu = calls * (HOPS * WORKER_HOP_US / 1e6 + PIN_SHARE * HASH_MS / 1e3) / 4 / (plan.machines - 1)
    assert found.cpu == pytest.approx(cpu, rel=0.08)


def test_too_few_machines_are_seen_to_be_too_few() -> None:
    enough, few = simulate(Plan(100_000_000, 6)), simulate(Plan(100_000_000, 3))
    assert few.cpu > 1 and few.p99_pin_ms > 5 * enough.p99_pin_ms
