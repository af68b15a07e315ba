"""Whether a page fits its window and is accessible, as Chromium and axe-core see it (B-01, B-11)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

# A small phone, a tablet, a desk; and those of them between which a page is laid out anew.
WIDTHS, LAID_OUT = (360, 768, 1440), (360, 1440)
_AXE = Axe().axe_script
# All that a dark page can get wrong when its light one is right.
_COLOURS = "color-contrast", "link-in-text-block"
# What sticks out to the right.
_WIDEST = """() => [...document.querySelectorAll("main *")].filter((one) =>
  one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML.slice(0, 120))"""


async def fits(page: Page, where: Any, widths: Sequence[int] = WIDTHS) -> None:
    """Fail unless the page is as wide as its window, at each of `widths` in pixels."""
    for width in widths:
        await page.set_viewport_size({"width": width, "height": 900})
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide == width, (where, width, await page.evaluate(_WIDEST))


async def is_accessible(
    page: Page, where: Any, widths: Sequence[int] = LAID_OUT, but: Sequence[str] = ()
) -> None:
    """Fail on a serious or critical fault, in light and in dark, other than those of `but`."""
    # Once for a page: it is large.
    if not await page.evaluate("Boolean(window.axe)"):
        await page.evaluate(_AXE)
    for width in widths:
        await page.set_viewport_size({"width": width, "height": 900})
        await page.emulate_media(color_scheme="light")
        assert await _faults(page) == list(but), (where, width, "light")
        await page.emulate_media(color_scheme="dark")
        assert await _faults(page, *_COLOURS) == [], (where, width, "dark")


async def _faults(page: Page, *rules: str) -> list[str]:
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    found = (await page.evaluate(f"axe.run({json.dumps(options)})"))["violations"]
    return [fault["id"] for fault in found if fault["impact"] in ("serious", "critical")]
