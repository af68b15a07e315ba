"""What is written into a ticket has its template in the one list, so that it is translated."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from bot.i18n.ticket_sentences import (
    DeliveryTrouble,
    DueSentence,
    PaymentDifference,
    StatementFinding,
    TicketSentence,
)

BOT = Path(__file__).parents[2] / "bot"
GROUPS = (TicketSentence, PaymentDifference, StatementFinding, DueSentence, DeliveryTrouble)
# Where the text stands in a call that makes a ticket, or gives a payment its reason.
TEXTS = {
    "open_ticket": None, "ask_staff": 4, "pass_to_staff": 4, "_ask_staff_once": 4, "note_stuck": 2,
    "flag": 2, "show_to_staff": 2, "Answer": 1, "PayoutRefused": 0, "disable": 2,
}  # fmt: skip


def untemplated(source: str) -> Iterator[str]:
    """The sentences that stand where a ticket's text is given, and not in the list."""
    tree = ast.parse(source)
    named = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        name = getattr(node.func, "id", getattr(node.func, "attr", "")) if is_call(node) else ""
        # Others answer too: only an operator's answer is a payment's reason.
        others = name == "Answer" and "bot.payments.provider import Answer" not in source
        if name not in TEXTS or others:
            continue
        given = [one.value for one in node.keywords if one.arg in {"text", "reason", "why"}]
        place = TEXTS[name]
        given += [] if place is None else node.args[place : place + 1]
        for value in given:
            text = named.get(value.id, value) if isinstance(value, ast.Name) else value
            text = text.value if isinstance(text, ast.Subscript) else text
            words = ast.unparse(text)
            if isinstance(text, ast.JoinedStr | ast.Constant) and re.search("[a-z] [a-z{]", words):
                yield words


def is_call(node: ast.AST) -> bool:
    """Whether something is called here."""
    return isinstance(node, ast.Call)


def test_no_ticket_is_written_with_a_sentence_that_is_not_in_the_list() -> None:
    assert list(untemplated('open_ticket(db, text=f"Nobody came for {code}"[:320])'))
    assert list(untemplated('why = "not sent: nobody came"\nflag(db, payment, why, "server", now)'))
    sources = {file: file.read_text(encoding="utf-8") for file in BOT.rglob("*.py")}
    found = {str(file): list(untemplated(source)) for file, source in sources.items()}
    assert {file: said for file, said in found.items() if said} == {}
    everything = "\n".join(sources.values())
    for sentence in (one for group in GROUPS for one in group):
        used = f"{type(sentence).__name__}.{sentence.name}"
        assert re.search(rf"\b{used}\b", everything), f"nobody writes {used}"
