"""`python -m tests.dependencies`: are the locks whole, and is anything in them known to be bad?

Part of `make check`. It needs no network, so it knows what `requirements/advisories.toml` knows.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of a lock: what is installed, and whether anybody asked for it."""

    name: str
    version: str
    asked_by: str


def problems(folder: Path) -> list[str]:
    """What is wrong with the locks of the project in `folder`, a line each; [] when nothing is."""
    try:
        known = tomllib.loads((folder / "requirements" / "advisories.toml").read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        return [f"requirements/advisories.toml cannot be read, so nothing was checked: {error}"]
    if not known.get("advisory"):
        return ["requirements/advisories.toml names no advisory, so nothing was checked"]
    declared = _declared(folder)
    looked_up = set(known.get("looked_up", []))
    found = [f"{name}: nobody looked up its advisories" for name in sorted(declared - looked_up)]
    for lock in ("run.txt", "dev.txt"):
        text = (folder / "requirements" / lock).read_text("utf-8")
        found += [f"requirements/{lock}: {line}" for line in _in_lock(text, declared, known)]
    return found


def _declared(folder: Path) -> set[str]:
    """The server's direct dependencies."""
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    return {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}


def _in_lock(text: str, declared: set[str], known: dict[str, Any]) -> Iterator[str]:
    pins: dict[str, Pin] = {}
    for entry in re.split(r"\n(?=\S)", re.sub(r"(?m)^#.*\n?", "", text).strip()):
        pin = _read(entry)
        if isinstance(pin, str):
            yield pin
            continue
        pins[pin.name] = pin
        yield from _known_against(pin, known)
        if not pin.asked_by:
            yield f"{pin.name}: nothing says who asked for it: run `make lock`"
    for name in sorted(declared - pins.keys()):
        yield f"{name} is missing: run `make lock`"


def _read(entry: str) -> Pin | str:
    first = entry.partition("\n")[0].rstrip("\\ ")
    if first.startswith("-"):
        return f"{first}: an option may lead to another index"
    try:
        wanted = Requirement(first.partition(" --hash")[0])
    except InvalidRequirement:
        return f"{first}: cannot be read"
    pinned = re.fullmatch(r"==([^*,]+)", str(wanted.specifier))
    if wanted.url or pinned is None:
        return f"{first}: is not pinned to one version"
    if not _HASH.search(entry):
        return f"{first}: has no hash"
    asked_by = entry.partition("# via")[2].strip(" #\n")
    return Pin(canonicalize_name(wanted.name), pinned[1], asked_by)


def _known_against(pin: Pin, known: dict[str, Any]) -> Iterator[str]:
    for advisory in known["advisory"]:
        if advisory["package"] != pin.name:
            continue
        old = "fixed" in advisory and Version(pin.version) < Version(advisory["fixed"])
        if old or pin.version in advisory.get("yanked", []):
            yield f"{pin.name} {pin.version}: {advisory['why']}"


def main() -> None:
    """Print what is wrong, and end with 1 when anything is."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    wrong = problems(folder)
    print("\n".join(wrong) or "The locks are whole, and nothing in them is known to be bad.")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
