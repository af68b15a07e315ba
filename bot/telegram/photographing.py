"""A photo in a chat: fetched only where one is expected, made anew, kept for staff to check."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from bot.conversation import Language, Session
from bot.i18n import speaking
from bot.market import Actor, photo_words, stock_photos
from bot.market.pictures import NoPicture, made_anew
from bot.market.telegram_links import CHANNEL, Link
from bot.telegram.files import BYTES_MAX, Files, NotFetched, TooLarge
from bot.telegram.saying import Saying
from bot.telegram.wire import Message

End = Callable[[Connection, datetime], None]
_WORDS: dict[stock_photos.Kept, Callable[[], str]] = {
    "kept": photo_words.taken,
    "gone": photo_words.gone,
    "full": photo_words.enough,
    "too_often": photo_words.too_many_today,
    "verify": photo_words.must_verify,
}
# To unpack a picture takes memory: not many at once, however many come.
_AT_ONCE = 2


class Photographing:
    """Takes photos of what the session's screen shows."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._unpacking = asyncio.Semaphore(_AT_ONCE)

    async def take(
        self, saying: Saying, message: Message, link: Link | None, session: Session | None,
        language: Language,
    ) -> End:  # fmt: skip
        """Take the photo in `message`, or say why not; what is left to be written with its end."""
        listing_id = _expected(session) if link is not None else 0
        if link is None or not listing_id:
            saying.outcome = "ignored: photo"
            if link is not None:
                self._say(saying, photo_words.not_expected, language)
            return _nothing
        jpeg = await self._jpeg(saying, message, language)
        if not jpeg:
            return _nothing
        actor = Actor("person", CHANNEL, f"telegram:{saying.update_id}", link.contact_id)

        def end(db: Connection, now: datetime) -> None:
            kept = stock_photos.keep(db, actor, listing_id, jpeg, now)
            self._say(saying, _WORDS[kept], language)

        return end

    async def _jpeg(self, saying: Saying, message: Message, language: Language) -> bytes:
        """The picture made anew; b"" when there is none, which is said."""
        file_id, size = _largest(message)
        try:
            if size > BYTES_MAX:
                raise TooLarge
            raw = await self._files.fetch(file_id)
            async with self._unpacking:
                return await asyncio.to_thread(made_anew, raw)
        except TooLarge:
            why = photo_words.too_large
        except NoPicture:
            why = photo_words.no_picture
        except NotFetched:
            why = photo_words.not_fetched
        saying.outcome = f"no photo: {why.__name__}"
        self._say(saying, why, language)
        return b""

    @staticmethod
    def _say(saying: Saying, words: Callable[[], str], language: Language) -> None:
        with speaking(language):
            saying.say(words())


def _expected(session: Session | None) -> int:
    """Of which stock the screen that the person sees takes photos; 0 of none."""
    if session is None or session.screen is None or session.ended:
        return 0
    return session.screen.photo_of


def _largest(message: Message) -> tuple[str, int]:
    """The id and the bytes of what was sent; of a photo in several sizes the largest we take."""
    if message.document is not None:
        return message.document.file_id, message.document.file_size
    fitting = [one for one in message.photo if one.file_size <= BYTES_MAX] or message.photo
    best = max(fitting, key=lambda one: (one.width * one.height, one.file_size))
    return best.file_id, best.file_size


def _nothing(_db: Connection, _now: datetime) -> None:
    """Nothing else is to be written."""
