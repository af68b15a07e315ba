"""PINs that strangers try first, which therefore nobody may choose."""

from __future__ import annotations

from itertools import pairwise

# What no rule below catches: the most used ones of leaked lists, ways over the keypad, pairs,
# mirrored ones, and codes that everybody here dials.
_LISTED = (
    "12321 23432 34543 45654 56765 67876 78987 98789 87678 76567 65456 54345 43234 32123 21012 "
    "10203 12312 45645 78978 32132 65465 98798 12123 45456 78789 12344 12354 12346 12340 12347 "
    "11223 22334 33445 44556 55667 66778 77889 12233 23344 34455 45566 56677 67788 78899 99887 "
    "14789 36987 74123 96321 78963 32147 12369 98741 15935 75395 25802 14725 25836 36914 74108 "
    "25800 08520 15973 35791 95173 75319 14563 36541 42069 38317 90210 00700 52013 69420 80085 "
    "13131 24242 10101 20202 12021 31415 27182 16180 11235 10011 12399 11224 55443 98760 09877 "
    "78451 65478 45678 54320 25078 25072 25073 25079 18218 07880 07881 07870 07820 07300 07208 "
    "24680 86420 13597 02468"
)
DENIED = frozenset(_LISTED.split(" "))


def weak(pin: str, msisdn: str) -> bool:
    """Whether strangers try this PIN first, or whoever knows the number `msisdn` does."""
    if len(set(pin)) <= 2 or pin in DENIED:
        return True
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    if steps in ({1}, {-1}, {2}, {-2}):
        return True
    # A year of birth or of today, with a digit before or after it; or digits of one's own number.
    year = any(part.startswith(("19", "20")) for part in (pin[:4], pin[1:]))
    return year or pin in msisdn
