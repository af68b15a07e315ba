"""A lesson that was cut off goes on where it was, and its end says how much was right."""

import pytest

from tests.server import CRAFTS, UNKNOWN, Running


@pytest.mark.parametrize("caller", [CRAFTS, UNKNOWN])
async def test_C4_a_lesson_cut_at_any_screen_goes_on_there(server: Running, caller: str) -> None:
    phone = server.phone(caller)
    await phone.dials()
    if caller == UNKNOWN:
        await phone.types("3")
    for keys in (("5", "2"), ("1",), ("2",)):
        cut = await phone.types(*keys)
        card = await phone.dials()
        assert "At the washing station" in card
        assert await phone.types("1") == cut
    # What was answered is no more to be gone on with.
    await phone.types("2")
    assert "You were at" not in await phone.dials()


@pytest.mark.usefixtures("either_store")
@pytest.mark.parametrize("caller", [CRAFTS, UNKNOWN])
async def test_S10_the_end_of_the_course_says_how_much_was_right(
    server: Running, caller: str
) -> None:
    phone = server.phone(caller)
    await phone.dials()
    if caller == UNKNOWN:
        await phone.types("3")
    assert "correctly" not in await phone.types("5", "1", "2", "2")
    assert "correctly" not in await phone.types("1", "2", "1")
    said = await phone.types("2", "2", "3")
    assert said.startswith("Correct!\nYou answered 2 of 3 correctly.")
    if caller == CRAFTS:
        # It is kept: in another call the others count as they were answered.
        await phone.dials()
        said = await phone.types("5", "3", "2", "1")
        assert "Nobody is the answer.\nYou answered 1 of 3 correctly." in said
