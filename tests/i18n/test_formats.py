"""Amounts as people write them, and a typed amount read in one way or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n.formats import amount, number, read_amount, weight


def test_amounts_have_their_marks_and_never_break() -> None:
    assert amount(12_000, "rw") == "12,000\u00a0Frw"
    assert amount(12_000, "fr") == "12\u00a0000\u00a0Frw"
    assert number(1_234_567, "en") == "1,234,567"


def test_weights_are_exact() -> None:
    assert weight(500, "rw") == "500\u00a0g"
    assert weight(100_000, "en") == "100\u00a0kg"
    assert weight(1_250, "fr") == "1,25\u00a0kg"


@given(st.integers(0, 10**11))
def test_what_we_write_we_read_back(francs: int) -> None:
    for language in ("rw", "fr", "en"):
        written = number(francs, language).replace("\u00a0", " ")
        assert read_amount(written) == francs


@pytest.mark.parametrize("typed", ["-5", "1.5", "1,5", "1e9", "NaN", "Infinity", "12,00", "1 00",
                                   "１２", "٣", "1,000.000", "", "0x10", "1_000", "9" * 13])  # fmt: skip
def test_I08_what_could_be_read_in_two_ways_is_not_read(typed: str) -> None:
    assert read_amount(typed) is None


@given(st.text())
def test_I07_reading_never_breaks(typed: str) -> None:
    found = read_amount(typed)
    assert found is None or found >= 0
