"""The storm of given-up calls over the plain Redis client that is imported: an old one must fail it.

Run by `tests.cancel_storm` with redis 4.5.1 in front of the path; it imports nothing of ours that
needs a newer one.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from redis.asyncio import Redis

from tests.giving_up import LATE_S, Count, storm
from tests.real_valkey import RealValkey
from tests.slow_line import slow_line


async def _storm(valkey: RealValkey, calls: int, seed: int) -> Count:
    socket = valkey.url.removeprefix("unix://")
    async with slow_line(partial(asyncio.open_unix_connection, socket), seed, LATE_S) as line:
        client = Redis(host="127.0.0.1", port=line.port)
        return await storm(client.echo, calls, seed, 4 * LATE_S)


def main() -> None:
    """Exit with 0 when this client was caught giving somebody the answer of another."""
    valkey = RealValkey()
    try:
        found = asyncio.run(_storm(valkey, int(sys.argv[1]), int(sys.argv[2])))
    finally:
        valkey.stop()
    print(f"the bad client: {found}")
    sys.exit(0 if found.of_another else 1)


if __name__ == "__main__":
    main()
