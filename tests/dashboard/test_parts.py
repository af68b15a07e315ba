"""The parts of an order on its page: each is reached, and no old page decides about one."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Connection, func, insert, select, update

from bot.dashboard.screens import order_desk
from bot.storage.schema import contacts, offers, orders
from tests.dashboard.desk import Desk
from tests.server import Running

PAGE = "/dashboard/orders/KW-1042"
WITH_VERSION = r'action="{}".*?name="version" value="([0-9]+)"'


def part(db: Connection) -> dict:
    """The one part of the order that the demo's farmer was offered."""
    query = select(offers).join(orders, orders.c.id == offers.c.order_id)
    return dict(db.execute(query.where(orders.c.code == "KW-1042")).mappings().one())


async def accepted(server: Running) -> int:
    """The id of that part, accepted."""

    def accept(db: Connection) -> int:
        one = part(db)
        taken = {"state": "accepted", "packs_accepted": one["packs"]}
        db.execute(update(offers).where(offers.c.id == one["id"]).values(taken))
        here = orders.c.code == "KW-1042"
        db.execute(update(orders).where(here).values(packs_accepted=one["packs"]))
        return one["id"]

    return await server.parts.market.records.write(accept)


async def does(desk: Desk, path: str, version: str) -> str:
    """Press a button of a part, with the version of the page that it stood on; what came of it."""
    await desk.posts(path, reason="so it is", version=version)
    assert desk.status == 303
    return re.search(r"said=(\w+)", desk.headers["Location"])[1]


def version_on(page: str, path: str) -> str:
    return re.search(WITH_VERSION.format(path), page, re.DOTALL)[1]


async def test_D09_an_old_page_calls_off_no_part_that_was_disputed_anew(
    server: Running, supervisor: Desk
) -> None:
    path = f"{PAGE}/offers/{await accepted(server)}"
    stop = version_on(await supervisor.gets(PAGE), f"{path}/dispute")
    assert await does(supervisor, f"{path}/dispute", stop) == "disputed"
    old = version_on(await supervisor.gets(PAGE), f"{path}/call-off")
    assert await does(supervisor, f"{path}/resume", old) == "resumed"
    # A page from before the dispute says nothing about the part as it stands now.
    assert await does(supervisor, f"{path}/dispute", stop) == "not_now"
    stop = version_on(await supervisor.gets(PAGE), f"{path}/dispute")
    assert await does(supervisor, f"{path}/dispute", stop) == "disputed"
    assert await does(supervisor, f"{path}/call-off", old) == "not_now"
    assert await does(supervisor, f"{path}/call-off", "") == "not_now"
    state = await server.parts.market.records.read(lambda db: part(db)["state"])
    assert state == "disputed"
    now = version_on(await supervisor.gets(PAGE), f"{path}/call-off")
    assert await does(supervisor, f"{path}/call-off", now) == "called_off"


async def test_the_last_of_many_parts_is_reached_and_a_deed_leads_back_to_it(
    server: Running, supervisor: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_desk, "OFFERS_MOST", 3)

    def more(db: Connection) -> int:
        first = part(db)
        del first["id"]
        for number in range(6):
            person = {"msisdn": f"+2507881100{number:02}", "district": "gasabo", "role": "farmer"}
            person |= {"names": "Keza", "language": "rw", "created_at": first["answer_by"]}
            whose = db.execute(insert(contacts).values(person)).inserted_primary_key[0]
            db.execute(insert(offers).values({**first, "contact_id": whose, "state": "accepted"}))
        return db.execute(select(func.max(offers.c.id))).scalar_one()

    last, seen = await server.parts.market.records.write(more), set()
    page, following = await supervisor.gets(PAGE), PAGE
    while True:
        seen |= set(re.findall(r'id="o([0-9]+)"', page))
        link = re.search(rf'href="({PAGE}\?after=[0-9]+)"', page)
        if link is None:
            break
        page, following = await supervisor.gets(link[1]), link[1]
    assert len(seen) == 7 and str(last) in seen
    path = re.search(rf'action="({PAGE}/offers/{last}/receive[^"]*)"', page)[1]
    await supervisor.posts(path, kilos="12")
    back = supervisor.headers["Location"]
    assert back.endswith(f"#o{last}") and following.partition("?")[2] in back
    assert f'id="o{last}"' in await supervisor.gets(back.partition("#")[0])
