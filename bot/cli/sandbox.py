"""`isoko sandbox`: the pretended operators and SMS gateway, by themselves, and their nuisances."""

from __future__ import annotations

import asyncio
import json
import signal
import urllib.error
import urllib.request
from typing import Annotated

import msgspec
import typer

from bot.outside import sandbox_of, url_beside
from bot.sandbox.switches import Switches
from bot.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, help="The pretended operators and SMS gateway.")


@app.callback()
def _group() -> None:
    """The pretended operators and SMS gateway.

    Example: isoko sandbox switch html_200=true late_s=5
    """


@app.command("serve")
def serve() -> None:
    """Run them without the server, on ISOKO_SANDBOX__PORT, until Ctrl-C.

    `isoko serve` does so by itself. Example: ISOKO_SANDBOX__PORT=8091 isoko sandbox serve
    """
    asyncio.run(_serve(load_settings()))


@app.command("switch")
def switch(
    changes: Annotated[
        list[str] | None, typer.Argument(help="name=value; without any, all are shown")
    ] = None,
) -> None:
    """Make a running sandbox misbehave, or behave again.

    Example: isoko sandbox switch outage=true
    """
    wanted: dict[str, bool | float] = {}
    for change in changes or []:
        name, _, value = change.partition("=")
        if name not in Switches.__struct_fields__:
            raise SystemExit(f"isoko: there is no switch {name!r}: isoko sandbox switch shows all")
        try:
            wanted[name] = json.loads(value.lower())
        except ValueError:
            raise SystemExit(f"isoko: {name} wants true, false or a number of seconds") from None
    for name, now in _changed(load_settings(), wanted).items():
        print(f"{name} = {json.dumps(now)}")


def _changed(settings: Settings, wanted: dict[str, bool | float]) -> dict[str, bool | float]:
    url = url_beside(settings)
    if not url:
        raise SystemExit("isoko: no sandbox is enabled: set ISOKO_SANDBOX__ENABLED=true")
    request = urllib.request.Request(f"{url}/sandbox/switches", json.dumps(wanted).encode())  # noqa: S310  our own URL
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  our own URL
            return msgspec.json.decode(answer.read(), type=dict[str, bool | float])
    except urllib.error.HTTPError as error:
        raise SystemExit(f"isoko: {error.read().decode()}") from error
    except OSError as error:
        raise SystemExit(
            f"isoko: no sandbox answers at {url}: start `isoko serve` or `isoko sandbox serve`"
        ) from error


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    sandbox = await sandbox_of(settings)
    print(f"Operator, SMS: {sandbox.url}/sandbox/state.json   (pretended)", flush=True)
    await stopping.wait()
    await sandbox.stop()
