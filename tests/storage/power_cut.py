"""A disk whose power is cut: what was written after the last sync of a file is there, or is not.

It stands between SQLite and the files, as an apsw VFS. The model is that of a write cache without
a battery: each write that was not followed by a sync of its file survives by the toss of a coin.
It says nothing of a disk that lies about having synced.
"""

from __future__ import annotations

import random
from pathlib import Path

import apsw

_Write = tuple[int, bytes]


class _Medium:
    """What is on the platter of one file, and what is still in the cache."""

    def __init__(self, content: bytes) -> None:
        self.durable, self.cache = bytearray(content), list[_Write]()

    def sync(self) -> None:
        self._take(self.cache)
        self.cache = []

    def cut(self, draw: random.Random) -> bytes:
        """What is there when the power is back."""
        self._take([write for write in self.cache if draw.random() < 0.5])
        return bytes(self.durable)

    def _take(self, writes: list[_Write]) -> None:
        for place, data in writes:
            if place < 0:
                del self.durable[-place - 1 :]
                continue
            if len(self.durable) < place + len(data):
                self.durable.extend(bytes(place + len(data) - len(self.durable)))
            self.durable[place : place + len(data)] = data


class PowerlessDisk(apsw.VFS):
    """A VFS that keeps count of what is durable; `cut` leaves that in another folder."""

    def __init__(self, seed: int) -> None:
        self.name = f"powerless-{seed}-{id(self):x}"
        self._draw = random.Random(seed)
        self.media: dict[str, _Medium] = {}
        super().__init__(self.name, "")

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> _File:
        """A file of which every write is noted."""
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        """A file that is gone; SQLite asks for it to be durable."""
        super().xDelete(filename, syncdir)
        self.media.pop(filename, None)

    def cut(self, into: Path) -> None:
        """Cut the power, and write down what is left."""
        for path, medium in self.media.items():
            (into / Path(path).name).write_bytes(medium.cut(self._draw))


class _File(apsw.VFSFile):
    def __init__(
        self, disk: PowerlessDisk, name: apsw.URIFilename | str | None, flags: list[int]
    ) -> None:
        super().__init__("", name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or "temporary"
        content = Path(path).read_bytes() if Path(path).exists() else b""
        self._medium = disk.media.setdefault(path, _Medium(content))

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        self._medium.cache.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._medium.cache.append((-newsize - 1, b""))

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._medium.sync()
