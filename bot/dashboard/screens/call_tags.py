"""The tags that a call may have: a short list, so that they read alike in three languages."""

from __future__ import annotations

from collections.abc import Iterable

from bot.i18n import N_

TAGS = {
    "orders": N_("Orders"),
    "money": N_("Payments"),
    "pin": N_("PIN"),
    "prices": N_("Prices"),
    "unclear": N_("not understood"),
    "fault": N_("fault of ours"),
    "again": N_("to be looked at again"),
}


def tags_in(acts: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The tags that stand after these acts with their texts, the oldest act first."""
    tags: tuple[str, ...] = ()
    for act, tag in acts:
        tags = with_act(tags, act, tag)
    return tags


def with_act(tags: tuple[str, ...], act: str, tag: str) -> tuple[str, ...]:
    """The tags after one act more; any other act leaves them as they are."""
    if act not in {"tagged", "untagged"}:
        return tags
    others = tuple(one for one in tags if one != tag)
    return (*others, tag) if act == "tagged" else others
