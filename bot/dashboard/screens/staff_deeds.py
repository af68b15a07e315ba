"""Changing who is on the staff: by an administrator who shows again who they are, on record."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from bot.dashboard.access import links, members, newly_set_up, staff_sessions
from bot.dashboard.access.members import Member, note
from bot.dashboard.access.roles import ROLES, Role
from bot.market import proposals
from bot.market.proposals import Proposal


def role_of(text: str) -> Role | None:
    """The role of this name, or None."""
    return next((one for one in ROLES if one == text), None)


def change_role(
    db: Connection, whose: Member, role: Role, by: Member, form: dict[str, str], now: datetime
) -> str:
    """Another role; the administrator's needs a second administrator."""
    if whose.role == role or whose.revoked or whose.demo:
        return "no_effect"
    if role == "admin":
        return _make_admin(db, whose, by, form, now)
    return "changed" if members.set_role(db, whose, role, now, by.name) else "last_admin"


def new_link(
    db: Connection, whose: Member, by: Member, form: dict[str, str], now: datetime
) -> tuple[str, str]:
    """A link with which they choose password and second step anew; the outcome, and its token.

    Nobody makes their own: who has somebody's open browser would keep the account. To an account
    that somebody has already, it takes two: who makes the link could act as them.
    """
    if whose.id == by.id:
        return "not_own", ""
    if whose.revoked or whose.demo:
        return "no_effect", ""
    if not whose.ready:
        return "linked", make_link(db, whose, by, now)
    if is_alone(db, whose, by):
        return "alone", ""
    proposal, said = _asked_before(db, "link", whose, by, form, now)
    if proposal is None:
        return "link_proposed" if said == "proposed" else said, ""
    proposals.end(db, proposal, "done", by.id, now)
    return "linked", make_link(db, whose, by, now)


def make_link(db: Connection, whose: Member, by: Member, now: datetime) -> str:
    """The token of a new link, on record as one of the page."""
    newly_set_up.note_link(db, by.name, whose.name, now)
    return links.make(db, whose.id, now)


def is_alone(db: Connection, whose: Member, by: Member) -> bool:
    """Whether no other administrator could agree to a new link of theirs."""
    return not members.other_admin(db, whose, by)


def revoke(db: Connection, whose: Member, by: Member, now: datetime) -> str:
    """No access any more, and signed out everywhere, at once."""
    if members.is_last_admin(db, whose):
        return "last_admin"
    return "revoked" if members.revoke(db, whose.name, now, by.name) else "no_effect"


def end_sessions(db: Connection, whose: Member, mark: str, by: Member, now: datetime) -> str:
    """Signed out in one place, or everywhere when `mark` is "all"."""
    if mark == "all":
        staff_sessions.end_all(db, whose.id)
    elif not staff_sessions.end_one(db, whose.id, mark):
        return "no_effect"
    note(db, by.name, "signed out by another", f"staff {whose.name}", now, which=mark)
    return "signed_out"


def _make_admin(
    db: Connection, whose: Member, by: Member, form: dict[str, str], now: datetime
) -> str:
    proposal, said = _asked_before(db, "role", whose, by, form, now)
    if proposal is None:
        return said
    members.set_role(db, whose, "admin", now, f"{proposal.asker} and {by.name}")
    proposals.end(db, proposal, "done", by.id, now)
    return "changed"


def _asked_before(
    db: Connection,
    kind: Literal["role", "link"],
    whose: Member,
    by: Member,
    form: dict[str, str],
    now: datetime,
) -> tuple[Proposal | None, str]:
    """What `by` may do as the second administrator; or None, and why not: it is asked for now."""
    newly_set_up.check(db, by.name, now)
    subject, terms = f"staff {whose.name}", {"role": "admin"} if kind == "role" else {}
    proposal = proposals.waiting(db, kind, subject)
    if proposal is None:
        proposals.propose(db, kind, subject, terms, "administrator", by.id, now)
        note(db, by.name, f"{kind} proposed", subject, now, **terms)
        return None, "proposed"
    if not proposals.may_do(proposal, by.id, by.name) or by.id == whose.id:
        return None, "same_person"
    if not proposals.is_meant(proposal, form):
        return None, "another"
    return proposal, ""
