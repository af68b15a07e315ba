"""`isoko messages`: extract, update and compile the catalogues, or check them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.conversation import LANGUAGES
from bot.i18n import CATALOGUES, DOMAIN

_PLACE = re.compile(r"{(\w+)}")
# How a catalogue is written: sorted, no line numbers, no dates: a change shows only itself.
_FORM: dict[str, Any] = {
    "width": 100,
    "sort_output": True,
    "no_location": True,
    "ignore_obsolete": True,
    "omit_header": True,
}
# Words stand in the code and on the pages of the dashboard.
_WHERE = [("**.py", "python"), ("**.html", "jinja2")]
_HEADER = """#
msgid ""
msgstr ""
"Project-Id-Version: isoko\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""
_LONG_AGO = datetime(2026, 11, 24, tzinfo=UTC)


def messages(
    check: Annotated[bool, typer.Option(help="Change nothing; fail when work is left")] = False,
) -> None:
    """Extract, update and compile the catalogues.

    Example: isoko messages --check
    """
    if not check:
        for language in LANGUAGES:
            bring_up_to_date(language)
    problems = [problem for language in LANGUAGES for problem in problems_of(language)]
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{len(used_messages())} messages, complete in {', '.join(LANGUAGES)}")


def bring_up_to_date(language: str) -> None:
    """Give a language's catalogue the messages that the code asks for, and compile it.

    Translations and their notes stay; a new message comes in empty, one no longer used goes.
    """
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po, write_po

    template = Catalog(creation_date=_LONG_AGO)
    for message in used_messages():
        template.add(message)
    with _file(language, "po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False)
    catalogue.revision_date = _LONG_AGO
    with _file(language, "po").open("wb") as file:
        file.write(_HEADER.format(language=language, plurals=catalogue.plural_forms).encode())
        write_po(file, catalogue, **_FORM)
    with _file(language, "mo").open("wb") as file:
        write_mo(file, catalogue)


def used_messages() -> set[str]:
    """Every message that the code asks for."""
    from babel.messages.extract import extract_from_dir

    found = extract_from_dir(
        str(CATALOGUES.parent), method_map=_WHERE, keywords={"_": None, "N_": None}
    )
    return {
        text
        for _file_name, _line, message, _comments, _context in found
        for text in (message if isinstance(message, tuple) else (message,))
    }


def problems_of(language: str) -> list[str]:
    """What is missing or wrong in a language's catalogue, in words."""
    from babel.messages.mofile import read_mo
    from babel.messages.pofile import read_po

    with _file(language, "po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    with _file(language, "mo").open("rb") as file:
        compiled = {entry.id: entry.string for entry in read_mo(file) if entry.id}
    problems = []
    known = {entry.id: entry for entry in catalogue if entry.id}
    for message in sorted(used_messages()):
        entry = known.get(message)
        if entry is None or not entry.string or entry.fuzzy:
            problems.append(f"{language}: not translated: {message!r}")
        elif set(_PLACE.findall(message)) != set(_PLACE.findall(str(entry.string))):
            problems.append(f"{language}: other placeholders: {message!r}")
        elif re.search(r"[nykw]'{", str(entry.string)):
            problems.append(f"{language}: a placeholder after an elision: {message!r}")
        elif compiled.get(message) != entry.string:
            problems.append(f"{language}: not compiled, run `make messages`: {message!r}")
    return problems


def _file(language: str, kind: str) -> Path:
    return CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.{kind}"
