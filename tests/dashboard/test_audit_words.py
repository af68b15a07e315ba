"""What the audit says is read in one's own language, and kept as it was written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.dashboard.access.members import note
from bot.dashboard.screens.audit_words import ACTIONS, action_word
from bot.i18n import speaking
from tests.dashboard.desk import Desk, joins
from tests.dashboard.test_exports import cells_of, link_for
from tests.server import Running

BOT = Path(__file__).parents[2] / "bot"


def written() -> Iterator[str]:
    """The actions that stand as they are where the audit is written."""
    for file in BOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "note":
                yield from map(word_of, node.args[2:3])
            if isinstance(node, ast.Dict):
                line = dict(zip(map(word_of, node.keys), node.values, strict=True))
                yield word_of(line.get("action")) if "actor" in line else ""


def word_of(value: ast.expr | None) -> str:
    """What it says, where it is a plain word."""
    said = value.value if isinstance(value, ast.Constant) else ""
    return said if isinstance(said, str) else ""


def test_no_action_that_is_written_lacks_its_word() -> None:
    found = set(written()) - {""}
    assert len(found) > 40 and found <= set(ACTIONS)


@pytest.mark.parametrize("language", ["rw", "fr"])
def test_every_action_has_a_word_of_its_own_in_each_language(language: str) -> None:
    with speaking(language):
        words = [action_word(action) for action in ACTIONS]
        assert not set(words) & set(ACTIONS) and len(set(words)) == len(ACTIONS)
        # A row of another time is shown as it was kept.
        assert action_word("what nobody does any more") == "what nobody does any more"


async def test_the_audit_is_read_and_searched_in_ones_own_language(server: Running) -> None:
    def fill(db) -> None:
        for action in ("price approved", "what nobody does any more"):
            note(db, "amina", action, "price 7", datetime.now(UTC))

    await server.parts.market.records.write(fill)
    async with Desk(server) as desk:
        await joins(desk, server, "odile", "auditor")
        await desk.posts("/dashboard/language", language="fr")
        page = await desk.gets("/dashboard/audit?subject=price")
        assert "prix approuvé" in page and "what nobody does any more" in page
        # By what is shown, and by what is kept.
        for asked in ("prix app", "price app"):
            page = await desk.gets(f"/dashboard/audit?action={quote(asked)}")
            assert "prix approuvé" in page and "what nobody" not in page, asked
        # A file for other programs has the words that are kept.
        rows = cells_of(await desk.raw(await link_for(desk, "audit", action="prix approuvé")))
    assert [row[rows[0].index("action")] for row in rows[1:]] == ["price approved"]
