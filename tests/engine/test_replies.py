"""Replies in one run of bytes: what was given is found again, whatever it says."""

from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import Reply
from bot.engine.replies import added, find

_marks = st.binary(min_size=16, max_size=16)
_replies = st.builds(Reply, st.text(max_size=200), st.booleans())


@given(st.dictionaries(_marks, _replies, max_size=12), _marks)
def test_each_hop_finds_its_own_reply(given_replies: dict[bytes, Reply], stranger: bytes) -> None:
    kept = b""
    for mark, reply in given_replies.items():
        kept = added(kept, mark, reply)
    for mark, reply in given_replies.items():
        assert find(kept, mark) == reply
    if stranger not in given_replies:
        assert find(kept, stranger) is None


def test_a_mark_that_stands_in_a_text_is_no_reply() -> None:
    mark = b"sixteen letters!"
    assert find(added(b"", b"m" * 16, Reply(mark.decode())), mark) is None


def test_the_oldest_go_when_there_are_too_many() -> None:
    kept = b""
    for number in range(200):
        kept = added(kept, number.to_bytes(16, "big"), Reply("x" * 160))
    assert len(kept) <= 12_000
    assert find(kept, (0).to_bytes(16, "big")) is None
    assert find(kept, (199).to_bytes(16, "big")) == Reply("x" * 160)


def test_a_hop_answered_anew_has_only_its_last_reply() -> None:
    mark, other = b"m" * 16, b"o" * 16
    kept = added(added(b"", mark, Reply("menu")), other, Reply("other"))
    kept = added(kept, mark, Reply("orders"))

    assert find(kept, mark) == Reply("orders")
    assert find(kept, other) == Reply("other")
    assert b"menu" not in kept
