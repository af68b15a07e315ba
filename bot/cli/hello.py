"""The first lines of `isoko serve`: where to look, and what to give the gateway."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.dashboard.access.demo_supervisor import demo_link
from bot.settings import Settings
from bot.storage.records import Records

_FIRST = "africastalking"


async def demo_link_of(settings: Settings, records: Records) -> str:
    """The one-time link of the demo's supervisor; "" in production."""
    if settings.env != "demo":
        return ""
    return await records.write(lambda db: demo_link(db, datetime.now(UTC)))


def _way_in(settings: Settings, link: str) -> str:
    if not link:
        return f"{settings.url}/dashboard/   (isoko staff link NAME prints a link)"
    return f"{settings.url}/dashboard/welcome/{link}   (signs you in, once)"


def say_hello(settings: Settings, sandbox_url: str, link: str) -> None:
    """The first lines: where to look and what to give the gateway."""
    secret = "/<secret>" if settings.env == "production" else ""
    callback = f"{settings.url}/ussd/africastalking{secret}"
    lines = [
        f"Dashboard:     {settings.url}/dashboard/",
        f"Callback URL:  {callback}   (Africa's Talking)",
    ]
    others = [f"/ussd/{name}{secret}" for name in settings.ussd.gateways if name != _FIRST]
    if others:
        lines.append(f"               {'   '.join(others)}   (other gateways)")
    if sandbox_url:
        lines = [
            f"Web phone:     {settings.url}/simulator/",
            f"Dashboard:     {_way_in(settings, link)}",
            *lines[1:],
            f"Operator, SMS: {sandbox_url}/sandbox/state.json   (pretended)",
            "Ctrl-C stops.",
        ]
    print("\n".join(lines), flush=True)
