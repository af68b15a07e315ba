"""Roles, and what each may do; a route that names none of these sets is refused to everybody."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["viewer", "agent", "supervisor", "finance", "admin", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)

# Every member of staff reads, with numbers masked.
READERS: frozenset[str] = frozenset(ROLES)
# Who answers people, and so may close what they asked for.
ANSWERERS: frozenset[str] = frozenset({"agent", "supervisor"})
# Who may see a whole number, with a reason, on record.
REVEALERS: frozenset[str] = frozenset({"supervisor"})
# Nobody needs to be signed in: the sign-in itself and its files. An empty set would let in nobody.
ANYBODY: frozenset[str] = frozenset({"anybody"})
