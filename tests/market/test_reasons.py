"""M-12: why a payment failed, as its person is told in three languages; on both stores."""

import pytest
from sqlalchemy import select, update

from bot.conversation import LANGUAGES
from bot.market import settlement
from bot.market.limits import USUAL
from bot.market.reasons import _OF_A_PAYEE, _OF_A_PAYER
from bot.payments import airtel_codes, momo_codes
from bot.payments.provider import Answer, Outcome
from bot.storage.schema import contacts, outbox
from tests.market.bills import collect, told
from tests.market.money import pay, person, settle

_TOLD = {
    ("payout", "PAYEE_NOT_FOUND"): ("konti ikora", "compte actif", "no wallet that works"),
    ("collection", "NOT_ENOUGH_FUNDS"): ("Nta mafaranga", "assez d'argent", "not enough money"),
    ("collection", "EXPIRED"): ("ku gihe", "à temps", "in time"),
    ("collection", "DP00800001002"): ("ntiwari wo", "était faux", "PIN of the wallet was wrong"),
    # Nobody's business, or nobody knows it: staff see the code, the person the sentence before.
    ("payout", "NOT_ENOUGH_FUNDS"): None,
    ("payout", "INTERNAL_PROCESSING_ERROR"): None,
    ("collection", "NEW_2027"): None,
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", _TOLD)
async def test_M12_a_reason_is_told_in_the_language_of_its_person(
    records, now, case: tuple[str, str], language: str
) -> None:
    kind, code = case

    def work(db) -> str:
        if kind == "payout":
            made = pay(db, person(db, now), now)
            db.execute(update(contacts).values(language=language))
            failed = settle(db, made, now, Outcome.REFUSED, reason=code)
        else:
            asked = collect(db, now)
            db.execute(update(contacts).values(language=language))
            answer = told(asked, Outcome.REFUSED, reason=code)
            settlement.record_asked(db, asked.reference, Answer(Outcome.ACCEPTED), now)
            failed = settlement.record_answer(db, asked.reference, answer, now, rules=USUAL)
        key = outbox.c.dedupe_key == f"failed:{failed.reference}"
        return db.execute(select(outbox.c.payload).where(key)).scalar_one()["text"]

    said = await records.write(work)
    words = _TOLD[case]
    if words is not None:
        assert words[LANGUAGES.index(language)] in said
    assert code not in said
    assert all(one not in said for wanted in _TOLD.values() for one in wanted or () if not words)


def test_M12_every_reason_with_words_is_one_that_an_operator_ends_with() -> None:
    ended = momo_codes._DOCUMENTED | {
        code for code, means in airtel_codes._MEANS.items() if means.name == "REFUSED"
    }
    assert set(_OF_A_PAYER) | set(_OF_A_PAYEE) <= ended
