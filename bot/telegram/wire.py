"""What Telegram delivers, as far as we use it: typed, of bounded size and depth, read once.

Source: the Bot API's pages, as collected in the project's wire facts, section 6.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, NoReturn

import msgspec
from msgspec import Meta, field

SIZE_MAX = 256 * 1024
TEXT_MAX, CAPTION_MAX = 4096, 1024
_DEPTH_MAX = 64
_USED = ("message", "callback_query", "my_chat_member")

Id = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
UpdateId = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Unprocessable(Exception):
    """This is no update; `update_id` is its number where it has one, so that it is kept once."""

    def __init__(self, why: str, update_id: int | None = None) -> None:
        super().__init__(why)
        self.update_id = update_id


class User(msgspec.Struct, frozen=True):
    """An account. `language_code` is the language of its Telegram, never Kinyarwanda."""

    id: Id
    is_bot: bool = False
    language_code: str = ""


class Chat(msgspec.Struct, frozen=True):
    """A chat; only in a private one there is a conversation."""

    id: Id
    type: str = ""


class Contact(msgspec.Struct, frozen=True):
    """A contact card. `user_id` is 0 where the card has no account."""

    phone_number: str
    user_id: Id = 0


class Photo(msgspec.Struct, frozen=True):
    """One size of a photo."""

    file_id: str
    file_size: int = 0
    width: int = 0
    height: int = 0


class Document(msgspec.Struct, frozen=True):
    """A file of any kind; what its sender calls it is no proof of what it is."""

    file_id: str
    file_size: int = 0


class Message(msgspec.Struct, frozen=True):
    """A message, or the one under a pressed button."""

    message_id: Id
    chat: Chat
    sender: User | None = field(name="from", default=None)
    text: str | None = None
    caption: str = ""
    contact: Contact | None = None
    photo: tuple[Photo, ...] = ()
    document: Document | None = None
    # What else a person may send; what is in it is not read.
    voice: Any = None
    audio: Any = None
    video: Any = None
    video_note: Any = None
    animation: Any = None
    sticker: Any = None
    location: Any = None

    @property
    def of_another_kind(self) -> bool:
        """Whether a person sent what only people can make something of."""
        kinds = (self.voice, self.audio, self.video, self.video_note, self.animation)
        return any(one is not None for one in (*kinds, self.sticker, self.location))


class Press(msgspec.Struct, frozen=True):
    """A pressed button; `data` is what we gave with it, or what somebody made up."""

    id: str
    sender: User = field(name="from")
    message: Message | None = None
    data: str = ""


class Member(msgspec.Struct, frozen=True):
    """How somebody stands in a chat: "member", "kicked" …"""

    status: str


class Membership(msgspec.Struct, frozen=True):
    """The bot was let into a chat, or blocked there."""

    chat: Chat
    sender: User = field(name="from")
    new_chat_member: Member


class Update(msgspec.Struct, frozen=True):
    """One update: one of these, or a type that we do not use."""

    update_id: UpdateId
    message: Message | None = None
    callback_query: Press | None = None
    my_chat_member: Membership | None = None

    @property
    def chat(self) -> Chat | None:
        """The chat that it is about."""
        if self.message is not None:
            return self.message.chat
        if self.callback_query is not None:
            under = self.callback_query.message
            return None if under is None else under.chat
        return self.my_chat_member.chat if self.my_chat_member is not None else None

    @property
    def sender(self) -> User | None:
        """The account it comes from."""
        if self.message is not None:
            return self.message.sender
        one = self.callback_query or self.my_chat_member
        return None if one is None else one.sender


_decoder = msgspec.json.Decoder(Update)
_any = msgspec.json.Decoder()


def read_update(raw: bytes) -> Update:
    """The update in a body. Raises `Unprocessable`."""
    if len(raw) > SIZE_MAX:
        raise Unprocessable("too large")
    if _deeper_than(raw, _DEPTH_MAX):
        raise Unprocessable("too deep")
    plain = _each_key_once(raw)
    if not isinstance(plain, dict):
        raise Unprocessable("no object")
    number = plain.get("update_id")
    if type(number) is not int or not 0 <= number < 2**63:
        raise Unprocessable("no update_id")
    try:
        return _decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        # Its words may repeat what was typed.
        raise Unprocessable("no update of the Bot API", number) from None


def reread(kept: bytes) -> Update:
    """The update in a body that `read_update` has read before."""
    return _decoder.decode(kept)


def reason_to_ignore(update: Update, raw: bytes) -> str:
    """Of which type an update is that nobody waits for; "" when it is to be applied."""
    chat, sender = update.chat, update.sender
    if update.message is None and update.callback_query is None and update.my_chat_member is None:
        return _type_of(raw)
    if chat is None or sender is None:
        return "without a chat"
    if chat.type != "private":
        return "group"
    if sender.is_bot:
        return "bot"
    return "" if update.message is None else _ignored_message(update.message)


def _ignored_message(message: Message) -> str:
    if message.text is not None:
        return "text too long" if len(message.text) > TEXT_MAX else ""
    if message.contact is not None:
        return ""
    if len(message.caption) > CAPTION_MAX:
        return "caption too long"
    # A photo is waited for in some chats: who applies it knows where.
    known = message.photo or message.document or message.of_another_kind
    return "" if known else "message of another kind"


def _type_of(raw: bytes) -> str:
    """The type's own name, in plain signs only: it becomes a label of a figure."""
    known = [name for name in msgspec.json.decode(raw, type=dict[str, Any]) if name in _OTHERS]
    return known[0] if known else "unknown"


# As of Bot API 10.0; any other is "unknown", so that nobody makes up figures without end.
_OTHERS = frozenset(
    {
        "edited_message", "channel_post", "edited_channel_post", "business_connection",
        "business_message", "edited_business_message", "deleted_business_messages",
        "message_reaction", "message_reaction_count", "inline_query", "chosen_inline_result",
        "shipping_query", "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer",
        "chat_member", "chat_join_request", "chat_boost", "removed_chat_boost",
    }
)  # fmt: skip


def _each_key_once(raw: bytes) -> Any:
    """What JSON says in which no key is there twice. Raises `Unprocessable`."""
    try:
        plain = _any.decode(raw)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        pass  # the standard library has the last word, and takes ten times as long
    else:
        # Each key has its colon: where there are no more than keys left, none is there twice.
        if _keys_in(plain) == raw.count(b":"):
            return plain
    try:
        # The typed decoder takes the last of two equal keys; whoever looks at the row might not.
        return _strict.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        raise Unprocessable(f"no JSON: {type(error).__name__}") from None


def _keys_in(plain: Any) -> int:
    keys, inside = 0, [plain]
    for one in inside:
        if type(one) is dict:
            keys += len(one)
            inside += one.values()
        elif type(one) is list:
            inside += one
    return keys


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_number(_name: str) -> NoReturn:
    raise ValueError("NaN and infinity are no JSON")


def _deeper_than(raw: bytes, most: int) -> bool:
    if raw.count(b"{") + raw.count(b"[") <= most:
        return False
    depth, quoted, escaped = 0, False, False
    for sign in raw:
        if quoted:
            quoted, escaped = escaped or sign != 0x22, not escaped and sign == 0x5C
        elif sign == 0x22:
            quoted = True
        elif sign in b"{[":
            depth += 1
            if depth > most:
                return True
        elif sign in b"}]":
            depth -= 1
    return False


# Made once: to make it takes longer than to read an update with it.
_strict = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
