"""D-02 in a real browser: a name turns nothing round, is clipped, and leaves the rows as they are."""

from __future__ import annotations

from playwright.async_api import Browser
from sqlalchemy import update

from bot.storage.schema import contacts, tickets
from tests.dashboard.test_in_chromium import signed_in
from tests.dashboard.test_screens import asks_for_a_call, written
from tests.server import FARMER, Running

USUAL = "Mukamana Claudine"
NAMES = {
    "turned": "a\u202egnirts\u2066\u202e",
    "marks": "e" + "\u0301" * 78,
    "long": "A" * 80,
    "words": "Mukamana " * 8,
    "spaces": " " * 40,
}
# Where a name stands, and the row or card around it.
PAGES = {
    "/dashboard/people": "tr",
    "/dashboard/tickets": "li, tr, article, a",
    "/dashboard/calls": "article, li, .card",
}
_MEASURE = """around => [...document.querySelectorAll('main bdi')].map(one => {
  const row = one.closest(around) || one.parentElement, box = row.getBoundingClientRect();
  return {bidi: getComputedStyle(one).unicodeBidi, tag: one.tagName, height: box.height,
          right: Math.max(one.getBoundingClientRect().right, box.right)};
})"""


async def test_D02_a_hostile_name_leaves_every_list_as_it_is(
    browser: Browser, server: Running
) -> None:
    await asks_for_a_call(server)
    page = (await signed_in(browser, server)).page
    write, usual = server.parts.market.records.write, dict[str, list[dict]]()
    for kind, name in {"usual": USUAL, **NAMES}.items():

        def rename(db, name=name) -> None:
            db.execute(update(contacts).where(contacts.c.msisdn == FARMER).values(names=name))
            db.execute(update(tickets).values(text=name * 6, about=name[:40]))

        await write(rename)
        await written(server)
        for path, around in PAGES.items():
            await page.goto(str(server.client.make_url(path)))
            found = await page.evaluate(_MEASURE, around)
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert found and all(one["bidi"] in ("isolate", "isolate-override") for one in found)
            assert wide <= 0, (kind, path)
            before = usual.setdefault(path, found)
            tallest = max(one["height"] for one in before)
            # Less than half a line.
            assert all(one["height"] <= tallest + 8 for one in found), (kind, path, found)
            # Nothing stands beside its box, and marks do not pile up over other rows.
            assert all(one["right"] <= 1280 for one in found), (kind, path, found)
