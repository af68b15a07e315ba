"""The life of an offer, a payment, a booking: a table each, and the only way to change a state."""

from __future__ import annotations

from transitions import Machine, MachineError

OFFER_MOVES = [
    # trigger     from                 to
    ("accept",    "offered",           "accepted"),
    ("decline",   "offered",           "declined"),
    ("expire",    "offered",           "expired"),
    ("withdraw",  "offered",           "withdrawn"),
    # What the hub called off stands again.
    ("offer_again", "withdrawn",       "offered"),
    ("hand_over", "accepted",          "handed_over"),
    ("ship",      "handed_over",       "shipped"),
    ("deliver",   "shipped",           "delivered"),
    ("pay",       "delivered",         "paid"),
    ("confirm",   "paid",              "confirmed"),
    ("dispute",   "accepted",          "disputed"),
    ("dispute",   "handed_over",       "disputed"),
    ("dispute",   "shipped",           "disputed"),
    ("dispute",   "delivered",         "disputed"),
    ("dispute",   "paid",              "disputed"),
    # Staff end a dispute: it goes on from where it stood, or is called off.
    ("back_to_accepted",    "disputed", "accepted"),
    ("back_to_handed_over", "disputed", "handed_over"),
    ("back_to_shipped",     "disputed", "shipped"),
    ("back_to_delivered",   "disputed", "delivered"),
    ("back_to_paid",        "disputed", "paid"),
    ("call_off",            "disputed", "withdrawn"),
]  # fmt: skip

PAYMENT_MOVES = [
    # trigger     from        to
    ("send",      "created",  "sent"),
    ("lose",      "created",  "unknown"),
    ("lose",      "sent",     "unknown"),
    ("succeed",   "created",  "succeeded"),
    ("succeed",   "sent",     "succeeded"),
    ("succeed",   "unknown",  "succeeded"),
    ("fail",      "created",  "failed"),
    ("fail",      "sent",     "failed"),
    ("fail",      "unknown",  "failed"),
    ("flag",      "created",  "flagged"),
    ("flag",      "sent",     "flagged"),
    ("flag",      "unknown",  "flagged"),
    # By staff, who found out.
    ("succeed",   "flagged",  "succeeded"),
    ("fail",      "flagged",  "failed"),
]  # fmt: skip


BOOKING_MOVES = [
    # trigger     from         to
    ("accept",    "requested", "accepted"),
    ("decline",   "requested", "declined"),
    ("ask_date",  "requested", "date_asked"),
    ("expire",    "requested", "expired"),
    ("withdraw",  "requested", "withdrawn"),
]  # fmt: skip


class Forbidden(Exception):
    """The table has no such change from this state."""


class Standing:
    """Something that stands in a state; the machine moves it and is never told to keep it."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


def _life(moves: list[tuple[str, str, str]]) -> Machine:
    places = dict.fromkeys(place for _, source, target in moves for place in (source, target))
    return Machine(
        model=None,
        states=list(places),
        transitions=[{"trigger": t, "source": s, "dest": d} for t, s, d in moves],
        initial=moves[0][1],
        auto_transitions=False,
    )


OFFER_LIFE = _life(OFFER_MOVES)
PAYMENT_LIFE = _life(PAYMENT_MOVES)
BOOKING_LIFE = _life(BOOKING_MOVES)


def advance(life: Machine, state: str, trigger: str) -> str:
    """The state after `trigger`. Raises `Forbidden` when the table has no such change."""
    thing = Standing(state)
    try:
        life.events[trigger].trigger(thing)
    except (MachineError, KeyError) as error:
        raise Forbidden(f"{trigger!r} is not possible from {state!r}") from error
    return thing.state
