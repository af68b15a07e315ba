"""Receipts: type a proof code and see whether the payment is true, without anybody's name."""

from bot.conversation import Screen
from bot.flow import Flow, Invalid, Next, Turn
from bot.i18n import _
from bot.i18n.formats import amount, day, local_day
from bot.market import receipts
from bot.market.payment_words import payment_state
from bot.market.proof import is_valid, tidy

flow = Flow(
    "receipts",
    start="code",
    moves=[
        # move    from     to
        ("look",  "code",  "shown"),
        ("back",  "shown", "code"),
    ],
)  # fmt: skip


@flow.step("code")
async def ask_code(turn: Turn) -> Next:
    return Screen(_("Type the receipt's code, 8 signs:"), asks="text")


@flow.answer("code")
async def read_code(turn: Turn, typed: str) -> str:
    if not is_valid(typed):
        raise Invalid(_("This code has a mistake. Read it again."))
    turn.notes["code"] = tidy(typed)
    return "look"


@flow.step("shown")
async def show_receipt(turn: Turn) -> Next:
    found = await turn.read(receipts.by_code, turn.notes["code"])
    if found is None:
        return Screen(_("No receipt has this code."))
    language = turn.session.language or "rw"
    when = day(local_day(found.at, turn.market.hub.timezone))
    lines = [
        _("Receipt {code}").format(code=found.code),
        f"{amount(found.amount_rwf, language)}, {when}: {payment_state(found.state, found.kind)}",
    ]
    return Screen("\n".join(lines))
