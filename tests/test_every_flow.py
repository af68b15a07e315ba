"""True of every flow, so that a new one gets it free."""

import ast
import inspect
import random
import re
import sys

import pytest

from bot.conversation import Screen, Session
from bot.flow import Flow
from bot.flows import FLOWS
from bot.ussd.gsm7 import BASIC, EXTENSION, septets
from tests.phone import PIN
from tests.presses import keys_that_lead_to, presses
from tests.server import AIRTEL, COOPERATIVE, CRAFTS, FARMER, HOST, TEA, UNKNOWN, running

FLOW_LIST = list(FLOWS.values())
LEADS = keys_that_lead_to(FLOWS)


@pytest.mark.parametrize("flow", FLOW_LIST, ids=FLOWS)
def test_every_place_has_a_step_and_can_be_reached(flow: Flow) -> None:
    steps = set(flow.steps) | set(flow.effects)
    assert set(flow.states) == steps
    reached, waiting = {flow.start}, [flow.start]
    if flow.name == "home":
        waiting += ["menu", "resume"]
    while waiting:
        place = waiting.pop()
        reached.add(place)
        waiting += [to for _m, source, to in flow.moves if source == place and to not in reached]
    assert reached == steps


@pytest.mark.parametrize("flow", FLOW_LIST, ids=FLOWS)
def test_an_arrow_looked_up_leads_where_the_machine_leads(flow: Flow) -> None:
    for move, source, _target in flow.moves:
        taken, triggered = Session("g", "1", "+250788000001"), Session("g", "1", "+250788000001")
        taken.state = triggered.state = source
        flow.take(move, taken)
        assert flow.machine.events[move].trigger(triggered)
        assert taken.state == triggered.state


@pytest.mark.parametrize("flow", FLOW_LIST, ids=FLOWS)
def test_every_call_of_another_flow_is_on_the_map(flow: Flow) -> None:
    assert all(called in FLOWS and source in flow.states for called, source in flow.calls)
    module = sys.modules[next(iter(flow.steps.values())).__module__]
    source = inspect.getsource(module)
    started = set(re.findall(r'start="(\w+)"', source.partition("@flow")[2]))
    started |= set(re.findall(r'Start\("(\w+)"', source))
    assert started <= {called for called, _source in flow.calls}


@pytest.mark.parametrize("flow", FLOW_LIST, ids=FLOWS)
def test_I05_no_key_of_a_deed_is_the_key_that_led_to_it(flow: Flow) -> None:
    """A deed reached by a choice has a key of its own, and it differs from those before it."""
    # What gives or takes something; showing, keeping progress and sending an SMS do no harm.
    harmless = {"kept", "sent", "receipt", "copied", "set", "changed"}
    for move, source, target in flow.moves:
        if target not in flow.effects or target in harmless:
            continue
        for press in presses((flow.steps | flow.effects)[source]):
            if press.move == move:
                where = f"{flow.name}.{source}: the choice {move!r}"
                assert press.own, f"{where} needs a key of its own"
                assert press.key not in LEADS[flow.name, source], f"{where} is where one comes by"


def test_I05_keys_are_followed_from_one_flow_into_another() -> None:
    assert LEADS["wallet", "number"] == {"5"}
    assert LEADS["verify", "why"] >= {"1", "5"}
    assert LEADS["help", "sure"] >= {"1", "2", "3", "4"}


def test_no_flow_knows_a_channel() -> None:
    for flow in FLOW_LIST:
        module = sys.modules[next(iter(flow.steps.values())).__module__]
        source = inspect.getsource(module)
        assert not re.search(r"\b(CON|END|ussd|telegram|africastalking)\b", source), flow.name
        assert "bot.ussd" not in source and "bot.storage.s" not in source


def test_a_screen_offers_choices_or_asks_never_both() -> None:
    for flow in FLOW_LIST:
        module = sys.modules[next(iter(flow.steps.values())).__module__]
        for call in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == Screen.__name__:
                asks = any(k.arg == "asks" for k in call.keywords)
                assert not (asks and len(call.args) > 1), ast.unparse(call)


@pytest.mark.parametrize("seed", range(5))
async def test_I16_a_random_walk_finds_no_dead_end(tmp_path, seed: int) -> None:
    """Random presses in every language: a screen each time, 0 and 00 work, nothing breaks."""
    walk = random.Random(seed)
    async with running(tmp_path) as server:
        callers = (FARMER, TEA, CRAFTS, AIRTEL, HOST, COOPERATIVE, UNKNOWN)
        faults = server.parts.watching._faults
        for _call in range(30):
            phone = server.phone(walk.choice(callers))
            await phone.dials()
            for _hop in range(20):
                screen = await phone.types(walk.choice(keys_on(phone.last, walk)))
                assert 0 < septets(screen) <= 160
                assert all(sign in BASIC + EXTENSION for sign in screen)
                if phone.ended:
                    break
            if not phone.ended:
                assert "\n1 " in await phone.types("00")
        assert not [s for m in faults.collect() for s in m.samples if s.name.endswith("_total")]


def keys_on(body: str, walk: random.Random) -> list[str]:
    shown = re.findall(r"^([0-9]{1,2}) ", body[4:], re.MULTILINE)
    odd = ["x", "", "0", "00", "#", "*", "**", "*#*", "1#", "#1*2", "-5", "999999999999", "1.5",
           "O'Brien; DROP TABLE orders; --", "{{7*7}} ${7*7} %s%n {0.__class__}", "٣", "🌽" * 60,
           "\u200d1", PIN, "10", "Mukamana"]  # fmt: skip
    return [*shown * 3, walk.choice(odd)]


@pytest.mark.parametrize(
    "name", ["O'Brien; DROP TABLE orders; --", "{{7}} ${7} {0.__class__} %s%n"]
)
async def test_I10_I11_a_name_is_kept_and_shown_as_it_is(tmp_path, name: str) -> None:
    async with running(tmp_path) as server:
        phone = server.phone(UNKNOWN)
        await phone.dials()
        await phone.types("3", "6", "1", name, "1", "1", "1", "1", "80642", "80642", "1")
        await phone.types("00", "6", "2", "80642", "1")
        assert f"Names: {name}" in phone.last
