"""A person shares a number in the chat: only their own counts, from the button, in private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from bot.conversation import Language
from bot.i18n import speaking
from bot.market import Hub, telegram_invites, telegram_linking, telegram_words
from bot.market.link_codes import LinkCodes
from bot.msisdn import read_msisdn
from bot.storage import outbox

_NO_KEYBOARD = {"remove_keyboard": True}

Outcome = Literal["asked", "linked", "too_often", "refused", "not_of_here", "ignored"]


@dataclass(frozen=True, slots=True)
class SharedContact:
    """A contact as it came in a message. `user_id` is 0 where the contact has no account."""

    from_id: int
    chat_id: int
    private: bool
    forwarded: bool
    user_id: int
    phone_number: str

    @property
    def own(self) -> bool:
        """Whether Telegram itself says that this is the sender's number."""
        return self.private and not self.forwarded and 0 < self.from_id == self.user_id


def contact_in(message: Mapping[str, Any]) -> SharedContact | None:
    """The contact in a message of the Bot API, already parsed; None when it holds none.

    What is not of the form that Telegram sends counts as nobody's.
    """
    contact = message.get("contact")
    if not isinstance(contact, Mapping):
        return None
    sender, chat = message.get("from"), message.get("chat")
    sender = sender if isinstance(sender, Mapping) else {}
    chat = chat if isinstance(chat, Mapping) else {}
    # Every form of it has a field of its own: forward_origin, forward_date, forward_from …
    forwarded = any(name.startswith("forward") for name in message) or "via_bot" in message
    return SharedContact(
        from_id=0 if sender.get("is_bot") else _id(sender.get("id")),
        chat_id=_id(chat.get("id")),
        private=chat.get("type") == "private",
        forwarded=forwarded,
        user_id=_id(contact.get("user_id")),
        phone_number=str(contact.get("phone_number", "")),
    )


def receive(
    db: Connection,
    codes: LinkCodes,
    hub: Hub,
    shared: SharedContact,
    language: Language,
    key: str,
    now: datetime,
) -> Outcome:
    """Take a shared contact and write the answer under `key` ("telegram:<update id>:0").

    A group is told nothing: what is shared there is shared with everyone in it.
    """
    if not shared.private:
        return "ignored"
    with speaking(language):
        outcome, text = _judge(db, codes, hub, shared, language, now)
        keyboard = share_keyboard(language) if outcome == "refused" else _NO_KEYBOARD
    args = {"text": text, "reply_markup": keyboard}
    payload = {"chat_id": shared.chat_id, "method": "sendMessage", "args": args}
    outbox.put(db, "telegram", key, payload, now)
    return outcome


def share_keyboard(language: Language) -> dict[str, Any]:
    """The keyboard of a screen that asks for a contact: one button, which shares one's own."""
    with speaking(language):
        button = {"text": telegram_words.share_button(), "request_contact": True}
    return {"keyboard": [[button]], "resize_keyboard": True, "one_time_keyboard": True}


def _judge(
    db: Connection,
    codes: LinkCodes,
    hub: Hub,
    shared: SharedContact,
    language: Language,
    now: datetime,
) -> tuple[Outcome, str]:
    if not shared.own:
        return "refused", telegram_words.not_your_own()
    # Telegram leaves the plus out; a number of another country must not be read as one of ours.
    msisdn = read_msisdn(f"+{shared.phone_number.lstrip('+')}", hub.country)
    if msisdn is None:
        return "not_of_here", telegram_words.not_of_here()
    asked = telegram_linking.ask(
        db,
        codes,
        user_id=shared.from_id,
        chat_id=shared.chat_id,
        msisdn=msisdn,
        language=language,
        now=now,
    )
    if asked.outcome == "linked":
        return "linked", telegram_words.linked_already()
    if asked.outcome == "too_often":
        return "too_often", telegram_words.too_often()
    minutes = telegram_linking.CODE_MINUTES
    words = telegram_words.code_for(asked.code, hub.service_code, msisdn[-3:], minutes)
    if telegram_invites.is_for_another(db, shared.from_id, msisdn):
        words = f"{telegram_words.invited_another()}\n{words}"
    return "asked", words


def _id(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
