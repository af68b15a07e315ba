"""`isoko alive`: whether the server of this machine answers; for what looks after a container."""

from __future__ import annotations

import ssl
from urllib.error import URLError
from urllib.request import Request, urlopen

import typer

from bot.settings import Settings, load_settings

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


def own_door(settings: Settings) -> tuple[str, dict[str, str]]:
    """Where the server answers on this machine, and the headers by which it is meant."""
    scheme = "https" if settings.tls.certificate else "http"
    named = {"Host": settings.allowed_hosts[0]} if settings.allowed_hosts else {}
    return f"{scheme}://{settings.host}:{settings.port}", named
