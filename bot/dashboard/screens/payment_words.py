"""What the kinds and states of payments are called on a page."""

from __future__ import annotations

from bot.i18n import N_

STATE_WORDS = {
    "flagged": N_("flagged"),
    "unknown": N_("unknown"),
    "created": N_("not sent yet"),
    "sent": N_("sent"),
    "succeeded": N_("succeeded"),
    "failed": N_("failed"),
}
KIND_WORDS = {
    "payout": N_("payout"),
    "collection": N_("collection"),
    "refund": N_("refund"),
}
# What a row of an operator's statement came to.
COMPARED_WORDS = {
    "matched": N_("matched"),
    "missing here": N_("missing here"),
    "missing there": N_("missing there"),
    "differing": N_("differing"),
    "not settled yet": N_("not settled yet"),
    "of another day": N_("of another day"),
    "bad row": N_("bad row"),
}
# What to do about each of them.
REMEDY_WORDS = {
    "matched": N_("Nothing to do."),
    "missing here": N_(
        "The operator has it under a reference that is not ours: find out who uses the hub's "
        "account, and change its keys."
    ),
    "missing there": N_(
        "We hold it as paid, the statement does not have it: ask the operator. Until then the "
        "money may not have moved."
    ),
    "differing": N_("Pay nothing more to the person before the operator has cleared it up."),
    "not settled yet": N_("Have the operator asked on the payment's page, then compare again."),
    "of another day": N_("Look for it in the statement of the day before or after."),
    "bad row": N_("Correct these lines and compare again: what stands in them counts as missing."),
}
# In what a row and our payment differ; the columns of a statement, and two more.
ABOUT_WORDS = {
    "status": N_("State"),
    "amount": N_("Amount"),
    "currency": N_("Currency"),
    "payee": N_("Number"),
    "transaction_id": N_("The operator's receipt"),
    "twice": N_("It stands in the file twice"),
    "operator": N_("Operator"),
}
# What is wrong with a column of a row; "" is the whole row.
BAD_WORDS = {
    "": N_("more or fewer cells than the first line"),
    "reference": N_("no reference of up to 64 signs"),
    "amount": N_("no whole number"),
    "payee": N_("no number with its country's code"),
    "status": N_("none of SUCCESSFUL, FAILED, PENDING"),
    "time": N_("no moment of that day with its zone, such as 2026-11-24T10:15:00+02:00"),
}
END_WORDS = {
    "succeeded": N_("The money is where it was to go"),
    "failed": N_("No money moved, or the operator took it back"),
}
# What we asked an operator, and what it answered.
TALK_WORDS = {"ask": N_("we asked for it"), "look_up": N_("we asked about it")}
ANSWER_WORDS = {
    "accepted": N_("taken"),
    "pending": N_("not decided yet"),
    "succeeded": N_("succeeded"),
    "refused": N_("refused"),
    "not_there": N_("never heard of it"),
    "unknown": N_("no clear answer"),
    "never_told": N_("it never tells"),
}
# What came of an action, by its word in the address.
SAID = {
    "asked": N_("The operator is asked now. Load the page again in a moment."),
    "no_effect": N_("No effect: this was done already, or is not needed any more."),
    "again": N_("It waits to be sent again, under its old reference: it cannot be paid twice."),
    "released": N_("Released: it leaves now."),
    "one_more": N_("Noted. One more release is needed, by somebody else."),
    "twice": N_("You have released it already. The second release is somebody else's."),
    "not_waiting": N_("It does not wait for a release."),
    "changed": N_("NOT released: it is not what was approved. It is flagged, and has a ticket."),
    "stopped": N_("Its operator is asked no more. Ask the operator about it, then end it by hand."),
    "too_early": N_("It is asked about still: wait for its ticket, or try in a minute."),
    "not_asked": N_("Its operator was never asked for it."),
    "ended": N_("It is settled, failed or flagged already."),
    "proposed": N_("Noted. It is done when a second person does the same."),
    "waits": N_("Something waits for a second person already."),
    "another": N_("What waits here is another than you were shown. Nothing was done: look again."),
    "same_person": N_("You have asked for this. A second, different person must do it."),
    "settled": N_("Settled. The books and the audit hold it, and the person is told."),
    "not_flagged": N_("It is not flagged: only a flagged payment is ended by hand."),
    "passed_on": N_("A new payout waits: two people release it."),
    "limit": N_("A limit of payouts does not allow it now. Nothing was done: try tomorrow."),
    "not_refused": N_("No effect: this was done already, or is not needed any more."),
    "withdrawn": N_("Withdrawn. Nothing was changed."),
    "no_reason": N_("Say why: the next person reads it."),
}
