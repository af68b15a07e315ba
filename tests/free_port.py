"""Ports for servers that start, die and start again at the same place."""

from __future__ import annotations

import random
import socket

# Below what the system hands out by itself: while a server is dead nobody else is given its port.
_FIRST, _LAST = 15_000, 32_000


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    while True:
        port = random.randint(_FIRST, _LAST)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
