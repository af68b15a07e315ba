"""A statement as a table: whole francs that add up, and no cell that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import LANGUAGES
from bot.csv_cells import safe_text
from bot.i18n import CATALOGUES, load_catalogues, speaking
from bot.i18n.formats import day, local_day
from bot.market import statement_pdf
from bot.market.payments import statement as payments_of
from bot.market.statement import Statement, statement_of
from bot.market.statement_csv import as_csv, harmless
from bot.market.statement_pdf import as_pdf
from bot.storage.records import Records
from bot.storage.schema import payments
from tests.market.test_offers import ZONE, farmer

STATES = ("succeeded", "failed", "unknown", "succeeded", "flagged")


def pay(db, contact_id: int, number: int, now: datetime, **more) -> None:
    values = {
        "reference": f"r{number}", "callback_token": f"t{number}", "direction": "payout",
        "contact_id": contact_id, "order_code": f"KW-{number}", "provider": "mtn-momo",
        "payee_msisdn": "+250788000001", "amount_rwf": 1000 + number, "currency": "RWF",
        "state": STATES[number % 5], "proof_code": f"P{number}", "created_at": now,
        "provider_txn_id": f"=HYPERLINK({number})", **more,
    }  # fmt: skip
    db.execute(payments.insert().values(values))


async def statement(
    records: Records, now: datetime, count: int = 12, most: int = 1000
) -> Statement:
    load_catalogues()

    def work(db) -> Statement:
        contact_id = farmer(db, 1, now)
        for number in range(count):
            pay(db, contact_id, number, now - timedelta(minutes=number))
        pay(db, contact_id, 900, now, direction="collection")
        pay(db, farmer(db, 2, now), 901, now)
        with speaking("en"):
            return statement_of(db, contact_id, ZONE, now, most)

    return await records.write(work)


def read(made: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(made.decode("utf-8-sig"))))


async def test_what_was_received_adds_up_and_nothing_else_counts(records: Records, now) -> None:
    found = await statement(records, now)
    heads, *rows, total = read(as_csv(found))
    assert len(rows) == 13 and all(len(row) == len(heads) for row in (*rows, total))
    assert sum(int(row[-1]) for row in rows) == int(total[-1]) == found.received_rwf > 0
    # What was paid by the person, what failed and what nobody knows yet is no income.
    assert all(row[-1] == "0" for row in rows if row[4] != "received")
    assert "KW-901" not in str(rows) and "+250788000001" not in str(found)
    assert all(row[6].startswith("'=") for row in rows)


@pytest.mark.parametrize("settled", [True, False])
async def test_what_is_settled_goes_by_that_day_in_the_file_as_on_the_phone(
    records: Records, now, settled: bool
) -> None:
    load_catalogues()
    made, ended = now - timedelta(days=3), now - timedelta(days=1)

    def work(db):
        contact_id = farmer(db, 1, now)
        pay(db, contact_id, 0, made, settled_at=ended if settled else None)
        with speaking("en"):
            written = statement_of(db, contact_id, ZONE, now)
        return written.rows[0][0], payments_of(db, contact_id)[0].dated_at

    in_the_file, on_the_phone = await records.write(work)
    assert on_the_phone == (ended if settled else made)
    assert in_the_file == day(local_day(on_the_phone, ZONE))


async def test_of_very_many_the_newest_are_shown_and_the_total_is_of_all(
    records: Records, now
) -> None:
    found = await statement(records, now, 12, most=5)
    assert found.cut and len(found.rows) == 5
    assert found.received_rwf > sum(int(row[-1]) for row in found.rows)
    with speaking("fr"):
        assert as_pdf(found).startswith(b"%PDF-")


@given(st.text(max_size=20))
def test_no_text_becomes_a_formula(text: str) -> None:
    cell = harmless(text)
    assert not str(cell).lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "|", "%"))
    assert text in str(cell)


@pytest.mark.parametrize("text", ["=1", " =1", "\u200b=1", '"=1', "＝1", "\u00a0@x", "%x", "\tx"])
def test_X01_a_cell_of_a_statement_is_as_safe_as_one_of_the_dashboard(text: str) -> None:
    assert harmless(text) == safe_text(text) == f"'{text}"


@pytest.mark.parametrize(("language", "form"), [("rw", "240,000"), ("fr", "240 000")])
def test_a_number_on_paper_has_the_form_of_its_language(language: str, form: str) -> None:
    with speaking(language):
        assert statement_pdf.in_form(240_000).replace("\u00a0", " ") == form


def test_a_number_stays_a_number() -> None:
    assert harmless(-5) == -5


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_font_has_every_sign_of_our_words(language: str) -> None:
    from reportlab.pdfbase.ttfonts import TTFont

    words = (CATALOGUES / language / "LC_MESSAGES" / "bot.po").read_text(encoding="utf-8")
    signs = {
        sign for line in words.splitlines() if line.startswith(("msgstr", '"')) for sign in line
    }
    missing = {
        sign for sign in signs if ord(sign) not in TTFont("Vera", "Vera.ttf").face.charToGlyph
    }
    # Arrows and dots of the dashboard's pages; none of them stands on a statement.
    assert missing <= set("→←▲▶●○◐◔›‹✓✗−⚠�"), missing
