"""A disk of its own for a store, that can be filled to the last byte."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

_PIECE = 1 << 20


class NoDisk(Exception):
    """This machine lets us mount nothing, as in a container without the right to."""


class SmallDisk:
    """`size_mb` of memory, mounted as a disk on a folder. Raises `NoDisk`."""

    def __init__(self, size_mb: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="isoko-disk-"))
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(self.folder)]
        try:
            subprocess.run(mount, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            self.folder.rmdir()
            raise NoDisk(str(error)) from error
        self._filler = self.folder / "filler"

    def fill(self) -> None:
        """Leave no room for anything."""
        file = os.open(self._filler, os.O_WRONLY | os.O_CREAT)
        for piece in (_PIECE, 4096):
            with suppress(OSError):
                while True:
                    os.write(file, b"\0" * piece)
        os.close(file)

    def free(self) -> None:
        """Make room again."""
        self._filler.unlink(missing_ok=True)

    def stop(self) -> None:
        """Take the disk away."""
        subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
