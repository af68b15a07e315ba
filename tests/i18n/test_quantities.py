"""A typed quantity is read with its unit, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n.quantities import Quantity, read_quantity


@pytest.mark.parametrize(
    ("typed", "count", "measure"),
    [
        ("12", 12, ""), ("12 kg", 12, "kg"), ("12kg", 12, "kg"), ("12 KG.", 12, "kg"),
        ("ibiro 12", 12, "kg"), ("1 200 Frw", 1200, "frw"), ("Frw 1,200", 1200, "frw"),
        ("50 RWF", 50, "frw"), ("50 paquets", 50, "pack"), ("amapaki 50", 50, "pack"),
        ("12 uduseke", 12, "piece"), ("12 pièces", 12, "piece"),
    ],
)  # fmt: skip
def test_a_number_with_its_unit(typed: str, count: int, measure: str) -> None:
    assert read_quantity(typed) == Quantity(count, measure)


@pytest.mark.parametrize(
    "typed",
    ["2.5 kg", "kg", "", "-12 kg", "3 million", "12 kg 500", "kg 12 kg", "kg 12 frw", "٣ kg", "$50",
     "12 kg or 13", "50 sacs", "12 imifuka", "5" * 200],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_nothing(typed: str) -> None:
    assert read_quantity(typed) is None


@given(st.text(max_size=40))
def test_nothing_breaks_it(typed: str) -> None:
    found = read_quantity(typed)
    assert found is None or found.count >= 0
