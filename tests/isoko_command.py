"""The command `isoko` as it is typed: what runs in its process, all of it imported beforehand."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from bot import cli

# The file of every command.
cli.app_of()


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, in which folder and environment, and the files for what is printed."""

    arguments: tuple[str, ...]
    variables: dict[str, str]
    folder: str
    out: str
    err: str


def run(typed: Typed) -> None:
    """Run the command to its end."""
    for stream, file in ((1, typed.out), (2, typed.err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), stream)
    os.chdir(typed.folder)
    os.environ.clear()
    os.environ.update(typed.variables)
    sys.argv = ["isoko", *typed.arguments]
    cli.main()
