"""Every message exists in three languages, with its placeholders, and says what it composes."""

import shutil
import subprocess
import sys
from pathlib import Path

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


def test_bringing_the_catalogues_up_to_date_changes_nothing_when_they_are(tmp_path: Path) -> None:
    shutil.copytree(CATALOGUES.parent, tmp_path / "bot")
    shutil.copytree(CATALOGUES.parent.parent / "config", tmp_path / "config")

    done = subprocess.run(
        [sys.executable, "-m", "bot", "messages"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    for before in CATALOGUES.glob("*/LC_MESSAGES/*"):
        after = tmp_path / "bot" / "i18n" / before.relative_to(CATALOGUES)
        assert after.read_bytes() == before.read_bytes(), before.name
