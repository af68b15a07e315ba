"""What is set: config/*.toml and the environment as one tree of values, not yet looked at."""

from __future__ import annotations

import copy
import difflib
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

PREFIX = "ISOKO_"
# Tables that have an entry for each gateway, whichever those are.
_BY_GATEWAY = frozenset({"ussd.secrets", "ussd.users", "ussd.passwords"})
CONFIG = Path(__file__).resolve().parent.parent / "config"


class SettingsError(Exception):
    """A setting is unknown, missing or unsafe; the message names it and the remedy."""


def read_values(variables: Mapping[str, str]) -> dict[str, Any]:
    """Default, then the environment's own file, then variables; the last one wins.

    Raises `SettingsError` for a name that the default file lacks, and for a file that cannot be
    read.
    """
    ours = {key: value for key, value in variables.items() if key.startswith(PREFIX)}
    env = ours.get(f"{PREFIX}ENV", "demo")
    if env not in ("demo", "production"):
        raise SettingsError(f"ISOKO_ENV is {env!r}: set it to demo or production")
    values = _read(CONFIG / "default.toml")
    known = names_in(values)
    _merge(values, _read(CONFIG / f"{env}.toml"), known, f"config/{env}.toml")
    values["env"] = env
    for variable, text in ours.items():
        _put(values, variable, text, known)
    return values


def sources(variables: Mapping[str, str]) -> dict[str, Literal["file", "environment"]]:
    """Where each setting that is not as in the default file was set last: `read_values` tells so.

    A table with an entry for each gateway is one setting here.
    """
    values = read_values(variables)
    known = [*names_in(_read(CONFIG / "default.toml")), "env"]
    found: dict[str, Literal["file", "environment"]] = {
        name: "file" for name in names_in(_read(CONFIG / f"{values['env']}.toml")) if name in known
    }
    for variable in variables:
        if variable.startswith(PREFIX):
            path = variable.removeprefix(PREFIX).lower().split("__")
            name = ".".join(path)
            found[name if name in known else ".".join(path[:-1])] = "environment"
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        # What is read is merged into: each reader has a copy of its own.
        return copy.deepcopy(_parsed(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise SettingsError(f"{path.name} is missing: run from a clone of the project") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"config/{path.name} cannot be read: {error}") from None


@lru_cache(maxsize=4)
def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def names_in(values: Mapping[str, Any], before: str = "") -> list[str]:
    """The names of all settings in a tree of values, such as "ussd.page_septets"."""
    names: list[str] = []
    for key, value in values.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and name not in _BY_GATEWAY:
            names += names_in(value, f"{name}.")
        else:
            names.append(name)
    return names


def _merge(into: dict[str, Any], more: Mapping[str, Any], known: list[str], where: str) -> None:
    for name in names_in(more):
        if name not in known:
            raise SettingsError(
                f"{where} sets {name!r}, which is no setting{_did_you(name, known)}"
            )
        *path, last = name.split(".")
        target, source = into, more
        for key in path:
            target, source = target[key], source[key]
        target[last] = source[last]


def _put(values: dict[str, Any], variable: str, text: str, known: list[str]) -> None:
    path = variable.removeprefix(PREFIX).lower().split("__")
    name = ".".join(path)
    of_gateway = ".".join(path[:2]) in _BY_GATEWAY and len(path) == 3
    if name not in known and not of_gateway:
        names = [PREFIX + other.upper().replace(".", "__") for other in known]
        raise SettingsError(f"{variable} is no setting{_did_you(variable, names)}")
    target = values
    for key in path[:-1]:
        target = target[key]
    now = target.get(path[-1])
    is_list = isinstance(now, list)
    target[path[-1]] = (
        [part.strip() for part in text.split(",") if part.strip()] if is_list else text
    )


def _did_you(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f": did you mean {near[0]}?" if near else ": see config/default.toml for all of them"
