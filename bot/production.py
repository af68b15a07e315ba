"""What a machine must not have about it when it serves real people."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from aiohttp import http_parser

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OF_PYTHON = ("PYTHONASYNCIODEBUG", "PYTHONDEVMODE")


def debugging(variables: Mapping[str, str], log_level: str) -> str:
    """Which switch for debugging is on, and the remedy; "" when none is.

    Debugging slows every hop, and what libraries then log may hold what people typed.
    """
    if log_level == "debug":
        return "ISOKO_LOG_LEVEL is debug in production: set it to info, warning or error"
    for name in _OF_PYTHON:
        if variables.get(name, "") not in {"", "0"}:
            return f"{name} is set in production, which turns Python's debugging on: unset it"
    return ""


def slow_parser(variables: Mapping[str, str]) -> str:
    """Whether HTTP would be read by Python and not by C, and the remedy; "" when by C.

    The two do not refuse the same, and only one is what the tests have seen.
    """
    if variables.get("AIOHTTP_NO_EXTENSIONS"):
        return "AIOHTTP_NO_EXTENSIONS is set in production, which turns the C parser off: unset it"
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        return (
            "aiohttp has no C parser here, which production needs: install its wheel for this "
            "Python (AIOHTTP_NO_EXTENSIONS must be unset then, too)"
        )
    return ""


def open_env_file(folders: Iterable[Path]) -> str:
    """Which file of secrets others on this machine may read or change; "" when none."""
    for folder in folders:
        path = folder / ".env"
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if mode & _OTHERS:
            return (
                f"{path} holds secrets and is open to others (mode {stat.S_IMODE(mode):04o}): "
                f"chmod 600 {path}, and give new secrets if others have used this machine"
            )
    return ""
