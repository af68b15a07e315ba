"""Pages from templates: everything that is put into one is escaped."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot.conversation import LANGUAGE_NAMES
from bot.dashboard.access.members import Member
from bot.dashboard.access.roles import Role
from bot.dashboard.moments import Sentence, with_utc
from bot.i18n import N_, _, language_spoken
from bot.i18n.formats import amount, at, day, number, weight
from bot.market import Hub
from bot.market.notices import wallet_name
from bot.masking import without_numbers

_FOLDER = Path(__file__).parent
STATIC = _FOLDER / "static"
# In an address: the page loads itself anew, without scripts.
RENEWED = "renewed"
ROLE_WORDS: dict[Role, str] = {
    "viewer": N_("viewer"),
    "agent": N_("agent"),
    "supervisor": N_("supervisor"),
    "finance": N_("finance"),
    "admin": N_("administrator"),
    "auditor": N_("auditor"),
}
FILES = {
    "dashboard.css": "text/css",
    "desks.css": "text/css",
    "calls.css": "text/css",
    "figures.css": "text/css",
    "live.js": "text/javascript",
    "feed.js": "text/javascript",
    "board.js": "text/javascript",
    "put.js": "text/javascript",
    "now.js": "text/javascript",
    "call.js": "text/javascript",
    "typing.js": "text/javascript",
    "keys.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


class Pages:
    """Renders the templates of `pages/` in the language being spoken."""

    def __init__(self, hub: Hub, demo: bool) -> None:
        self._hub = hub
        self._jinja = Environment(
            loader=FileSystemLoader(_FOLDER / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.filters["masked"] = without_numbers
        self._jinja.globals.update(
            _=lambda words: Sentence(_(words)),
            ago=ago,
            at=self._at,
            clock=self._clock,
            day=day,
            demo=demo,
            hub=hub,
            roles=ROLE_WORDS,
            kilos=lambda weight_g: weight(weight_g, language_spoken()),
            wallet_name=wallet_name,
            language=language_spoken,
            languages=LANGUAGE_NAMES,
            moment=lambda at_ms: datetime.fromtimestamp(at_ms / 1000).astimezone(),
            n=lambda count: number(count, language_spoken()),
            renewed=_renewed,
            rwf=lambda francs: amount(francs, language_spoken()),
            static={name: f"/dashboard/static/{name}?v={_version(name)}" for name in FILES},
        )

    def page(
        self,
        template: str,
        visitor: Member | None,
        form: str = "",
        /,
        status: int = 200,
        **values: Any,
    ) -> web.Response:
        """The page of this template, for this member; `form` is the token its forms carry."""
        text = self._jinja.get_template(template).render(
            visitor=visitor, form=form, now=datetime.now().astimezone(), **values
        )
        return web.Response(text=text, content_type="text/html", status=status)

    def _at(self, moment: datetime) -> Markup:
        return with_utc(moment, at(moment, self._hub.timezone))

    def _clock(self, moment: datetime) -> Markup:
        return with_utc(moment, f"{at(moment, self._hub.timezone)[-5:]}:{moment.second:02}")


def ago(seconds: float) -> str:
    """How long, in its largest unit: `12 s`, `3 min`, `2 h`, `5 days`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 48 * 3600:
        return f"{whole // 3600} h"
    return _("{n} days").format(n=number(whole // 86400, language_spoken()))


def _renewed(path: str) -> str:
    """The address at which a page loads itself anew, which is no doing of whoever has it open."""
    return path + ("&" if "?" in path else "?") + f"{RENEWED}=1"


def _version(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
