"""A call as a test: what was dialled and typed, and each screen that came back."""

from __future__ import annotations

from bot.dashboard.screens.one_call import OneCall
from bot.i18n.formats import local_day
from bot.pins_in_texts import CUT

_HEAD = '''"""A call that was made on {day}, from the dashboard. Numbers in it are masked."""

from tests.phone import PIN
from tests.server import Running


async def test_this_call_goes_as_it_went(server: Running) -> None:
    phone = server.phone()
'''


def test_of(call: OneCall, timezone: str) -> str:
    """The call as Python that pytest runs, with its day in `timezone`.

    A PIN that was typed is the demo's.
    """
    lines = []
    for number, hop in enumerate(one for one in call.hops if one.said):
        asked = f"phone.types({_typed(hop.typed)})" if number or not call.whole else "phone.dials()"
        lines += [f"    screen = await {asked}", f"    assert screen == {hop.shown!r}"]
    return _HEAD.format(day=local_day(call.hops[0].at, timezone)) + "\n".join(lines) + "\n"


def _typed(typed: str) -> str:
    return "PIN" if typed == CUT else repr(typed)
