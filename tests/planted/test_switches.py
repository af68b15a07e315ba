"""Each planted bug still has something to change, and really changes it."""

import pytest

from tests.planted.bugs import BUGS, BY_NAME, Bug
from tests.planted.edit import Edit, Rotten


def test_there_are_at_least_twenty_and_each_has_its_name() -> None:
    assert len(BY_NAME) == len(BUGS) >= 20


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_switch_finds_its_place_and_changes_what_runs(bug: Bug) -> None:
    for edit in bug.edits:
        now, then = edit.function.__code__, edit.code()
        changed = (now.co_code, now.co_names) != (then.co_code, then.co_names)
        assert changed or now.co_consts != then.co_consts
        assert now.co_varnames[: now.co_argcount] == then.co_varnames[: then.co_argcount]
        assert now.co_freevars == then.co_freevars


def test_a_switch_whose_place_is_gone_is_called_rotten() -> None:
    with pytest.raises(Rotten, match="0 times"):
        Edit(Edit.plant, (("nothing like this", ""),)).code()


def test_a_planted_edit_is_met_by_who_calls() -> None:
    def answer() -> int:
        return 41 + 1

    Edit(answer, (("41", "1"), (" + 1", " + 3"))).plant()
    assert answer() == 4
