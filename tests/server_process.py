"""The server as a process of its own, to be killed."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from tests.free_port import free_port
from tests.server import CHEAP, PATIENT

_ANY_CERTIFICATE = ssl.create_default_context()
_ANY_CERTIFICATE.check_hostname = False
_ANY_CERTIFICATE.verify_mode = ssl.CERT_NONE


class ServerProcess:
    """A real `isoko serve` on a folder; `kill` is kill -9."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder, self._settings = folder, settings
        scheme = "https" if "ISOKO_TLS__CERTIFICATE" in settings else "http"
        self.port = free_port()
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> float:
        """Start and wait until it answers; how many seconds that took."""
        variables = {
            **os.environ,
            **PATIENT,
            **CHEAP,
            "ISOKO_DATA_DIR": str(self._folder),
            "ISOKO_PORT": str(self.port),
            "ISOKO_LOG_LEVEL": "error",
            **self._settings,
        }
        began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"], env=variables, stdout=subprocess.DEVNULL
        )
        # A test that fails leaves no server behind: whoever reads our output would wait for it.
        atexit.register(self._process.kill)
        while time.monotonic() - began < 90:
            try:
                urllib.request.urlopen(
                    f"{self.url}/healthz", timeout=1, context=_ANY_CERTIFICATE
                ).close()
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.02)
            else:
                return time.monotonic() - began
        raise RuntimeError("the server did not start")

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ctrl-C; the exit status."""
        return self._end(signal.SIGINT)

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self._process is not None
        return self._process.pid

    def hop(self, session: str, msisdn: str, text: str) -> str:
        """One hop; the raw body."""
        form = {
            "sessionId": session,
            "phoneNumber": msisdn,
            "networkCode": "63510",
            "serviceCode": "*384*801#",
            "text": text,
        }
        data = urllib.parse.urlencode(form).encode()
        url = f"http://127.0.0.1:{self.port}/ussd/africastalking"
        with urllib.request.urlopen(url, data, timeout=30) as answer:
            return answer.read().decode()

    def send_and_drop(self, session: str, msisdn: str, text: str) -> None:
        """Send a hop and do not wait for its reply."""
        form = {"sessionId": session, "phoneNumber": msisdn, "networkCode": "63510",
                "serviceCode": "*384*801#", "text": text}  # fmt: skip
        body = urllib.parse.urlencode(form).encode()
        with socket.create_connection(("127.0.0.1", self.port)) as wire:
            wire.sendall(
                b"POST /ussd/africastalking HTTP/1.1\r\nHost: x\r\nContent-Type: "
                b"application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%b"
                % (len(body), body)
            )
            time.sleep(0.02)

    def _end(self, how: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        return self._process.wait(60)
