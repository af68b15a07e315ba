"""Types the command `isoko`, in a process of its own, and reads what it says."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from subprocess import CompletedProcess

from tests import isoko_command
from tests.forked import fork
from tests.isoko_command import Typed

_TOO_LONG_S = 60


def isoko(folder: Path, *arguments: str, **settings: str) -> CompletedProcess[str]:
    """Run it on the data in `folder`, with settings as environment variables, to its end."""
    variables = {**os.environ, "ISOKO_DATA_DIR": str(folder), "COLUMNS": "120", **settings}
    return typed(Path(), variables, *arguments)


def typed(folder: Path, variables: dict[str, str], *arguments: str) -> CompletedProcess[str]:
    """Run it as typed in `folder`, with no other environment than `variables`."""
    with tempfile.TemporaryDirectory(prefix="isoko-said-") as said:
        out, err = Path(said, "out"), Path(said, "err")
        what = Typed(arguments, variables, str(folder.absolute()), str(out), str(err))
        process = fork.Process(target=isoko_command.run, args=(what,), daemon=True)
        process.start()
        process.join(_TOO_LONG_S)
        if process.is_alive():
            process.kill()
            raise TimeoutError(f"isoko {' '.join(arguments)}")
        return CompletedProcess(
            ["isoko", *arguments], process.exitcode or 0, out.read_text(), err.read_text()
        )
