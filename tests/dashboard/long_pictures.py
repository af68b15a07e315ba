"""B1 by pictures, for `make chaos`: every screen in three languages, both themes and three widths.

Each is taken twice, and beside the one that an earlier run kept in `var/pictures`; less than one
pixel in a thousand may be another. What differs by nature is made alike first: numbers, codes,
moments and charts. `PICTURES_OF=orders,people/1` takes some only.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import time_machine
from PIL import Image, ImageChops
from playwright.async_api import Browser, Page

from bot.conversation import LANGUAGES
from tests.dashboard.fitting import WIDTHS
from tests.dashboard.test_desks_in_chromium import in_as
from tests.dashboard.test_in_chromium import everything, signed_in
from tests.dashboard.test_more_desks_in_chromium import fill_more
from tests.server import Running

KEPT = Path(__file__).resolve().parents[2] / "var" / "pictures"
ONLY = frozenset(filter(None, os.environ.get("PICTURES_OF", "").split(",")))
MOST = 0.001
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# By who may see it. The audit and the health are not here: which lines are sealed by then, and how
# fast the machine is, are other words in each run.
OF_ADMIN = ("settings", "staff", "staff/1", "system", "system/checks", "views")
OF_SUPERVISOR = (
    "", "calls", "calls/1", "call-backs", "alerts", "tickets", "hand-over", "hand-over/1",
    "photos", "orders", "orders/KW-1042", "payments", "payments/1", "payments/day",
    "payments/orphans", "payments/statement", "messages", "webhooks", "webhooks/out", "people",
    "people/1", "people/3", "fees", "funnel", "simulator", "nothing",
)  # fmt: skip
# Looking at them adds a line to them, so that the second picture is of another page.
KEEP_LOOKS = frozenset({"people/1", "people/3"})
_ALIKE = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode;
    if (text.parentElement.closest("script, style")) continue;
    const alike = text.data.replace(/T-[0-9A-Z]{5}/g, "0").replace(/[\\w-]*\\d[\\w.,:-]*/g, "0");
    if (alike !== text.data) text.data = alike;
  }
}"""
# Nothing comes after the page, and nothing ticks on it: else numbers would be others again.
_ALONE = """window.setInterval = () => 0;
window.fetch = () => new Promise(() => {});
window.EventSource = class { addEventListener() {} close() {} };"""
_STILL = "svg { visibility: hidden } #fresh { display: none }"


async def test_B01_every_screen_looks_as_it_did(browser: Browser, server: Running) -> None:
    # Our policy lets no style of a stranger in, and so none of this test.
    contexts = [await browser.new_context(bypass_csp=True) for _who in range(2)]
    supervisor = (await signed_in(contexts[0], server)).page
    admin = (await in_as(contexts[1], server, "adam", "admin")).page
    # Last, so that a slow machine's calls are as fresh as a fast one's.
    await everything(server)
    letter = await server.parts.market.records.write(fill_more)
    for context in contexts:
        await context.add_init_script(_ALONE)
    kept, of = Kept(KEPT / browser.version), f"webhooks/deliveries/{letter}"
    # Else an age would go from seconds to minutes, and a call from calm to at risk.
    with time_machine.travel(datetime.now(UTC), tick=False):
        for page, paths in ((admin, OF_ADMIN), (supervisor, (*OF_SUPERVISOR, of))):
            await _look(page, server, paths, kept)
    print(f"{kept.compared} pictures as they were, {kept.new} taken for the first time")
    assert not kept.other, "\n".join(kept.other)


async def _look(page: Page, server: Running, paths: Sequence[str], kept: Kept) -> None:
    """Compare these in every language."""
    for language in LANGUAGES:
        await page.goto(str(server.client.make_url("/dashboard/system")))
        await page.click(f"button[value={language}]")
        for path in paths:
            if not ONLY or path in ONLY:
                await page.goto(str(server.client.make_url(f"/dashboard/{path}")))
                await _compare(page, path, language, kept)


class Kept:
    """The pictures of an earlier run; a browser of another version draws others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.compared = self.new = 0
        self.other: list[str] = []

    def compare(self, name: str, picture: bytes, again: bytes) -> None:
        """Keep it when there is none; put it beside the kept one when it is another."""
        path = self._folder / f"{name}.png"
        beside = path.with_suffix(".now.png")
        beside.unlink(missing_ok=True)
        if differing(picture, again) >= MOST:
            self.other.append(f"{name}, taken twice")
        if not path.exists():
            path.write_bytes(picture)
            self.new += 1
        elif differing(path.read_bytes(), picture) >= MOST:
            beside.write_bytes(picture)
            self.other.append(f"{name}, beside the one before")
        else:
            self.compared += 1


async def _compare(page: Page, path: str, language: str, kept: Kept) -> None:
    name = path.replace("/", "-") or "now"
    # A number that is another in each run.
    name = "delivery" if name.startswith("webhooks-deliveries") else name
    first = await _pictures(page)
    again = first
    if path not in KEEP_LOOKS:
        await page.reload()
        again = await _pictures(page)
    for look, picture in first.items():
        kept.compare(f"{name}-{language}-{look}", picture, again[look])


async def _pictures(page: Page) -> dict[str, bytes]:
    """The page as it stands, at each width and in both themes."""
    await page.add_style_tag(content=_STILL)
    taken = {}
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        for theme in THEMES:
            await page.emulate_media(color_scheme=theme)
            await page.evaluate(_ALIKE)
            taken[f"{theme}-{width}"] = await page.screenshot(
                full_page=True, animations="disabled", caret="hide"
            )
    return taken


def differing(one: bytes, other: bytes) -> float:
    """Which share of the pixels is another; all of them when the sizes are."""
    first, second = (Image.open(io.BytesIO(some)).convert("RGB") for some in (one, other))
    if first.size != second.size:
        return 1.0
    # What is left of a shade after a font was smoothed a little otherwise is no difference.
    shade = ImageChops.difference(first, second).convert("L").point(lambda was: 255 * (was > 8))
    return shade.histogram()[255] / (first.width * first.height)
