"""`isoko messages`: extract, update and compile the catalogues, or check them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.conversation import LANGUAGES
from bot.i18n import CATALOGUES, DOMAIN

_PLACE = re.compile(r"{(\w+)}")
_TEMPLATE = CATALOGUES / f"{DOMAIN}.pot"


def messages(
    check: Annotated[bool, typer.Option(help="Change nothing; fail when work is left")] = False,
) -> None:
    """Extract, update and compile the catalogues.

    Example: isoko messages --check
    """
    if not check:
        _pybabel(
            "extract",
            "-q",
            "--no-location",
            "-k",
            "N_",
            "-k",
            "n_:1,2",
            "-o",
            str(_TEMPLATE),
            "bot",
        )
        for language in LANGUAGES:
            file = str(_file(language, "po"))
            _pybabel(
                "update", "-q", "-N", "--no-wrap", "--omit-header", "-i", str(_TEMPLATE),
                "-o", file, "-l", language,
            )  # fmt: skip
            _pybabel("compile", "-q", "-i", file, "-o", str(_file(language, "mo")))
    problems = [problem for language in LANGUAGES for problem in problems_of(language)]
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{len(used_messages())} messages, complete in {', '.join(LANGUAGES)}")


def used_messages() -> set[str]:
    """Every message that the code asks for."""
    from babel.messages.extract import extract_from_dir

    found = extract_from_dir(str(CATALOGUES.parent), keywords={"_": None, "N_": None, "n_": (1, 2)})
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


def _pybabel(*arguments: str) -> None:
    command = [sys.executable, "-m", "babel.messages.frontend", *arguments]
    subprocess.run(command, check=True)  # noqa: S603  our own arguments
