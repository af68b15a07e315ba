"""`isoko alive`: whether the server of this machine answers; for what looks after a container."""

from __future__ import annotations

import ssl
from urllib.error import URLError
from urllib.request import Request, urlopen

import typer

from bot.own_door import own_door
from bot.settings import load_settings

_WAIT_S = 2.0


def alive() -> None:
    """Ask the server that these settings are of; leave with 1 when it does not answer.

    Example: isoko alive
    """
    url, named = own_door(load_settings())
    # It asks this machine, so whose certificate it is does not matter.
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    try:
        asked = Request(f"{url}/healthz", headers=named)  # noqa: S310  the scheme is ours
        urlopen(asked, timeout=_WAIT_S, context=anyone).close()  # noqa: S310
    except (URLError, OSError) as error:
        typer.echo(f"{url} does not answer: {error}", err=True)
        raise typer.Exit(1) from error
