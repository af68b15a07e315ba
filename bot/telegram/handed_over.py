"""A chat that staff have: what its person writes reaches them, and the bot is silent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from bot.i18n import speaking
from bot.market import hand_over_lines, hand_over_words, hand_overs
from bot.market.telegram_links import Link
from bot.telegram.commands import AGENT, read_command
from bot.telegram.saying import Saying
from bot.telegram.talking import Talking
from bot.telegram.wire import Press, Update, User

End = Callable[[Connection, datetime], None]


def for_staff(update: Update) -> bool:
    """Whether this is for whoever has the chat; a command other than `/agent` asks the bot."""
    if update.callback_query is not None:
        return True
    message = update.message
    if message is None or message.contact is not None:
        return False
    command = read_command(message.text or "")
    return command is None or command[0] == AGENT


class HandedOver:
    """Asks for staff, and keeps what is written while they have the chat."""

    def __init__(self, talking: Talking) -> None:
        self._talking = talking

    async def ask(self, saying: Saying, sender: User, link: Link | None) -> End:
        """`/agent`: from here on the chat waits for staff. The conversation stays where it is."""
        session = await self._talking.session_of(saying.chat_id, link)
        language = self._talking.language(sender, session, link)
        await self._talking.keep_place(saying.chat_id, link)
        with speaking(language):
            saying.say(hand_over_words.asked())
        contact_id = link.contact_id if link is not None else 0

        def end(db: Connection, now: datetime) -> None:
            hand_overs.ask(db, saying.chat_id, contact_id, language, now)

        return end

    async def take(self, saying: Saying, update: Update, link: Link | None, hand_over: int) -> End:
        """Keep what `for_staff` is written, and say nothing; a pressed button does nothing."""
        await self._talking.keep_place(saying.chat_id, link)
        if update.callback_query is not None:
            return await self._press(saying, update.callback_query, link)
        message = update.message
        saying.outcome = "for staff"
        if message is None or read_command(message.text or "") is not None:
            return _nothing
        text = message.text or f"{hand_over_words.A_FILE} {message.caption}".strip()
        key = f"telegram:{saying.update_id}"
        return lambda db, now: hand_over_lines.heard(db, hand_over, text, key, now)

    async def _press(self, saying: Saying, press: Press, link: Link | None) -> End:
        session = await self._talking.session_of(saying.chat_id, link)
        with speaking(self._talking.language(press.sender, session, link)):
            saying.toast(press.id, hand_over_words.silent())
        saying.outcome = "silent"
        return _nothing


def back_to_the_bot(end: End, chat_id: int) -> End:
    """The person has asked the bot for something: staff have the chat no more."""

    def ends(db: Connection, now: datetime) -> None:
        hand_overs.end_in(db, chat_id, now)
        end(db, now)

    return ends


def _nothing(_db: Connection, _now: datetime) -> None:
    """Nothing else is to be written."""
