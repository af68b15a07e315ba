"""The settings in force as people may read them: each with its source, and no secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, SecretStr

from bot.raw_settings import sources
from bot.settings import Settings

Source = Literal["default", "file", "environment"]
SET, NOT_SET = "set", "not set"
# Between the scheme and the host may stand a name and a password.
_LOGIN = re.compile(r"(?<=://)[^/\s]*@|(?<=password=)[^&\s]*")


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """One setting; `is_secret` says that `value` is only whether there is one."""

    name: str
    value: str
    source: Source
    is_secret: bool


def settings_shown(settings: Settings, variables: Mapping[str, str]) -> list[ShownSetting]:
    """Every setting in the order of the default file, with where it was set last."""
    said = sources(variables)
    return [
        ShownSetting(name, _text(value), _source(said, name), _is_secret(value))
        for name, value in _flat(settings)
    ]


def _flat(model: BaseModel, before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            found += _flat(value, f"{before}{name}.")
        else:
            found.append((f"{before}{name}", value))
    return found


def _source(said: Mapping[str, Source], name: str) -> Source:
    return said.get(name, "default")


def _is_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_secret, value.values()))
    if isinstance(value, tuple):
        return any(map(_is_secret, value))
    return isinstance(value, SecretStr)


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return SET if value.get_secret_value() else NOT_SET
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_text(one)}" for name, one in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return _LOGIN.sub(lambda found: "•••@" if found[0].endswith("@") else "•••", str(value))
