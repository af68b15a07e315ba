"""Your share: how the price is split, in the published example and in each own order."""

from bot.conversation import Choice, Screen
from bot.flow import Flow, Next, Start, Turn
from bot.i18n import _
from bot.i18n.formats import amount, usd
from bot.market import offers
from bot.market.share import EXAMPLE, split

flow = Flow(
    "share",
    start="start",
    moves=[
        # move      from       to
        ("example", "start",   "example"),
        ("whose",   "start",   "whose"),
        ("list",    "start",   "list"),
        ("mine",    "whose",   "list"),
        ("example", "whose",   "example"),
        ("back",    "own",     "list"),
        ("own",     "list",    "own"),
        ("example", "list",    "example"),
        ("rest",    "example", "rest"),
        ("back",    "rest",    "example"),
    ],
    calls=[("pin", "list")],
    open=True,
)  # fmt: skip


@flow.step("start")
async def choose_whose(turn: Turn) -> Next:
    if not turn.session.contact_id:
        return "example"
    if _is_lent(turn):
        return "whose"
    mine = await turn.read(offers.mine, turn.session.contact_id)
    return "list" if mine else "example"


@flow.step("whose")
async def ask_whose(turn: Turn) -> Next:
    # The flow is for anybody, so that a neighbour sees the example; what is one's own has a PIN.
    return Screen(
        _("Your share of the price"),
        [Choice(_("My orders"), "mine"), Choice(_("Published example"), "example")],
    )


@flow.step("list")
async def show_own(turn: Turn) -> Next:
    if _is_lent(turn):
        return Start("pin")
    mine = await turn.read(offers.mine, turn.session.contact_id)
    choices = [Choice(_("Your order {code}").format(code=o.code), "own", o.id) for o in mine]
    text = _("Your share of the price") if mine else _("You have no orders.")
    return Screen(text, [*choices, Choice(_("Published example"), "example")])


@flow.step("example")
async def show_example(turn: Turn) -> Next:
    text = _(
        "Example ({source}, {year})\nSale price: {sale}\nFarmer gets: {farmer}\nRest: {rest}\n"
        "Before (USA): {before}\nDifference: +{gain}"
    ).format(
        source=EXAMPLE.source,
        year=EXAMPLE.day.year,
        sale=usd(EXAMPLE.sale_cents),
        farmer=usd(EXAMPLE.farmer_cents),
        rest=usd(EXAMPLE.rest_cents),
        before=usd(EXAMPLE.before_cents),
        gain=usd(EXAMPLE.gain_cents),
    )
    return Screen(text, [Choice(_("Where does the rest go?"), "rest")])


@flow.step("rest")
async def explain_rest(turn: Turn) -> Next:
    return Screen(
        _(
            "The example does not say. In your own orders each part is shown: who gets it and how "
            "much."
        )
    )


@flow.step("own")
async def show_split(turn: Turn) -> Next:
    offer = await turn.read(offers.by_id, turn.notes["list"], turn.session.contact_id)
    if offer is None:
        return "back"
    language = turn.session.language or "rw"
    parts = split(offer, offer.packs_accepted or offer.packs)
    lines = [
        _("Your order {code}").format(code=offer.code),
        _("Sale price: {sale}").format(sale=amount(parts.sale_price_rwf, language)),
        *(f"{part_name(p.name)} ({p.to}): {amount(p.amount_rwf, language)}" for p in parts.lines),
    ]
    keep = _("You get: {net}").format(net=amount(parts.net_rwf, language))
    return Screen("\n".join(lines), keep=keep)


def _is_lent(turn: Turn) -> bool:
    return turn.session.shared and not turn.session.unlocked


def part_name(code: str) -> str:
    """What a deduction is for, in words."""
    return {
        "transport": _("Transport"),
        "roasting": _("Roasting and packing"),
        "marketplace": _("Marketplace"),
        "customs": _("Customs"),
        "cooperative": _("Cooperative"),
    }.get(code, code)
