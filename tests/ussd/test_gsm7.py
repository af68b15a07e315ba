"""The alphabet of a feature phone."""

import gsm0338
from hypothesis import given
from hypothesis import strategies as st

from bot.ussd.gsm7 import BASIC, EXTENSION, fold, septets

_CODEC = gsm0338.Codec()


def _encoded(text: str) -> bytes:
    return _CODEC.encode(text)[0]


def test_the_alphabet_is_the_standard_one() -> None:
    assert all(len(_encoded(sign)) == 1 for sign in BASIC)
    assert all(len(_encoded(sign)) == 2 for sign in EXTENSION)


@given(st.text())
def test_I15_whatever_is_folded_can_be_shown(text: str) -> None:
    folded = fold(text)
    assert len(_encoded(folded)) == septets(folded)


def test_french_keeps_what_the_alphabet_has_and_loses_only_the_rest() -> None:
    assert (
        fold("Reçu à l’entrepôt: 12\u202f000\u00a0Frw, déjà")
        == "Recu à l'entrepot: 12 000 Frw, déjà"
    )


def test_I13_the_unseen_is_dropped_and_the_strange_is_marked() -> None:
    assert fold("\u200bŋ́a\u202e 🌽\ud800") == "na ?"


def test_extension_signs_take_two() -> None:
    assert septets("[a]|€") == 9
