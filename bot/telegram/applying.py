"""Applies one update: what it does, to be written in one transaction with its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from bot.conversation import Language
from bot.i18n import _, speaking
from bot.market import hand_over_words, telegram_links, telegram_words
from bot.market.telegram_links import Link
from bot.storage import telegram_updates
from bot.storage.telegram_updates import Held
from bot.telegram.commands import AGENT, CONTINUE, START, STOP, read_command
from bot.telegram.handed_over import HandedOver, back_to_the_bot, for_staff
from bot.telegram.listing import Listing, expects_list
from bot.telegram.photographing import Photographing
from bot.telegram.saying import Saying
from bot.telegram.talking import Talking
from bot.telegram.wire import Membership, Message, Press, Update, User

_GONE = frozenset({"kicked", "left"})

# Takes a message with a contact and writes the answer under a key.
Share = Callable[[Connection, Mapping[str, Any], Language, str, datetime], object]
# Takes what stood after /start: an invitation, or anything.
Invite = Callable[[Connection, str, int, datetime], object]
# What is left to be done when the update is ended, in that transaction.
End = Callable[[Connection, datetime], None]


@dataclass(frozen=True, slots=True)
class Linking:
    """How accounts come to speak for numbers. Without it contacts are not asked for."""

    share: Share | None = None
    invite: Invite | None = None


class Applying:
    """What each kind of update does."""

    def __init__(
        self,
        talking: Talking,
        linking: Linking,
        photographing: Photographing | None = None,
        listing: Listing | None = None,
    ) -> None:
        self._talking, self._linking = talking, linking
        self._photographing, self._listing = photographing, listing
        self._handed_over = HandedOver(talking)

    async def apply(
        self, held: Held, update: Update, link: Link | None, hand_over: int
    ) -> tuple[Saying, End]:
        """The answer to an update, and what else is to be written with its end.

        While staff have the chat (`hand_over`) the bot is silent.
        """
        saying = Saying(held.update_id, held.chat_id)
        sender = update.sender
        if sender is None:
            saying.outcome = "nobody's"
            return saying, _nothing
        if update.my_chat_member is not None:
            return saying, _membership(saying, update.my_chat_member)
        if hand_over and for_staff(update):
            return saying, await self._handed_over.take(saying, update, link, hand_over)
        if update.callback_query is not None:
            return saying, await self._press(saying, update.callback_query, sender, link)
        if update.message is None:
            return saying, _nothing
        end = await self._message(saying, update.message, sender, link, held.body)
        asks_the_bot = hand_over and update.message.contact is None
        return saying, back_to_the_bot(end, saying.chat_id) if asks_the_bot else end

    async def _press(self, saying: Saying, press: Press, sender: User, link: Link | None) -> End:
        await self._talking.press(saying, press, link)

        def end(db: Connection, now: datetime) -> None:
            _back(db, link, now)
            # Its screen has moved on, and stands in this very message: then its buttons are good.
            if press.message is not None and saying.outcome == "late button":
                shown = telegram_updates.shown_in(db, saying.chat_id)
                if shown == press.message.message_id:
                    del saying.calls[1:]

        return end

    async def _message(
        self, saying: Saying, message: Message, sender: User, link: Link | None, raw: bytes
    ) -> End:
        if message.contact is not None:
            return await self._contact(saying, sender, link, raw)
        if message.photo or message.document is not None:
            return await self._file(saying, message, sender, link)
        if message.of_another_kind:
            return await self._not_understood(saying, sender, link)
        command = read_command(message.text or "")
        if command is not None and command[0] == STOP:
            return self._stop(saying, sender, link)
        if command is not None and command[0] == AGENT:
            return await self._handed_over.ask(saying, sender, link)
        if command is not None and command[0] == CONTINUE:
            await self._talking.show_again(saying, sender, link)
            return _nothing
        await self._talking.message(saying, message, sender, link)
        invite = self._linking.invite

        def end(db: Connection, now: datetime) -> None:
            _back(db, link, now)
            if invite is not None and command is not None and command[0] == START and command[1]:
                invite(db, command[1], sender.id, now)

        return end

    async def _contact(self, saying: Saying, sender: User, link: Link | None, raw: bytes) -> End:
        share = self._linking.share
        if share is None:
            saying.outcome = "ignored: contact"
            return _nothing
        session = await self._talking.session_of(saying.chat_id, link)
        language = self._talking.language(sender, session, link)
        message = msgspec.json.decode(raw)["message"]

        def end(db: Connection, now: datetime) -> None:
            _back(db, link, now)
            share(db, message, language, f"telegram:{saying.update_id}:0", now)

        return end

    async def _not_understood(self, saying: Saying, sender: User, link: Link | None) -> End:
        """A voice message, a sticker, a place: said so, and the screen stays as it is."""
        session = await self._talking.session_of(saying.chat_id, link)
        with speaking(self._talking.language(sender, session, link)):
            saying.say(hand_over_words.not_understood())
        saying.outcome = "ignored: message of another kind"
        return _nothing

    async def _file(self, saying: Saying, message: Message, sender: User, link: Link | None) -> End:
        """A photo, or a document: a list where one is asked for, else a photo as a file."""
        session = await self._talking.session_of(saying.chat_id, link)
        language = self._talking.language(sender, session, link)
        document = message.document
        if self._listing is not None and document is not None and expects_list(session):
            typed = await self._listing.read(saying, document, language)
            if typed:
                await self._talking.takes(saying, sender, link, typed)
            return lambda db, now: _back(db, link, now)
        if self._photographing is None:
            saying.outcome = "ignored: photo"
            return _nothing
        return await self._photographing.take(saying, message, link, session, language)

    def _stop(self, saying: Saying, sender: User, link: Link | None) -> End:
        with speaking(self._talking.language(sender, None, link)):
            words = telegram_words.unlinked()
            nobody = _("This chat is not linked with a number.")

        def end(db: Connection, now: datetime) -> None:
            saying.calls.clear()
            said = words if telegram_links.unlink(db, sender.id, now) else nobody
            saying.screen(said, {"inline_keyboard": []})

        return end


def _membership(saying: Saying, membership: Membership) -> End:
    gone = membership.new_chat_member.status in _GONE
    saying.outcome = "blocked" if gone else "let in"
    mark = telegram_links.block if gone else telegram_links.unblock
    return lambda db, now: mark(db, membership.sender.id, now)


def _back(db: Connection, link: Link | None, now: datetime) -> None:
    """Who writes to us takes messages again."""
    if link is not None and link.blocked:
        telegram_links.unblock(db, link.user_id, now)


def _nothing(_db: Connection, _now: datetime) -> None:
    """Nothing else is to be written."""
