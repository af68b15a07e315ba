"""A list in a chat: a file with a table, read as if its numbers had been typed."""

from __future__ import annotations

from bot.conversation import Language, Session
from bot.csv_cells import number_cells
from bot.i18n import speaking
from bot.market import list_words
from bot.telegram.files import Files, NotFetched, TooLarge
from bot.telegram.saying import Saying
from bot.telegram.wire import Document

# A thousand numbers with names beside them have a tenth of this.
BYTES_MAX = 1_000_000
# What no cell of a list holds, and what would be more than an answer on a phone.
_NO_ANSWER = str.maketrans({"*": "?", "#": "?"})
_CELL_MAX = 40


class Listing:
    """Reads the files that answer a question."""

    def __init__(self, files: Files) -> None:
        self._files = files

    async def read(self, saying: Saying, document: Document, language: Language) -> str:
        """What the file answers; "" when it cannot be read, which is said."""
        try:
            if document.file_size > BYTES_MAX:
                raise TooLarge
            raw = await self._files.fetch(document.file_id)
            if len(raw) > BYTES_MAX:
                raise TooLarge
            cells = [_as_typed(cell) for cell in number_cells(raw)]
            if any(cells):
                return "".join(f",{cell}" for cell in cells if cell)
            why = list_words.no_list
        except TooLarge:
            why = list_words.too_large
        except NotFetched:
            why = list_words.not_fetched
        except ValueError:
            why = list_words.no_list
        saying.outcome = f"no list: {why.__name__}"
        with speaking(language):
            saying.say(why())
        return ""


def _as_typed(cell: str) -> str:
    # In one piece, so that a line counts once.
    return "".join(cell.split())[:_CELL_MAX].translate(_NO_ANSWER)


def expects_list(session: Session | None) -> bool:
    """Whether the screen that the person sees may be answered with a file."""
    if session is None or session.screen is None or session.ended or session.moved_to:
        return False
    return session.screen.list_file
