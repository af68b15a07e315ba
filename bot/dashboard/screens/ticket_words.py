"""What the server wrote into a ticket, in the language of who reads it; people's words stay."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, partial

from bot.dashboard.screens.order_desk import OFFER_WORDS
from bot.dashboard.screens.payment_words import KIND_WORDS, STATE_WORDS
from bot.i18n import _
from bot.i18n.ticket_sentences import (
    DeliveryTrouble,
    DueSentence,
    PaymentDifference,
    StatementFinding,
    TicketSentence,
)

_WHOLE = (*TicketSentence, *PaymentDifference)
# Parts that are sentences themselves, and parts that are codes with a word of their own.
_SENTENCES: Mapping[str, tuple[str, ...]] = {
    "finding": (*StatementFinding, *PaymentDifference),
    "due": tuple(DueSentence),
    "trouble": tuple(DeliveryTrouble),
    "never": (TicketSentence.NEVER_TOLD,),
}
_CODES: Mapping[str, Mapping[str, str]] = {
    "stage": OFFER_WORDS,
    "ours": STATE_WORDS,
    "kind": KIND_WORDS,
}
# The name of a fault, so that few words of a person's are taken for ours.
_SHAPES = {"fault": "[A-Z][A-Za-z]*"}
_PART = re.compile(r"\{(\w+)\}")


def in_the_language_spoken(text: str, sentences: Iterable[str] = _WHOLE) -> str:
    """The text translated where the whole of it is one of `sentences`; as it is otherwise."""
    for sentence in sentences:
        found = _read(sentence).fullmatch(text)
        if found is not None:
            parts = {name: _part(name, kept) for name, kept in found.groupdict().items()}
            return _(sentence).format(**parts)
    return text


# The same of what is said about a receiver of webhooks.
trouble_spoken = partial(in_the_language_spoken, sentences=tuple(DeliveryTrouble))


def _part(name: str, kept: str) -> str:
    if name in _SENTENCES:
        return in_the_language_spoken(kept, _SENTENCES[name])
    word = _CODES.get(name, {}).get(kept)
    return kept if word is None else _(word)


@cache
def _read(sentence: str) -> re.Pattern[str]:
    """The template as what its text looks like, each part in a group of its name."""
    pieces = _PART.split(sentence)
    texts = [re.escape(text) for text in pieces[::2]]
    parts = [f"(?P<{name}>{_SHAPES.get(name, '.*?')})" for name in pieces[1::2]]
    return re.compile("".join(map("".join, zip(texts, [*parts, ""], strict=True))), re.DOTALL)
