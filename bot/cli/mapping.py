"""`isoko map`: every flow drawn, from the machines themselves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from transitions import Machine

from bot.cli.parity import write_parity
from bot.flow import Flow
from bot.flows import FLOWS
from bot.market.lives import OFFER_LIFE, PAYMENT_LIFE
from bot.settings import load_settings


def draw(
    output: Annotated[Path | None, typer.Option(help="The file to write")] = None,
    parity: Annotated[
        bool, typer.Option("--parity", help="Each screen on the phone beside the chat instead")
    ] = False,
) -> None:
    """Draw every flow, and the lives of orders and payments, as Mermaid into docs/flows.md.

    With --parity: every screen in every language, as the phone and as the chat show it, into
    docs/parity.md.

    Example: isoko map --parity
    """
    if parity:
        output = output or Path("docs/parity.md")
        septets = load_settings({}).ussd.page_septets
        typer.echo("Every screen in three languages, half a minute or more …", err=True)
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(asyncio.run(write_parity(septets)), encoding="utf-8")
        typer.echo(f"{len(FLOWS)} flows written into {output}")
        return
    output = output or Path("docs/flows.md")
    parts = [
        "# Every conversation, drawn\n",
        "Written by `make map` from the machines themselves: change a flow's map, not this page.\n",
    ]
    for name, flow in FLOWS.items():
        parts.append(f"## {name}\n\n```mermaid\n{_flow(flow)}\n```\n")
    parts.append(f"## The life of an order\n\n```mermaid\n{_life(OFFER_LIFE)}\n```\n")
    parts.append(f"## The life of a payment\n\n```mermaid\n{_life(PAYMENT_LIFE)}\n```\n")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(parts), encoding="utf-8")
    typer.echo(f"{len(FLOWS)} flows drawn into {output}")


def _flow(flow: Flow) -> str:
    lines = ["stateDiagram-v2", f"    [*] --> {flow.start}"]
    lines += [f"    {source} --> {target}: {move}" for move, source, target in flow.moves]
    lines += [f"    {source} --> flow_{called}" for called, source in flow.calls]
    lines += [f"    {state}: {state} (changes the records)" for state in flow.effects]
    return "\n".join(lines)


def _life(life: Machine) -> str:
    lines = ["stateDiagram-v2", f"    [*] --> {life.initial}"]
    for name, event in life.events.items():
        for source, transitions in event.transitions.items():
            lines += [f"    {source} --> {one.dest}: {name}" for one in transitions]
    return "\n".join(lines)
