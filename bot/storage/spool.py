"""Messages that came in while the records were out of reach: kept on disk until they are back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.storage.records import RecordsDown

# An hour of callbacks at three a second; each is at most what the server reads of a body.
_MESSAGES_MAX, _BYTES_MAX = 10_000, 64 * 1024 * 1024
_PART_MAX_S = 60
_DONE, _PART, _UNREADABLE = ".message", ".part", ".unreadable"


class SpoolFull(Exception):
    """There is no room: nothing may be acknowledged."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much waits in the spool."""

    messages: int
    bytes: int


class Spool:
    """A folder with one file a message, named by its time, so that they go on in their order.

    Any number of processes may keep and drain at once: who drains must know what it took before.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self) -> None:
        """Make the folder, and try it. Raises `RecordsDown` with the remedy."""
        probe = self._folder / f"{os.urandom(8).hex()}{_PART}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._clear()
            _write_durably(probe, b"")
            probe.unlink()
        except OSError as error:
            raise RecordsDown(
                f"the spool {self._folder} cannot be written ({error.strerror}): operators' "
                "callbacks would be lost while the database is away; make the folder writable, or "
                "set ISOKO_DATA_DIR to one that is"
            ) from error

    def keep(self, digest: str, message: bytes) -> None:
        """Keep a message through a power cut; it waits for the disk, so call it on a thread.

        Raises `SpoolFull`, or OSError when the disk takes nothing.
        """
        if any(name.endswith(f"-{digest}{_DONE}") for name in self._names()):
            return
        size = self.size()
        if size.messages >= _MESSAGES_MAX or size.bytes + len(message) > _BYTES_MAX:
            raise SpoolFull
        name = f"{time.time_ns():020}-{digest}"
        part, done = self._folder / f"{name}{_PART}", self._folder / f"{name}{_DONE}"
        try:
            _write_durably(part, message)
            part.rename(done)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        _flush_folder(self._folder)

    def waiting(self) -> Iterator[tuple[Path, bytes]]:
        """Each message with its file, the oldest first."""
        for name in sorted(self._names()):
            path = self._folder / name
            try:
                yield path, path.read_bytes()
            except FileNotFoundError:
                # Another process has drained it meanwhile.
                continue

    def drop(self, path: Path) -> None:
        """The message is in the records."""
        path.unlink(missing_ok=True)

    def set_aside(self, path: Path) -> None:
        """It cannot be read, as after damage to the disk, or kept: for people, out of the way."""
        # Another process may have done it meanwhile.
        with suppress(FileNotFoundError):
            path.rename(path.with_suffix(_UNREADABLE))

    def size(self) -> Size:
        """How much waits now."""
        count = size = 0
        for name in self._names():
            try:
                size += (self._folder / name).stat().st_size
            except FileNotFoundError:
                continue
            count += 1
        return Size(count, size)

    def _names(self) -> list[str]:
        try:
            return [one.name for one in self._folder.iterdir() if one.name.endswith(_DONE)]
        except FileNotFoundError:
            return []

    def _clear(self) -> None:
        """Drop what a process that died had begun to write: none of it was acknowledged."""
        for part in self._folder.glob(f"*{_PART}"):
            if part.stat().st_mtime < time.time() - _PART_MAX_S:
                part.unlink(missing_ok=True)


def _write_durably(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
