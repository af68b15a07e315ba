"""`isoko hub`: the marketplace's hub; its commands, one kind a file."""

from __future__ import annotations

import typer

from bot.cli.hub import events, on_sale, prices, sending, subscriptions

app = typer.Typer(no_args_is_help=True, help="The marketplace's hub: orders in, news out.")


@app.callback()
def _group() -> None:
    """The marketplace's hub: orders in, news out.

    Example: isoko hub subscribe https://hub.example/hook
    """


app.command("subscribe")(subscriptions.subscribe)
app.command("list")(subscriptions.listed)
app.command("rotate")(subscriptions.rotate)
app.command("test")(subscriptions.test)
app.command("disable")(subscriptions.disable)
app.command("enable")(subscriptions.enable)
app.command("replay")(subscriptions.replay)
app.command("recover")(subscriptions.recover)
app.command("send-order")(sending.send_order)
app.command("flash-sale")(sending.flash_sale)
app.command("listen")(sending.listen)
app.command("events")(events.events)
app.command("allocation")(events.allocation)
app.command("pulls")(events.pulls)
app.command("rate")(on_sale.rate)
app.command("item")(on_sale.item)
app.command("prices")(prices.waiting)
app.command("approve-price")(prices.approve)
app.command("refuse-price")(prices.refuse)
