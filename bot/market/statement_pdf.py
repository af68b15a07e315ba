"""A statement as a PDF on A4, to be printed or shown at a bank."""

from __future__ import annotations

import io
from xml.sax.saxutils import escape

from bot.i18n import _, language_spoken
from bot.i18n.formats import number
from bot.market.statement import Cell, Statement

# It comes with the library, and has every sign of our three languages.
_FONT, _BOLD = "Vera", "VeraBd"
_SIZE = 7
_RIGHT = (3, 8)


def as_pdf(statement: Statement) -> bytes:
    """The pages, each with the heads of the table, the total last. Takes up to a second."""
    # The library takes a third of a second to load: only where it is used.
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    plain, bold = _styles()
    told = [Paragraph(escape(statement.title), bold), Spacer(1, 6)]
    told += [Paragraph(escape(line), plain) for line in (statement.whose, statement.made)]
    if statement.cut:
        words = _("The newest {n} payments are shown; the total is of all.")
        told.append(Paragraph(escape(words.format(n=len(statement.rows))), plain))
    pages = io.BytesIO()
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), 36)
    paper = SimpleDocTemplate(pages, pagesize=A4, title=statement.title, **margins)
    paper.build([*told, Spacer(1, 10), _table(statement)])
    return pages.getvalue()


def in_form(count: int) -> str:
    """A number as the language that is spoken writes it."""
    return number(count, language_spoken())


def _styles() -> tuple[object, object]:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for name in (_FONT, _BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    plain = ParagraphStyle("plain", fontName=_FONT, fontSize=9, leading=13)
    bold = ParagraphStyle("bold", fontName=_BOLD, fontSize=14, leading=18)
    return plain, bold


def _table(statement: Statement) -> object:
    from reportlab.lib import colors
    from reportlab.platypus import LongTable

    empty = [""] * (len(statement.heads) - 2)
    last = [statement.total, *empty, in_form(statement.received_rwf)]
    cells = [[*statement.heads], *([_shown(cell) for cell in row] for row in statement.rows), last]
    table = LongTable(cells, repeatRows=1)
    table.setStyle(
        [
            ("FONT", (0, 0), (-1, -1), _FONT, _SIZE),
            ("FONT", (0, 0), (-1, 0), _BOLD, _SIZE),
            ("FONT", (0, -1), (-1, -1), _BOLD, _SIZE),
            *(("ALIGN", (column, 0), (column, -1), "RIGHT") for column in _RIGHT),
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
            ("LINEABOVE", (0, -1), (-1, -1), 0.8, colors.black),
            ("LINEBELOW", (0, 1), (-1, -2), 0.2, colors.lightgrey),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ]
    )
    return table


def _shown(cell: Cell) -> str:
    return in_form(cell) if isinstance(cell, int) else cell
