"""`isoko hub send-order`, `flash-sale`, `listen`: the other side, against a running server."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Annotated, Any

import aiohttp
import typer
from aiohttp import web

from bot.hub.calling import Caller, order_of
from bot.hub.signing import Forged, verify
from bot.settings import Settings, load_settings

_AT_ONCE = 200


def send_order(
    sku: Annotated[str, typer.Option(help="Which item: isoko hub item")] = "RW-COFFEE-500G",
    packs: Annotated[int, typer.Option(help="How many packs")] = 40,
    price: Annotated[str, typer.Option(help="For a pack, in francs")] = "16000",
    order_id: Annotated[str, typer.Option(help="The hub's own id; one is made up")] = "",
) -> None:
    """Send one signed order to the server of these settings, and show what it says.

    Example: isoko hub send-order --packs 40 --price 16000
    """
    order_id = order_id or f"HUB-{secrets.randbelow(90_000) + 10_000}"
    status, said, order = asyncio.run(_send(load_settings(), order_id, sku, packs, price))
    typer.echo(f"{order_id}: {status} {said}")
    for line in order.get("lines", []):
        typer.echo(
            f"{line['code']}: {line['state']}, {line['packs_accepted']} of {line['packs']} packs "
            f"accepted, offers open: {line['offers_open']}"
        )
    if status != 202:
        raise typer.Exit(1)


def flash_sale(
    orders: Annotated[int, typer.Option(help="How many orders")] = 300,
    sku: Annotated[str, typer.Option(help="Which item")] = "RW-COFFEE-500G",
    price: Annotated[str, typer.Option(help="For a pack, in francs")] = "16000",
) -> None:
    """Send many orders of one pack each at once, as a live stream does.

    Example: isoko hub flash-sale --orders 3000
    """
    began = time.monotonic()
    statuses = asyncio.run(_flash(load_settings(), orders, sku, price))
    kept = statuses.count(202)
    typer.echo(f"{kept} of {orders} orders kept in {time.monotonic() - began:.1f} s")
    if kept != orders:
        raise typer.Exit(1)


def listen(
    secret: Annotated[str, typer.Option(help="What `isoko hub subscribe` has shown")],
    port: Annotated[int, typer.Option(help="Where to listen, on this machine")] = 8099,
) -> None:
    """Print every webhook that comes, once its signature was found right, until Ctrl-C.

    Example: isoko hub listen --secret whsec_… --port 8099
    """
    app = web.Application()

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            event_id = verify(body, request.headers, [secret])
        except Forged as why:
            typer.echo(f"refused: {why}", err=True)
            return web.Response(status=401)
        typer.echo(f"{event_id} {body.decode()}")
        return web.Response(status=204)

    app.router.add_post("/{tail:.*}", take)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


async def _send(
    settings: Settings, order_id: str, sku: str, packs: int, price: str
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    async with aiohttp.ClientSession() as http:
        caller = Caller(http, settings.url, _secret(settings))
        status, said = await caller.send("order.created", order_of(order_id, sku, packs, price))
        for _look in range(20 if status == 202 else 0):
            await asyncio.sleep(0.2)
            found, order = await caller.order(order_id)
            if found == 200 and order["lines"][0]["offers_open"]:
                return status, said, order
        return status, said, order if status == 202 and found == 200 else {}


async def _flash(settings: Settings, orders: int, sku: str, price: str) -> list[int]:
    gate, run = asyncio.Semaphore(_AT_ONCE), secrets.token_hex(3)
    async with aiohttp.ClientSession() as http:
        caller = Caller(http, settings.url, _secret(settings))

        async def one(number: int) -> int:
            async with gate:
                order = order_of(f"flash-{run}-{number}", sku, 1, price)
                try:
                    return (await caller.send("order.created", order))[0]
                except (aiohttp.ClientError, TimeoutError):
                    return 0

        return list(await asyncio.gather(*(one(number) for number in range(orders))))


def _secret(settings: Settings) -> str:
    if not settings.marketplace.secrets:
        typer.echo("isoko: no hub is set up: give ISOKO_MARKETPLACE__SECRETS", err=True)
        raise typer.Exit(2)
    return settings.marketplace.secrets[0].get_secret_value()
