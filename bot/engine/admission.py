"""Who is let in when many come at once: calls under way before new dials, and nobody too often."""

from __future__ import annotations

from bot.conversation import Inbound
from bot.engine.limits import DialLimit, Limits

# A call has some six hops in the time in which a number may dial once.
_LOST_HOPS_TIMES = 6
_UNDER_WAY_TIMES = 2
# Past so many times the limit of new dials even calls under way are asked to come again later.
_ALL_TIMES = 4


class Admission:
    """Counts the hops that are being answered, and says who must come again later."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._dials = DialLimit(limits.dials_per_minute)
        self._lost = DialLimit(limits.dials_per_minute * _LOST_HOPS_TIMES)
        # Half of all places are kept for calls under way: no flood of dials takes those.
        self.dials_max = limits.hops_in_flight_max * _UNDER_WAY_TIMES
        self._hops_max = limits.hops_in_flight_max * _ALL_TIMES
        self.in_flight = self.looking_up = 0

    @property
    def is_full(self) -> bool:
        """Whether nobody can be answered in time."""
        return self.in_flight > self._hops_max

    @property
    def is_for_calls(self) -> bool:
        """Whether the places left are kept for calls under way."""
        return self.in_flight > self.dials_max

    def is_crowded(self, inbound: Inbound, place: int) -> bool:
        """Whether a session not known before finds no place; `place` were there before it.

        Of many that come at once those have a place that came first; else nobody had one.
        """
        most = self._limits.hops_in_flight_max
        # What has a history is a call whose session was lost: it is under way, and more may come.
        return place >= (most * _UNDER_WAY_TIMES if inbound.history else most)

    def is_too_often(self, inbound: Inbound, may_dial: bool | None) -> bool:
        """Whether this number began too many sessions lately; counts this one when it may.

        `may_dial` is what all processes together have counted, None where they could not.
        """
        if may_dial is not None and not inbound.history:
            return not may_dial
        limit = self._lost if inbound.history else self._dials
        return not limit.lets_in(inbound.msisdn)
