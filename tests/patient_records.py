"""Records whose own limits are out of the way, where a test looks at something else.

A machine that stands still for seconds has not asked too much of the records. Tests of these limits
set their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_LIMITS = {
    "bot.storage.postgres_batch._WAIT_S": 60.0,
    "bot.storage.postgres._ANSWER_S": 60.0,
    "bot.storage.postgres._CONNECT_S": 20.0,
    "bot.storage.postgres._SIGN_OF_LIFE_S": 20.0,
    "bot.storage.postgres._STATEMENT_S": 50,
    "bot.storage.postgres._LOCK_S": 40,
}


@contextmanager
def patient_records() -> Iterator[None]:
    """PostgreSQL may take ten times as long, as long as this lasts."""
    with pytest.MonkeyPatch.context() as patch:
        for limit, patient in _LIMITS.items():
            patch.setattr(limit, patient)
        yield
