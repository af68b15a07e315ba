"""What every code and state of Airtel means, and that one of no page fails nothing."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.payments import airtel_codes
from bot.payments.airtel_codes import read_asked, read_enquiry
from bot.payments.airtel_money import AirtelMoney
from bot.payments.provider import Outcome
from tests.payments.airtel_answers import (
    ACCEPTED,
    AIRTEL_FARMER,
    CODES,
    OUR_ID,
    UNDECIDED,
    asked,
)
from tests.payments.operators import airtel_config

PAGES = {**CODES["collection"], **CODES["disbursement"]}


@pytest.mark.parametrize("http_status", [200, 400, 500])
@pytest.mark.parametrize("code", PAGES)
def test_every_documented_code_has_its_meaning(code: str, http_status: int) -> None:
    success = code in ACCEPTED
    answer = read_asked(http_status, asked(code, success), OUR_ID)
    if success:
        # A success that came with an error is one that no page explains.
        expected = Outcome.ACCEPTED if http_status == 200 else Outcome.UNKNOWN
    else:
        expected = Outcome.UNKNOWN if code in UNDECIDED else Outcome.REFUSED
    assert answer.outcome is expected
    assert answer.outcome is Outcome.ACCEPTED or answer.reason == code


def test_the_table_of_codes_is_that_of_the_pages() -> None:
    assert airtel_codes._MEANS.keys() == PAGES.keys()


@pytest.mark.parametrize(
    "code", ["DP00900001099", "DP00900009001", "ROUTER117", "ESB000008", "ESB000041x", "x", "0"]
)
@pytest.mark.parametrize("success", [True, False])
def test_a_code_of_no_page_is_unknown_and_for_staff(code: str, success: bool) -> None:
    for status in (200, 400, 503):
        answer = read_asked(status, asked(code, success, status="TF"), OUR_ID)
        assert (answer.outcome, answer.strange, answer.reason) == (Outcome.UNKNOWN, True, code)
        for state in ("TS", "TF", "TE", "", "XX"):
            told = asked(code, success, status=state)
            answer = read_enquiry(status, told, OUR_ID, can_expire=True)
            assert (answer.outcome, answer.strange) == (Outcome.UNKNOWN, True), state


NOTHING_TOLD = frozenset({"amount_rwf", "currency", "payee_msisdn"})
CONTRADICTIONS = [("TS", "DP00900001007"), ("TF", "DP00900001001"), ("TF", "DP00900001017"),
                  ("TS", "DP00900001015"), ("TS", ""), ("TF", ""), ("TF", "DP00900001000")]  # fmt: skip


@pytest.mark.parametrize(("state", "code"), CONTRADICTIONS)
def test_a_state_and_a_code_that_disagree_are_for_staff(state: str, code: str) -> None:
    answer = read_enquiry(200, asked(code, True, status=state), OUR_ID, can_expire=True)
    assert (answer.outcome, answer.strange) == (Outcome.UNKNOWN, True)


def test_another_s_success_is_not_ours() -> None:
    told = asked("DP00900001001", True, "another", status="TS")
    assert read_enquiry(200, told, OUR_ID, can_expire=False).strange


@pytest.mark.parametrize("state", ["TS", "TF", "TE"])
def test_an_end_that_names_no_id_is_nobody_s(state: str) -> None:
    told = asked("DP00900001001" if state == "TS" else "DP00900001008", True, "", status=state)
    answer = read_enquiry(200, told, OUR_ID, can_expire=True)
    assert (answer.outcome, answer.strange) == (Outcome.UNKNOWN, True)


OLD_CODES = [
    ("TS", "ESB000010", Outcome.SUCCEEDED, ""),
    ("TF", "ESB000010", Outcome.REFUSED, "No funds"),
    ("TS", "ESB000041", Outcome.UNKNOWN, "TS ESB000041"),
    ("TF", "ESB000008", Outcome.UNKNOWN, "TF ESB000008"),
]


@pytest.mark.parametrize(("state", "code", "outcome", "reason"), OLD_CODES)
def test_an_answer_with_the_older_code_alone_is_read_by_its_state(
    state: str, code: str, outcome: Outcome, reason: str
) -> None:
    told = asked("", True, status=state, message="No funds")
    told["status"]["result_code"] = code
    answer = read_enquiry(200, told, OUR_ID, can_expire=False)
    assert (answer.outcome, answer.reason) == (outcome, reason)


@pytest.mark.parametrize("state", ["TIP", "TI"])
def test_under_way_is_pending_whatever_the_code(state: str) -> None:
    for code in ("DP00900001006", "DP00900001001", "ESB000010", ""):
        told = asked(code, True, status=state)
        assert read_enquiry(200, told, OUR_ID, can_expire=False).outcome is Outcome.PENDING


def test_not_found_is_not_there_only_in_an_enquiry() -> None:
    told = {"data": {}, "status": {"response_code": "DP00900001015", "success": False}}
    assert read_enquiry(404, told, OUR_ID, can_expire=False).outcome is Outcome.NOT_THERE
    assert read_enquiry(404, None, OUR_ID, can_expire=False).outcome is Outcome.UNKNOWN
    assert read_asked(404, told, OUR_ID).outcome is Outcome.UNKNOWN


TERMS = [
    ({"message": "Paid RWF 42000"}, (42_000, "RWF", ""), {"payee_msisdn"}),
    ({"message": "Paid EUR 42000"}, (42_000, "EUR", ""), {"payee_msisdn"}),
    ({"message": "Transaction Successful"}, (None, "", ""), NOTHING_TOLD),
    ({"amount": 42000, "currency": "RWF", "msisdn": "738000004"},
     (42_000, "RWF", AIRTEL_FARMER), set()),
    # What is told and cannot be read is told: it must not pass as left out.
    ({"amount": "42000.50"}, (None, "", ""), {"currency", "payee_msisdn"}),
    ({"amount": None}, (None, "", ""), {"currency", "payee_msisdn"}),
    ({"amount": 1, "message": "Paid RWF 42000"}, (1, "RWF", ""), {"payee_msisdn"}),
]  # fmt: skip


@pytest.mark.parametrize(("told", "terms", "untold"), TERMS)
def test_terms_are_read_where_airtel_tells_them(told: dict, terms: tuple, untold: set) -> None:
    body = asked("DP00900001001", True, status="TS", **told)
    answer = read_enquiry(200, body, OUR_ID, can_expire=False)
    assert (answer.amount_rwf, answer.currency, answer.payee_msisdn) == terms
    assert answer.outcome is Outcome.SUCCEEDED and answer.untold == untold


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
airtel_values = st.fixed_dictionaries(
    {},
    optional={
        "status": json_values
        | st.fixed_dictionaries(
            {}, optional={"response_code": json_values, "success": json_values}
        ),
        "data": json_values
        | st.fixed_dictionaries(
            {
                "transaction": st.dictionaries(
                    st.sampled_from(["id", "status", "message", "amount"]), json_values
                )
            }
        ),
        "transaction": json_values,
        "hash": json_values,
    },
)


@settings(deadline=None)
@given(airtel_values | json_values)
def test_no_body_raises_and_none_is_paid(body: object) -> None:
    assert read_asked(200, body, OUR_ID).outcome is not Outcome.SUCCEEDED
    read_enquiry(200, body, OUR_ID, can_expire=True)
    client = AirtelMoney(airtel_config(""), SimpleNamespace())
    assert client.read_callback({}, json.dumps(body).encode()).forged
