"""Every message exists in three languages, with its placeholders, and says what it composes."""

import polib
import pytest

from bot.cli.messages import problems_of, used_messages
from bot.conversation import LANGUAGES
from bot.i18n import CATALOGUES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated(language: str) -> None:
    assert problems_of(language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_catalogue_names_a_channel_or_has_a_curly_apostrophe(language: str) -> None:
    catalogue = polib.pofile(CATALOGUES / language / "LC_MESSAGES" / "bot.po")
    for entry in catalogue:
        assert "’" not in entry.msgstr
        assert not entry.msgstr.startswith(("CON ", "END "))
    assert "Plural-Forms" in catalogue.metadata


def test_what_was_composed_is_marked_for_a_native_speaker() -> None:
    catalogue = polib.pofile(CATALOGUES / "rw" / "LC_MESSAGES" / "bot.po")
    marked = [entry for entry in catalogue if "native review" in entry.tcomment]
    assert 50 < len(marked) < len(used_messages())
