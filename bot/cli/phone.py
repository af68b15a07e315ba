"""`isoko phone`: a feature phone in the terminal."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bot.settings import load_settings
from bot.simulator.terminal import run_phone


def phone(
    msisdn: Annotated[str, typer.Option(help="Who is calling")] = "+250788000001",
    url: Annotated[str, typer.Option(help="The server; empty: the one of the settings")] = "",
    network: Annotated[str, typer.Option(help="63510 is MTN, 63514 Airtel")] = "63510",
) -> None:
    """Dial a running server as a phone would, over its real gateway route.

    Example: isoko phone --msisdn +250788000002
    """
    settings = load_settings()
    code = settings.hub.service_code
    asyncio.run(run_phone(url or settings.url, msisdn, network, code))
