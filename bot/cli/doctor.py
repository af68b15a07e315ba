"""`isoko doctor`: the configuration and every outside part, one line each."""

from __future__ import annotations

import asyncio

import typer

from bot.self_checks import WRONG, self_checks
from bot.settings import Settings, SettingsError, load_settings


def doctor() -> None:
    """Check everything; each line says ok, or what is wrong and what to do.

    Example: ISOKO_ENV=production isoko doctor
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        typer.echo(f"wrong  settings    {error}")
        raise typer.Exit(1) from error
    typer.echo(f"ok     settings    {settings.env}, {settings.url}")
    if not asyncio.run(_check_all(settings)):
        raise typer.Exit(1)


async def _check_all(settings: Settings) -> bool:
    all_well = True
    async for well, name, said in self_checks(settings):
        typer.echo(f"{well:<6} {name:<11} {said}")
        all_well = all_well and well != WRONG
    return all_well
