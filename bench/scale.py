"""`make scale`: how many machines hold how many subscribers, and which part is full first."""

from __future__ import annotations

from dataclasses import replace

from bench.peak import (
    CALLS_A_DAY,
    HOP_BYTES_A_CALL,
    HOPS,
    LOG_BYTES_A_CALL,
    READ_S,
    SESSION_BYTES,
    SESSION_KEPT_S,
    TRANSCRIPT_BYTES_A_HOP,
    TRANSCRIPT_DAYS,
    Found,
    Plan,
    calls_per_s,
    machines_for,
    simulate,
)

_SIZES = (1_000_000, 10_000_000, 100_000_000)
_P99_MS = 1000


def rows() -> list[str]:
    """The tables of docs/scale.md, line by line."""
    plans = [Plan(size, machines_for(size)) for size in _SIZES]
    found = [simulate(plan) for plan in plans]
    divided = replace(plans[-1], redis_masters=3, postgres_primaries=4)
    return [
        "| subscribers | calls a day | hops/s at the peak | fewest machines for p99 < 1 s "
        "| machines | CPU | Redis | PostgreSQL | its log | p99 | p99 with a PIN |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(_row(*pair) for pair in zip(plans, found, strict=True)),
        _row(divided, simulate(divided)),
        "",
        "| subscribers | live calls in Redis | Redis memory | transcripts in 30 days "
        "| of them deleted a day | hops kept for an hour | log of PostgreSQL a day |",
        "|---:|---:|---:|---:|---:|---:|---:|",
        *(_kept(size) for size in _SIZES),
        "",
        "| part, undivided | busy 70 % of the time at |",
        "|---|---:|",
        *(f"| {name} | {size / 1e6:,.0f} million |" for name, size in full_at(found[-1])),
    ]


def fewest_machines(subscribers: int) -> int:
    """The smallest number that answers 99 of 100 hops, PINs too, in a second, one machine away."""
    machines = 2
    while True:
        found = simulate(Plan(subscribers, machines))
        # Past this the queue grows for as long as the peak lasts, whatever a short look shows.
        if found.cpu < 0.9 and found.p99_pin_ms < _P99_MS:
            return machines
        machines += 1


def full_at(found: Found) -> list[tuple[str, int]]:
    """At how many subscribers each undivided part is busy 70 % of the time, the first one first."""
    shares = {
        "PostgreSQL's log": found.log,
        "Redis": found.redis,
        "PostgreSQL's cores": found.postgres,
    }
    reach = [(name, int(_SIZES[-1] * 0.7 / share)) for name, share in shares.items()]
    return sorted(reach, key=lambda one: one[1])


def _row(plan: Plan, found: Found) -> str:
    redis = f" in {plan.redis_masters}" if plan.redis_masters > 1 else ""
    postgres = f" in {plan.postgres_primaries}" if plan.postgres_primaries > 1 else ""
    return (
        f"| {plan.subscribers:,} | {plan.subscribers * CALLS_A_DAY:,.0f} | {found.hops_per_s:,.0f} "
        f"| {fewest_machines(plan.subscribers)} | {plan.machines} | {found.cpu:.0%} "
        f"| {found.redis:.0%}{redis} | {found.postgres:.0%}{postgres} | {found.log:.0%}{postgres} "
        f"| {found.p99_ms:.0f} ms | {found.p99_pin_ms:.0f} ms |"
    )


def _kept(subscribers: int) -> str:
    live = calls_per_s(subscribers) * (HOPS * READ_S + SESSION_KEPT_S)
    calls = subscribers * CALLS_A_DAY
    transcripts_gb = calls * HOPS * TRANSCRIPT_BYTES_A_HOP * TRANSCRIPT_DAYS / 1e9
    hops_gb = calls_per_s(subscribers) * 3600 * HOP_BYTES_A_CALL / 1e9
    return (
        f"| {subscribers:,} | {live:,.0f} | {live * SESSION_BYTES / 1e9:.2f} GB "
        f"| {transcripts_gb:,.0f} GB | {calls * HOPS / 1e6:,.1f} million rows "
        f"| {hops_gb:.1f} GB | {calls * LOG_BYTES_A_CALL / 1e9:,.1f} GB |"
    )


if __name__ == "__main__":
    print("\n".join(rows()))
