"""Whether a page fits its window and is accessible, as Chromium and axe-core see it (B-01, B-11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

# A small phone, a tablet, a desk.
WIDTHS = (360, 768, 1440)
# Both themes, and both ways in which a page is laid out.
_LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((360, "light"), (1440, "dark"))
_AXE = Axe().axe_script
# What sticks out to the right.
_WIDEST = """() => [...document.querySelectorAll("main *")].filter((one) =>
  one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML.slice(0, 120))"""


async def fits(page: Page, where: Any, widths: Sequence[int] = WIDTHS) -> None:
    """Fail unless the page is as wide as its window, at each of `widths` in pixels."""
    for width in widths:
        await page.set_viewport_size({"width": width, "height": 900})
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide == width, (where, width, await page.evaluate(_WIDEST))


async def is_accessible(page: Page, where: Any, but: Sequence[str] = ()) -> None:
    """Fail on a serious or critical fault, light on a phone or dark on a desk, save those `but`."""
    # Once for a page: it is large.
    await page.evaluate(_AXE)
    for width, scheme in _LOOKS:
        await page.set_viewport_size({"width": width, "height": 900})
        await page.emulate_media(color_scheme=scheme)
        found = (await page.evaluate('axe.run({"resultTypes": ["violations"]})'))["violations"]
        bad = [fault["id"] for fault in found if fault["impact"] in ("serious", "critical")]
        assert bad == list(but), (where, width, scheme)
