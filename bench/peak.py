"""The busiest minutes of a day, simulated: every hop through queues of measured cost.

Calls arrive at random over a day whose hours differ; each is some hops with pauses for reading.
Every hop goes through queues: a worker's loop, Redis, the cores of PostgreSQL, its log on the
disk, and, where a PIN is typed, the hashing threads of the worker's machine. Service times are
drawn around the measured means (exponential: less even than the real ones). The same seed has the
same end.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

# Measured on 2 cores: the server on a quiet machine (`make bench` with Redis and PostgreSQL), the
# stores by `python -m bench.stores` on a busy one: an upper bound.
WORKER_HOP_US = 319
REDIS_HOP_US = 40
POSTGRES_HOP_US = 206
POSTGRES_QUERIES_A_CALL = 3.2
COMMITS_PER_S = 4458
HASH_MS = 20.4
SESSION_BYTES = 1435
TRANSCRIPT_BYTES_A_HOP = 300
HOP_BYTES_A_CALL = 1340
LOG_BYTES_A_CALL = 4684

# Assumed; nobody has told us. Everything below grows in step with the first three.
CALLS_A_DAY = 0.2
BUSY_HOUR_SHARE = 0.15
# The worst minutes of that hour beside its mean: prices are told on the radio.
PEAK = 2.0
HOPS = 6
READ_S = 8.0
PIN_SHARE = 0.25
SESSION_KEPT_S = 900
TRANSCRIPT_DAYS = 30

# How the rest of a day's calls falls on the hours.
_OTHER_HOURS = (1, 0, 0, 1, 3, 5, 7, 8, 8, 7, 6, 6, 7, 6, 5, 5, 6, 7, 0, 5, 4, 3, 2, 1)
_BUSY_HOUR = 18
CORES = 4
_CPU_MAX = 0.6
_SIMULATED_HOPS = 20_000
_SEED = 42


@dataclass(frozen=True, slots=True)
class Plan:
    """So many machines of four cores and four workers, and stores in so many parts."""

    subscribers: int
    machines: int
    redis_masters: int = 1
    postgres_primaries: int = 1
    postgres_cores: int = 8


@dataclass(frozen=True, slots=True)
class Found:
    """What a simulated peak showed; shares are of the time."""

    hops_per_s: float
    cpu: float
    redis: float
    postgres: float
    log: float
    p99_ms: float
    p99_pin_ms: float


class Queue:
    """Some servers that take who comes first."""

    def __init__(self, servers: int, mean_s: float, chance: random.Random) -> None:
        self._free, self._mean_s, self._chance = [0.0] * servers, mean_s, chance
        self.busy_s = 0.0

    def leave_at(self, now: float) -> float:
        """When who comes `now` is done; callers come in the order of their moments."""
        took = self._chance.expovariate(1 / self._mean_s)
        self.busy_s += took
        end = max(now, self._free[0]) + took
        heapq.heapreplace(self._free, end)
        return end


def hours() -> list[float]:
    """The share of a day's calls that falls on each hour."""
    rest = sum(_OTHER_HOURS)
    shares = [(1 - BUSY_HOUR_SHARE) * one / rest for one in _OTHER_HOURS]
    shares[_BUSY_HOUR] = BUSY_HOUR_SHARE
    return shares


def calls_per_s(subscribers: int) -> float:
    """Calls that begin each second in the worst minutes of the busiest hour."""
    return subscribers * CALLS_A_DAY * max(hours()) / 3600 * PEAK


def machines_for(subscribers: int) -> int:
    """So many that hops and PINs use at most 60 % of the cores while one machine is away."""
    call_cpu_s = HOPS * WORKER_HOP_US / 1e6 + PIN_SHARE * HASH_MS / 1e3
    return max(1, -int(-calls_per_s(subscribers) * call_cpu_s // (CORES * _CPU_MAX))) + 1


def _arrivals(rate: float, span_s: float, chance: random.Random) -> list[tuple[float, bool]]:
    """The moments of hops within the span, and whether each types a PIN."""
    hops: list[tuple[float, bool]] = []
    # Who called before the span is still on the phone in it.
    at = -HOPS * READ_S * 3
    while at < span_s:
        at += chance.expovariate(rate)
        moment, pin = at, chance.random() < PIN_SHARE
        for number in range(HOPS):
            if 0 <= moment < span_s:
                # The PIN is the last entry but one: its reply is read, then the call ends.
                hops.append((moment, pin and number == HOPS - 1))
            moment += chance.expovariate(1 / READ_S)
    return sorted(hops)


@cache
def simulate(plan: Plan) -> Found:
    """The peak of a plan with one machine away."""
    chance = random.Random(_SEED)
    rate = calls_per_s(plan.subscribers)
    span_s = _SIMULATED_HOPS / (rate * HOPS)
    hops = _arrivals(rate, span_s, chance)
    alive, primaries = plan.machines - 1, range(plan.postgres_primaries)
    workers = [Queue(1, WORKER_HOP_US / 1e6, chance) for _one in range(alive * CORES)]
    # Hashing has the lowest priority: it gets what menus leave of the cores.
    left_over = max(0.01, 1 - len(hops) * WORKER_HOP_US / 1e6 / span_s / len(workers))
    hashing = [Queue(CORES, HASH_MS / 1e3 / left_over, chance) for _one in range(alive)]
    redis = [Queue(1, REDIS_HOP_US / 1e6, chance) for _one in range(plan.redis_masters)]
    query_s = HOPS * POSTGRES_HOP_US / 1e6 / POSTGRES_QUERIES_A_CALL
    postgres = [Queue(plan.postgres_cores, query_s, chance) for _one in primaries]
    log = [Queue(1, 1 / COMMITS_PER_S, chance) for _one in primaries]

    now = _through([(at, at, pin) for at, pin in hops], workers, 1.0, chance)
    now = _through(now, redis, 1.0, chance)
    hashed = _through([hop for hop in now if hop[2]], hashing, 1.0, chance)
    now = hashed + [hop for hop in now if not hop[2]]
    now = _through(now, postgres, POSTGRES_QUERIES_A_CALL / HOPS, chance)
    # One commit a call, as measured, and one more for a PIN's screen.
    now = _through(now, log, (1 + PIN_SHARE) / HOPS, chance)
    return Found(
        len(hops) / span_s,
        _busy(workers, span_s) + _busy(hashing, span_s) * left_over / CORES,
        _busy(redis, span_s),
        _busy(postgres, span_s) / plan.postgres_cores,
        _busy(log, span_s),
        _p99_ms(end - came for end, came, _pin in now),
        _p99_ms(end - came for end, came, pin in now if pin),
    )


def _busy(queues: list[Queue], span_s: float) -> float:
    return sum(queue.busy_s for queue in queues) / len(queues) / span_s


# The moment it is at, the moment it came, whether it types a PIN.
_Hop = tuple[float, float, bool]


def _through(
    hops: list[_Hop], queues: list[Queue], share: float, chance: random.Random
) -> list[_Hop]:
    """A share of the hops through one of the queues each, in the order in which they come."""
    return [
        (chance.choice(queues).leave_at(at) if chance.random() < share else at, came, pin)
        for at, came, pin in sorted(hops)
    ]


def _p99_ms(waits: Iterable[float]) -> float:
    times = sorted(waits)
    return times[int(len(times) * 0.99)] * 1000
