"""What the pretended outside remembers, also when our server is killed: operators do not forget."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Notebook:
    """Facts by kind and key, appended to a file as JSON lines when one is given."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.facts: dict[str, dict[str, dict[str, Any]]] = {}
        if path is not None:
            # It holds numbers, and what was sent to them.
            path.touch(mode=0o600)
            text = path.read_text(encoding="utf-8", errors="replace")
            for line in text.splitlines():
                self._read(line)
            if text and not text.endswith("\n"):
                # A line cut by a crash must not swallow the next one.
                with path.open("a", encoding="utf-8") as file:
                    file.write("\n")

    def put(self, kind: str, key: str, fact: dict[str, Any]) -> None:
        """Remember a fact under its key, in place of an older one."""
        self.facts.setdefault(kind, {})[key] = fact
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([kind, key, fact]) + "\n")

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """The fact under this key, or None."""
        return self.facts.get(kind, {}).get(key)

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Every fact of a kind, in the order in which they first came."""
        return list(self.facts.get(kind, {}).values())

    def _read(self, line: str) -> None:
        try:
            kind, key, fact = json.loads(line)
        except ValueError:
            # A line cut by a crash.
            return
        self.facts.setdefault(kind, {})[key] = fact
