"""Two people are two people: also where a release or an end by hand asks for two names."""

import pytest

from bot.market import clearance, settling_by_hand
from bot.market.limits import USUAL, PayoutRules
from bot.market.staff_names import look_alike
from tests.market.money import pay, person, settle

_STRICT = PayoutRules(release_above_rwf=50_000)


@pytest.mark.parametrize("other", ["Amina", "a.mina", "amína", "amina 2", " AMI NA ", "ａｍｉｎａ"])
async def test_one_person_by_two_spellings_releases_nothing(records, now, other: str) -> None:
    def work(db) -> list[str]:
        made = pay(db, person(db, now), now)
        release = clearance.release
        names = ("amina", other, "eric")
        return [release(db, made.reference, name, _STRICT, now)[0] for name in names]

    assert await records.write(work) == ["one_more", "twice", "released"]


@pytest.mark.parametrize("second", ["a.mina", "amína", "amina 2"])
async def test_one_person_by_two_spellings_ends_nothing_by_hand(records, now, second: str) -> None:
    def work(db) -> list[str]:
        flagged = settle(db, pay(db, person(db, now), now), now, amount_rwf=1)
        assert flagged.state == "flagged"
        terms = {"reason": "portal", "by": "amina", "now": now, "rules": USUAL}
        end = settling_by_hand.settle
        return [
            end(db, flagged.reference, "succeeded", second=name, **terms)
            for name in (second, "eric")
        ]

    assert await records.write(work) == ["one_name", "settled"]


def test_different_people_are_not_alike() -> None:
    assert not look_alike("amina", "eric") and not look_alike("jean paul", "jean pierre")
