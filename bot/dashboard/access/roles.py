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
# Who may find somebody by their number, on record.
FINDERS: frozenset[str] = ANSWERERS
# Nobody needs to be signed in: the sign-in itself and its files. An empty set would let in nobody.
ANYBODY: frozenset[str] = frozenset({"anybody"})
# Who may look after alerts, and have nobody told of one for a while.
ALERTERS: frozenset[str] = frozenset({"agent", "supervisor", "admin"})
# Who may keep those quiet that watch the staff and the books.
WATCH_MUTERS: frozenset[str] = frozenset({"supervisor", "admin"})
# Who may make the pretended outside of the demo misbehave.
SIMULATORS: frozenset[str] = frozenset({"agent", "supervisor", "admin"})
# Who may take tables away, within what `export_tables` says of each.
EXPORTERS: frozenset[str] = frozenset({"agent", "supervisor", "finance", "admin", "auditor"})
# Who may have a payment asked about again.
ASKERS: frozenset[str] = frozenset({"agent", "supervisor", "finance"})
# Who may release, send again and end payments, two together.
MONEY: frozenset[str] = frozenset({"supervisor", "finance"})
# Who sees what the hub has, day by day.
BOOKKEEPERS: frozenset[str] = frozenset({"supervisor", "finance", "auditor"})
# Who may compare an operator's statement with our payments; nothing is changed by it.
COMPARERS: frozenset[str] = frozenset({"supervisor", "finance", "admin"})
# Who may have a webhook sent or applied again.
REPLAYERS: frozenset[str] = frozenset({"supervisor", "admin"})
# Who may call off what of an order nobody has accepted.
CALLERS_OFF: frozenset[str] = frozenset({"supervisor", "admin"})
# Who may give people a copy of their data, and forget them, two together.
CUSTODIANS: frozenset[str] = frozenset({"supervisor", "admin"})
# Who reads the audit.
AUDITORS: frozenset[str] = frozenset({"supervisor", "admin", "auditor"})
# Who sees who is on the staff, and who may change it.
STAFF_READERS: frozenset[str] = frozenset({"admin", "auditor"})
ADMINS: frozenset[str] = frozenset({"admin"})
