"""The list: the name of each bug, what it changes, and the part of the suite that guards it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot import csv_cells
from bot.callbacks import Callbacks
from bot.dashboard import guard
from bot.dashboard.access import attempts, export_links, members
from bot.dashboard.access.second_step import SecondStep
from bot.dashboard.access.sign_in import SignIn
from bot.dashboard.screens import asked, export_tables
from bot.dashboard.screens.exports import Exports
from bot.engine.arrivals import Arrivals
from bot.engine.effects import Effects
from bot.engine.engine import Engine
from bot.engine.hop import redacted
from bot.hub.hooks import Hooks
from bot.market import (
    clearance,
    collecting,
    ledger,
    limits,
    offers,
    outages,
    payments,
    pins,
    postings,
    proof,
    proposals,
    settlement,
    share,
)
from bot.operations import logs
from bot.payments import momo_codes
from bot.payments.shared_token import SharedToken
from bot.sender import Sender
from bot.storage import (
    audit_chain,
    hops,
    inbox,
    ledger_guards,
    money_guards,
    outbox,
    telegram_updates,
)
from bot.storage.schema.columns import Francs
from bot.telegram.webhook import Webhook
from bot.ussd import door
from tests.planted.edit import Edit

# Not one of our own settings' names: those that the server does not know it refuses to start with.
ASKED = "PLANTED_BUG"
NOTHING = "nothing"
MONEY = (
    "tests/market", "tests/payments", "tests/storage", "tests/test_payout_loop.py",
    "tests/test_money_attacks.py", "tests/test_storm.py",
)  # fmt: skip
HOPS = (
    "tests/engine",
    "tests/test_pins_by_phone.py",
    "tests/test_privacy.py",
    "tests/test_kill.py",
)
TRADE = ("tests/market", "tests/flows", "tests/test_payout_loop.py")
LOGS = (
    "tests/test_logs.py",
    "tests/storage",
    "tests/test_settings.py",
    "tests/test_pins_by_phone.py",
    "tests/cli",
)


DESKS = ("tests/dashboard", "tests/storage/test_audit_chain.py")


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug: all of its edits together are its switch."""

    name: str
    guards: tuple[str, ...]
    edits: tuple[Edit, ...]

    def plant(self) -> None:
        """Switch it on for the rest of this process. Raises `Rotten`."""
        for edit in self.edits:
            edit.plant()


def _bug(name: str, guards: tuple[str, ...], *changes: tuple[Callable[..., Any], str, str]) -> Bug:
    functions = dict.fromkeys(function for function, _old, _new in changes)
    edits = (
        Edit(function, tuple((old, new) for where, old, new in changes if where is function))
        for function in functions
    )
    return Bug(name, guards, tuple(edits))


BUGS = (
    _bug("acknowledge-before-commit", ("tests/test_storm.py", *MONEY), (
        Callbacks._keep, "await self._records.write(keep)",
        "await __import__('tests.planted.early', fromlist=['x'])"
        ".acknowledge(self._records, keep)")),
    _bug("hop-key-not-unique", HOPS, (
        hops.keep, '"key": key,', '"key": __import__("os").urandom(16),')),
    _bug("unknown-asked-under-a-new-reference", ("tests/test_money_attacks.py", *MONEY), (
        Sender._ask, "self._operators.ask(payment, refunded)",
        "self._operators.ask(payment if payment.state == 'created' else __import__('dataclasses')"
        ".replace(payment, reference=str(__import__('uuid').uuid4())), refunded)")),
    _bug("unknown-taken-for-failed", ("tests/test_payout_loop.py", *MONEY), (
        settlement.record_asked, 'else "lose"', 'else "fail"')),
    _bug("francs-as-float", ("tests/market/test_prices.py", *TRADE), (
        share.split, "d.amount_rwf * pieces", "d.amount_rwf * pieces / 1.0"), (
        share.split, "order.sale_price_rwf * pieces, order.price_rwf * pieces",
        "order.sale_price_rwf * pieces * 1.0, order.price_rwf * pieces * 1.0")),
    _bug("effects-remembered-in-memory-only", HOPS, (
        Effects._do, "self.keep(hop, reply, db)", "pass")),
    _bug("owner-of-a-session-not-checked", HOPS, (
        Engine._handle_alone, "if session.owner != inbound.msisdn:", "if False:")),
    _bug("callback-believed", ("tests/test_payout_loop.py", *MONEY), (
        settlement.look_up_now, "values(look_up_at=now)", "values(look_up_at=None, state='succeeded')")),
    _bug("amount-not-compared", ("tests/market/test_books.py", *MONEY), (
        settlement._mismatch, "answer.amount_rwf != payment.amount_rwf", "False")),
    _bug("currency-not-compared", ("tests/payments/test_airtel_payout.py", *MONEY), (
        settlement._mismatch, "answer.currency != payment.currency", "False")),
    _bug("payee-not-compared", ("tests/market/test_erasure.py", *MONEY), (
        settlement._mismatch, "answer.payee_msisdn == payment.payee_msisdn", "True")),
    _bug("409-is-failed", ("tests/payments/test_mtn_momo.py", *MONEY), (
        momo_codes.read_asked, "refused = certain and http_status >= 400 and http_status != 409",
        "refused = (certain and http_status >= 400) or http_status == 409")),
    _bug("404-is-failed", ("tests/payments/test_every_operator.py", *MONEY), (
        momo_codes.read_looked_up, "return Answer(Outcome.NOT_THERE)",
        "return Answer(Outcome.REFUSED, 'RESOURCE_NOT_FOUND')")),
    _bug("entry-off-and-nobody-looks", ("tests/storage/test_ledger_guards.py", *MONEY), (
        ledger.post, "for _account, amount_rwf in lines) != 0", "for _account, amount_rwf in lines) is None"), (
        ledger_guards.guard, "in _POSTGRES if", "in () if"), (
        ledger_guards.guard, "else _SQLITE:", "else ():"), (
        postings.failed, "(account, -rwf)", "(account, -rwf + (account == ledger.SALES))")),
    _bug("wrong-pins-not-written-down", ("tests/test_pins_by_phone.py", *HOPS), (
        pins._is_new_failure, "return db.execute(new).rowcount == 1", "return new is not None")),
    _bug("repeat-answered-anew", HOPS, (
        Engine._given, "return replies.find(session.replies, mark) if mark else None", "return None")),
    _bug("lease-not-fenced", ("tests/storage/test_records.py", *MONEY), (
        outbox._end, "(outbox.c.id == row.id) & (outbox.c.lease == row.lease)", "(outbox.c.id == row.id)")),
    _bug("lease-ignored", ("tests/storage/test_records.py", *MONEY), (
        outbox._take, ".where(_is_free(outbox.c.lease_until, now, lease_s))", "")),
    _bug("one-release-is-enough", ("tests/market/test_clearance.py", *MONEY), (
        clearance._needs_release, "< _NEEDED", "< 1")),
    _bug("approval-not-compared", ("tests/market/test_clearance.py", *MONEY), (
        clearance.clear, "if not is_as_approved(db, payment, given):", "if False:")),
    _bug("day-limit-not-asked", ("tests/market/test_limits.py", *MONEY), (
        limits.refuse_over, "if day_rwf > rules.person_day_rwf:", "if False:")),
    _bug("numbers-in-logs", LOGS, (
        logs.mask_numbers, "_NUMBER.sub(_mask, value)", "value")),
    _bug("pin-in-the-history", ("tests/engine/test_hops.py", *HOPS), (
        redacted, "if secret and", "if False and"), (
        redacted, '_LIKE_A_PIN.sub(CUT, without_pins(typed) if " " in typed else typed)[:_TYPED_MAX]',
        "typed[:_TYPED_MAX]")),
    _bug("check-sign-of-a-proof-ignored", ("tests/test_payout_loop.py", *MONEY), (
        proof.is_valid, "return _check(code[:-1]) == code[-1]", "return True")),
    _bug("changed-offer-accepted", ("tests/market/test_offers.py", *TRADE), (
        offers._why_not, "offer.version != version or ", "")),
    _bug("long-code-passes-the-pin", HOPS, (
        Arrivals.replay, "screen is None or screen.guards or screen.ends", "screen is None or screen.ends")),
    _bug("refused-again-is-failed", ("tests/test_money_attacks.py", *MONEY), (
        settlement.record_asked, ' and once:', ":")),
    _bug("callback-kept-twice", ("tests/test_storm.py", *MONEY), (
        inbox.keep, '"event_id": event_id,', '"event_id": event_id[:8] + __import__("secrets").token_hex(8),')),
    _bug("stuck-payment-told-to-nobody", ("tests/test_money_attacks.py", *MONEY), (
        settlement.record_answer, "if age > _STAFF_ASK_AFTER:", "if False:")),
    _bug("payer-not-compared", ("tests/market/test_collecting.py", *MONEY), (
        settlement._mismatch, "answer.payer_msisdn == payment.payee_msisdn", "True")),
    _bug("given-back-twice", ("tests/market/test_collecting.py", *MONEY), (
        collecting.refund, "if before is not None:", "if False:")),
    _bug("leaves-though-the-operator-is-down", ("tests/test_outage.py", *MONEY), (
        Sender._pass_the_gate, "if outages.is_down(db, line_of(payment)):", "if False:")),
    _bug("held-payments-never-released", ("tests/test_outage.py", *MONEY), (
        outages.works_again, '"state": "recovering"', '"state": "down"')),
    _bug("cells-that-compute", ("tests/dashboard/test_exports.py", *DESKS), (
        csv_cells.safe_text, "if starts or", "if False and starts or")),
    _bug("export-link-good-in-any-session", ("tests/dashboard/test_exports.py", *DESKS), (
        export_links.use, "& (exports.c.staff_id == staff_id)", ""), (
        export_links.use, "& (exports.c.session_digest == digest_of(session_token))", "")),
    _bug("export-link-good-twice", ("tests/dashboard/test_exports.py", *DESKS), (
        export_links.use, "& exports.c.used_at.is_(None)", "")),
    _bug("export-link-good-for-ever", ("tests/dashboard/test_exports.py", *DESKS), (
        export_links.use, "& (exports.c.until > now)", "")),
    _bug("export-without-a-cap", ("tests/dashboard/test_exports.py", *DESKS), (
        Exports._rows, "MOST_ROWS.get(role, 0)", "10**9")),
    _bug("export-by-any-role", ("tests/dashboard/test_exports.py", *DESKS), (
        Exports.ask, "if member.role not in table.roles:", "if False:")),
    _bug("export-names-the-number", ("tests/dashboard/test_exports.py", *DESKS), (
        export_tables._number, "masked(msisdn)", "msisdn")),
    _bug("audit-not-compared", ("tests/storage/test_audit_chain.py", *DESKS), (
        audit_chain._further, 'digest_of(digest, row) != row["digest"]', "False")),
    _bug("audit-line-missed-by-nobody", ("tests/storage/test_audit_chain.py", *DESKS), (
        audit_chain._further, 'if row["id"] is None:', "if False:"), (
        audit_chain._further, 'elif digest_of(digest, row) != row["digest"]:',
        'elif row["id"] is not None and digest_of(digest, row) != row["digest"]:')),
    _bug("one-person-is-two", ("tests/dashboard/test_desks.py", *DESKS), (
        proposals.may_do, "staff_id != proposal.asked_by and not look_alike(name, proposal.asker)", "True")),
    _bug("last-admin-may-go", ("tests/dashboard/test_staff.py", *DESKS), (
        members.is_last_admin, 'member.role == "admin" and', "False and")),
    _bug("staff-changed-without-a-code", ("tests/dashboard/test_staff.py", *DESKS), (
        SignIn.again, "if not through and not", "if False and not")),
    _bug("search-takes-patterns", ("tests/dashboard/test_desks.py", *DESKS), (
        asked.like, 'text.replace("\\\\", "\\\\\\\\").replace("%", "\\\\%").replace("_", "\\\\_")', "text")),
    _bug("secret-of-the-path-not-asked", ("tests/ussd/test_door.py", *HOPS), (
        door.check_secret, "if not hmac.compare_digest(", "if False and not hmac.compare_digest(")),
    _bug("any-source-let-in", ("tests/ussd/test_door.py", *HOPS), (
        door.let_in, "if rules.allowed and not", "if False and not")),
    _bug("secret-of-telegram-not-compared", ("tests/telegram/test_webhook.py", "tests/telegram"), (
        Webhook._is_right, "return fits and same", "return fits or same")),
    _bug("update-applied-twice", ("tests/telegram/test_webhook.py", "tests/telegram"), (
        telegram_updates._insert, ".id_of(db, *values)",
        ".id_of(db, __import__('secrets').randbits(40), *values[1:])")),
    _bug("payment-not-held-while-it-changes", ("tests/test_money_attacks.py", *MONEY), (
        payments.locked, ".with_for_update()", "")),
    _bug("token-fetched-by-each-who-waits", ("tests/test_payout_loop.py", *MONEY), (
        SharedToken.get, "return await self._renewal.get()", "return await self._renew()")),
    _bug("clock-set-back-silences-the-poller", ("tests/test_money_attacks.py", *MONEY), (
        settlement._to_look_up, "has_come(payments.c.look_up_at, now, _LOOK_UP_LONGEST)",
        "(payments.c.look_up_at <= now)")),
    _bug("clock-set-forward-makes-all-old", ("tests/test_money_attacks.py", *MONEY), (
        settlement.record_answer, "and payment.look_ups >= _LOOKED_UP_OFTEN", "")),
    _bug("more-accepted-than-ordered", ("tests/market/test_offers.py", *TRADE), (
        offers.accept, "& (orders.c.packs_accepted + packs <= orders.c.packs)", "")),
    _bug("redirects-followed", ("tests/hub/test_outbound.py", "tests/hub"), (
        Hooks._post, "allow_redirects=False", "allow_redirects=True")),
    _bug("tries-to-sign-in-not-counted", ("tests/dashboard/test_sign_in.py", *DESKS), (
        attempts.attempt, "if lately(db, who, now) >= most:", "if False:")),
    _bug("code-good-twice", ("tests/dashboard/test_sign_in.py", *DESKS), (
        SecondStep.pass_with_code, "& (staff.c.totp_step < step)", "")),
    _bug("form-from-elsewhere", ("tests/dashboard/test_guard.py", *DESKS), (
        guard._from_our_own_page, '!= "same-origin":', '== "nowhere":'), (
        guard._from_our_own_page, "netloc == request.host", "netloc != 'nowhere'")),
    _bug("stream-from-elsewhere", ("tests/dashboard/test_feed.py", *DESKS), (
        guard._not_from_elsewhere, "return _from_our_own_page(request)", "return True"), (
        guard._not_from_elsewhere, '"same-origin") == "same-origin"', '"same-origin") != "nowhere"')),
    _bug("fraction-of-a-franc", ("tests/storage/test_money_guards.py", *MONEY), (
        Francs.process_bind_param, "type(value) is int", "value is not ..."), (
        money_guards._watch, "WHEN {off} ", "WHEN 0 ")),
)  # fmt: skip

BY_NAME = {bug.name: bug for bug in BUGS}


def plant_asked() -> None:
    """Plant the bug that `--plant` names, in this process too. Raises `Rotten`, KeyError."""
    name = os.environ.get(ASKED, NOTHING)
    if name != NOTHING:
        BY_NAME[name].plant()
