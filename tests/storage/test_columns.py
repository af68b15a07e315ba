"""What a column keeps is what SQLAlchemy itself would keep, however it was made."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import DateTime
from sqlalchemy.dialects import sqlite

from bot.storage.schema.columns import Moment, as_json

_DIALECT = sqlite.dialect()
_ours = Moment().dialect_impl(_DIALECT).bind_processor(_DIALECT)
_sqlalchemys = DateTime(timezone=True).dialect_impl(_DIALECT).bind_processor(_DIALECT)
_zones = some.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-9.5))])
_moments = some.builds(
    lambda second, micro, zone: datetime.fromtimestamp(second, zone).replace(microsecond=micro),
    some.integers(0, 4_000_000_000), some.integers(0, 999_999), _zones,
)  # fmt: skip
_any_json = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**63), 2**64 - 1) | some.text(),
    lambda one: some.lists(one) | some.dictionaries(some.text(), one),
)


@given(_moments)
def test_a_moment_is_the_text_that_sqlalchemy_makes_of_it_in_utc(moment: datetime) -> None:
    assert _ours(moment) == _sqlalchemys(moment.astimezone(UTC))


def test_a_moment_without_its_zone_is_refused() -> None:
    assert _ours(None) is None
    with pytest.raises(ValueError, match="time zone"):
        _ours(datetime.now(UTC).replace(tzinfo=None))


@given(_any_json)
def test_json_is_read_back_as_it_was(value: object) -> None:
    assert json.loads(as_json(value)) == value


def test_half_a_pair_of_utf_16_is_kept_as_an_escape() -> None:
    assert json.loads(as_json({"typed": "\ud83d"})) == {"typed": "\ud83d"}
