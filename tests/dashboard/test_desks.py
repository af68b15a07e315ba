"""The desks: orders, payments, webhooks, people, each as staff use it."""

import json
import re
import time
from datetime import UTC, datetime
from urllib.parse import quote

from sqlalchemy import Connection, event, func, insert, select, text, update

from bot.dashboard.screens.order_desk import one_order
from bot.dashboard.screens.reveal import AN_HOUR
from bot.market import hub_news, people, subscriptions
from bot.storage import audit_chain
from bot.storage.opening import revision_wanted
from bot.storage.schema import (
    audit,
    contacts,
    hub_events,
    inbox,
    ledger_lines,
    offer_events,
    offers,
    orders,
    outbox,
    payments,
    proposals,
)
from tests.dashboard.desk import PROPOSAL, Desk, joins
from tests.server import AIRTEL, CRAFTS, FARMER, TEA, Running

HOSTILE = "x' OR 1=1 --", "%", "_%_", "(a+)+$" * 20, "🙂" * 30, "A" * 5_000, "\\", "'", '"><b>'


async def audited(server: Running, action: str) -> list:
    query = select(audit).where(audit.c.action == action).order_by(audit.c.id)
    return await server.parts.market.records.read(lambda db: db.execute(query).mappings().all())


async def value(server: Running, query) -> object:
    return await server.parts.market.records.read(lambda db: db.execute(query).scalar())


async def write(server: Running, statement) -> None:
    await server.parts.market.records.write(lambda db: db.execute(statement))


async def test_an_order_is_found_and_read_from_offer_to_money(
    server: Running, supervisor: Desk
) -> None:
    page = await supervisor.gets("/dashboard/orders")
    assert "KW-1042" in page and "KW-1043" in page
    page = await supervisor.gets("/dashboard/orders?q=kw-1042")
    assert ">KW-1042<" in page and ">KW-1043<" not in page
    page = await supervisor.gets("/dashboard/orders?product=TEA-MADE&state=offered")
    assert ">KW-1043<" in page and ">KW-1042<" not in page
    page = await supervisor.gets("/dashboard/orders/KW-1038")
    for seen in ("240,000\u00a0Frw", "RwandAir", "320,000\u00a0Frw", "+2507•••••01", "succeeded",
                 "handed over", "/dashboard/payments/"):  # fmt: skip
        assert seen in page, seen
    await supervisor.gets("/dashboard/orders/KW-9999")
    assert supervisor.status == 404


async def test_D07_no_desk_shows_a_viewer_a_number(server: Running, viewer: Desk) -> None:
    said = ""
    for path in ("orders", "orders/KW-1042", "payments", "payments/1", "webhooks", "webhooks/out",
                 "messages", "webhooks?source=operators", "people", "people/1", "system",
                 "people?q=%2B250788000001", "people?q=Mukamana"):  # fmt: skip
        page = await viewer.gets(f"/dashboard/{path}")
        assert viewer.status == 200, path
        said += page.replace('value="+250788000001"', "")
    for msisdn in (FARMER, TEA, CRAFTS, AIRTEL):
        assert msisdn[4:] not in said
    assert "+2507•••••01" in said and not re.search(r"<form[^>]*(erase|settle|again|forget)", said)


async def test_D13_whatever_is_searched_for_is_data(server: Running, viewer: Desk) -> None:
    everybody = (await viewer.gets("/dashboard/people")).count("/dashboard/people/")
    for path, name in (("people", "q"), ("orders", "q"), ("payments", "q")):
        for wanted in HOSTILE:
            # The work, server and records included: a machine that stands still does none.
            began_s = time.process_time()
            page = await viewer.gets(f"/dashboard/{path}?{name}={quote(wanted)}")
            assert viewer.status == 200 and time.process_time() - began_s < 1
            if path == "people":
                assert page.count("/dashboard/people/") < everybody, wanted
    for odd in ("before=x", "before=99999999999999999999", "before=-1", "state=%00", "q=%ED%A0%80"):
        await viewer.gets(f"/dashboard/payments?{odd}")
        assert viewer.status == 200, odd


async def test_D01_a_hostile_name_is_text_on_every_desk(server: Running, supervisor: Desk) -> None:
    evil = "<script>alert(1)</script>\u202e"
    await write(server, update(contacts).where(contacts.c.msisdn == FARMER).values(names=evil))
    for path in ("people", "people/1", "orders/KW-1042", "payments", "payments/1"):
        page = await supervisor.raw(f"/dashboard/{path}")
        assert "<script>alert" not in page, path
        # A list of payments names nobody.
        shown = re.search(r"<bdi[^>]*>&lt;script&gt;alert\(1\)", page)
        assert path == "payments" or shown, path


async def flag(server: Running) -> int:
    """One payment that waits for people, whatever the operator says."""
    one = int(await value(server, select(func.min(payments.c.id))))
    flagged = {"state": "flagged", "settled_at": None, "confirmed_at": None}
    await write(server, update(payments).where(payments.c.id == one).values(flagged))
    return one


async def test_a_flagged_payment_comes_first_and_is_ended_by_two_people(server: Running) -> None:
    one = await flag(server)
    end = f"/dashboard/payments/{one}"
    async with Desk(server) as first, Desk(server) as second:
        await joins(first, server, "fiona", "finance")
        await joins(second, server, "felix", "finance")
        assert "These need a person" in await first.gets("/dashboard/payments")
        assert "● flagged" in first.text
        await first.posts(f"{end}/propose", end="succeeded", reason="")
        assert first.headers["Location"].endswith("said=no_reason")
        await first.posts(f"{end}/propose", end="succeeded", reason="MTN's letter of 3 May")
        assert first.headers["Location"].endswith("said=proposed")
        # Alone nobody ends it, however often they try; nor does a second proposal.
        assert await first.answers(end, "settle") == "same_person"
        await second.posts(f"{end}/propose", end="failed", reason="other")
        assert second.headers["Location"].endswith("said=waits")
        assert "fiona says:" in await second.gets(end)
        assert await second.answers(end, "settle") == "settled"
        assert "Settled." in await second.gets(f"{end}?said=settled")
        await second.posts(f"{end}/settle")
        assert second.headers["Location"].endswith("said=no_effect")
    assert await value(server, select(payments.c.state).where(payments.c.id == one)) == "succeeded"
    (line,) = await audited(server, "payment settled as succeeded")
    assert (line["actor"], line["details"]["second"]) == ("fiona", "felix")
    assert await value(server, select(func.sum(ledger_lines.c.amount_rwf))) == 0
    assert await value(server, select(proposals.c.outcome)) == "done"


async def test_what_changed_since_it_was_proposed_is_not_ended(server: Running) -> None:
    one = await flag(server)
    end = f"/dashboard/payments/{one}"
    async with Desk(server) as first, Desk(server) as second:
        await joins(first, server, "fiona", "finance")
        await joins(second, server, "felix", "supervisor")
        await first.posts(f"{end}/propose", end="failed", reason="the letter")
        await write(server, update(payments).values(version=payments.c.version + 1))
        await second.posts(f"{end}/settle")
        assert second.headers["Location"].endswith("said=no_effect")
        assert await first.answers(end, "withdraw") == "withdrawn"
    assert await value(server, select(payments.c.state).where(payments.c.id == one)) == "flagged"


async def test_what_was_proposed_anew_is_not_done_by_a_page_of_before(server: Running) -> None:
    end, person = f"/dashboard/payments/{await flag(server)}", "/dashboard/people/1"
    async with Desk(server) as first, Desk(server) as second:
        await joins(first, server, "fiona", "supervisor")
        await joins(second, server, "felix", "supervisor")
        await first.posts(f"{end}/propose", end="failed", reason="the letter")
        old = PROPOSAL.search(await second.gets(end))[1]
        await first.answers(end, "withdraw")
        await first.posts(f"{end}/propose", end="succeeded", reason="another letter")
        for deed in ("settle", "withdraw"):
            await second.posts(f"{end}/{deed}", proposal=old)
            assert second.headers["Location"].endswith("said=another")
        assert await second.answers(end, "settle") == "settled"
        await first.posts(f"{person}/forget", reason="by letter")
        old = PROPOSAL.search(await second.gets(person))[1]
        await first.answers(person, "keep")
        await first.posts(f"{person}/forget", reason="by phone")
        for deed in ("erase", "keep"):
            await second.posts(f"{person}/{deed}", proposal=old)
            assert second.headers["Location"].endswith("said=another")
    assert await value(server, select(payments.c.state).where(payments.c.id == 1)) == "succeeded"
    assert await value(server, select(contacts.c.erased_at).where(contacts.c.id == 1)) is None


async def test_D12_asking_about_a_settled_payment_has_no_effect(
    server: Running, supervisor: Desk
) -> None:
    before = await value(server, select(payments.c.version).where(payments.c.id == 1))
    for deed in ("ask", "send", "release"):
        await supervisor.posts(f"/dashboard/payments/1/{deed}")
        said = supervisor.headers["Location"].partition("said=")[2]
        assert said in {"no_effect", "not_waiting"}, deed
    assert await value(server, select(payments.c.version).where(payments.c.id == 1)) == before
    assert len(await audited(server, "payment asked about")) == 1


async def test_an_unknown_payment_is_asked_about_at_once(server: Running, supervisor: Desk) -> None:
    far = datetime(2030, 1, 1, tzinfo=UTC)
    unknown = {"state": "unknown", "asks": 1, "look_up_at": far, "settled_at": None}
    one = payments.c.id == 1
    # Of an operator that is not there, so that nobody answers meanwhile.
    await write(server, update(payments).where(one).values(unknown | {"provider": "nobody"}))
    page = await supervisor.gets("/dashboard/payments")
    assert "▲ unknown" in page
    assert "Ask the operator now" in await supervisor.gets("/dashboard/payments/1")
    await supervisor.posts("/dashboard/payments/1/ask")
    assert supervisor.headers["Location"].endswith("said=asked")
    (line,) = await audited(server, "payment asked about")
    assert line["details"] == {"outcome": "asked"}


async def test_D11_D12_a_webhook_is_replayed_through_the_same_dedupe(
    server: Running, supervisor: Desk
) -> None:
    now = datetime.now(UTC)

    def prepare(db) -> int:
        number, _secret = subscriptions.subscribe(db, "https://hub.example/hook", (), now)
        for n in range(3):
            hub_news.put(db, number, "test.ping", "t", str(n), {}, now)
        subscriptions.disable(db, number, "test")
        db.execute(update(outbox).where(outbox.c.via == f"hook:{number}").values(state="dead"))
        event = {"source": "hub", "event_id": "e1", "type": "order.created", "lane": "o"}
        times = {"due_at": now, "received_at": now}
        more = {"body": b"", "digest": b"x" * 16, **times}
        db.execute(insert(hub_events).values(event | more | {"state": "applied"}))
        db.execute(
            insert(inbox).values(source="mtn-momo", event_id="c1", body=b"", received_at=now)
        )
        return number

    number = await server.parts.market.records.write(prepare)
    page = await supervisor.gets("/dashboard/webhooks/out")
    assert "Send all 3 again" in page and "https://hub.example/hook" in page
    letter = int(await value(server, select(func.min(outbox.c.id)).where(outbox.c.state == "dead")))
    again = f"/dashboard/webhooks/deliveries/{letter}/again"
    await supervisor.posts(again)
    assert supervisor.headers["Location"].endswith("said=again")
    # A double click: it waits already.
    await supervisor.posts(again)
    assert supervisor.headers["Location"].endswith("said=duplicate")
    recover = f"/dashboard/webhooks/receivers/{number}/recover"
    await supervisor.posts(recover)
    assert supervisor.headers["Location"].endswith("said=recovered&n=2")
    await supervisor.posts(recover)
    assert supervisor.headers["Location"].endswith("said=recovered&n=0")
    states = select(outbox.c.state).where(outbox.c.via == f"hook:{number}").distinct()
    assert await value(server, states) == "waiting"
    for path in ("events", "callbacks"):
        await supervisor.posts(f"/dashboard/webhooks/{path}/1/again")
        assert supervisor.headers["Location"].endswith("said=duplicate")
    assert "No effect" in await supervisor.gets("/dashboard/webhooks?said=duplicate")
    assert [line["details"]["outcome"] for line in await audited(server, "webhook replayed")] == [
        "again", "duplicate", "duplicate", "duplicate",
    ]  # fmt: skip
    for deed, said in (("test", "tested"), ("on", "on"), ("off", "off")):
        await supervisor.posts(f"/dashboard/webhooks/receivers/{number}/{deed}")
        assert supervisor.headers["Location"].endswith(f"said={said}")


async def test_D12_a_callback_that_was_heard_changes_nothing_when_it_is_replayed(
    server: Running, supervisor: Desk
) -> None:
    token = str(await value(server, select(payments.c.callback_token).where(payments.c.id == 1)))
    provider = await value(server, select(payments.c.provider).where(payments.c.id == 1))
    body = {"externalId": "KW-77", "status": "FAILED"}
    path = f"/payments/{provider}/callback/{token}"
    async with server.client.post(path, json=body) as answer:
        assert answer.status == 200
    mine = select(inbox.c.id).where(inbox.c.token == token)
    row = await value(server, mine)
    assert (
        row is not None
        and await value(server, select(payments.c.state).where(payments.c.id == 1)) == "succeeded"
    )

    async def everything() -> list:
        def work(db) -> list:
            tables = payments, ledger_lines, outbox, inbox
            return [db.execute(select(t).order_by(t.c.id)).all() for t in tables]

        return await server.parts.market.records.read(work)

    await server.inbox(FARMER)
    before = await everything()
    for _click in range(2):
        await supervisor.posts(f"/dashboard/webhooks/callbacks/{row}/again")
        assert supervisor.headers["Location"].endswith("said=duplicate")
    # The operator's own, once more, is the same one.
    async with server.client.post(path, json=body) as answer:
        assert answer.status == 200
    after = await everything()
    assert before == after
    lines = await audited(server, "webhook replayed")
    assert [line["details"]["outcome"] for line in lines] == ["duplicate", "duplicate"]


async def test_a_person_is_found_by_name(server: Running, viewer: Desk) -> None:
    for asked in ("mukamana", "CLAUDINE"):
        page = await viewer.gets(f"/dashboard/people?q={asked}")
        assert "Mukamana Claudine" in page and "Nsengimana" not in page, asked
    page = await viewer.gets("/dashboard/people/1")
    assert "has a PIN" in page and "KW-1042" in page and "Forget this person" not in page
    (line,) = await audited(server, "profile viewed")
    assert (line["actor"], line["subject"]) == ("vera", "contact 1")


async def test_D07_a_number_is_looked_up_on_record_and_not_often(
    server: Running, viewer: Desk, supervisor: Desk
) -> None:
    evil = update(contacts).where(contacts.c.msisdn == TEA).values(names="Jean 0788 000 999")
    await write(server, evil)
    for asked in ("0788000001", "%2B250788000001", "0788%20000%20001", "0788", "078"):
        assert "Nobody is found." in await viewer.gets(f"/dashboard/people?q={asked}"), asked
    await viewer.posts("/dashboard/people/find", number="0788000001")
    assert viewer.status == 403
    for asked in ("0788000001", "+250788000001", "0788 000 001"):
        await supervisor.posts("/dashboard/people/find", number=asked)
        assert supervisor.headers["Location"] == "/dashboard/people/1"
    page = await supervisor.posts("/dashboard/people/find", number="0788999999")
    assert "Nobody is found." in page
    lines = await audited(server, "number looked up")
    assert [line["subject"] for line in lines] == ["contact 1"] * 3 + ["nobody"]
    for _time in range(AN_HOUR - 4):
        await supervisor.posts("/dashboard/people/find", number="0788999999")
    await supervisor.posts("/dashboard/people/find", number="0788000001")
    assert supervisor.status == 429
    await supervisor.posts("/dashboard/people/1/copy", reason="asked by phone")
    assert supervisor.status == 429


async def test_a_copy_of_a_persons_data_needs_a_reason_and_is_on_record(
    server: Running, supervisor: Desk
) -> None:
    await supervisor.gets("/dashboard/people/1")
    await supervisor.posts("/dashboard/people/1/copy", reason=" ")
    assert supervisor.status == 303
    text = await supervisor.posts("/dashboard/people/1/copy", reason="asked by phone")
    assert FARMER in text and "Mukamana" in text and "KW-1042" in text
    assert (
        "callback_token" not in text and "attachment" in supervisor.headers["Content-Disposition"]
    )
    assert len(await audited(server, "copy made")) == 1
    assert len(await audited(server, "number revealed")) == 1


async def test_a_copy_names_who_looked_but_not_where_that_member_of_staff_was(
    server: Running, supervisor: Desk
) -> None:
    await supervisor.gets("/dashboard/people/1")
    looks = await audited(server, "profile viewed")
    assert looks and all(line["ip"] and line["session"] for line in looks)
    text = await supervisor.posts("/dashboard/people/1/copy", reason="asked by letter")
    told = [line for line in json.loads(text)["audit"] if line["action"] == "profile viewed"]
    assert [(line["id"], line["actor"]) for line in told] == [
        (line["id"], line["actor"]) for line in looks
    ]
    for line in looks:
        assert told[0]["at"] and line["ip"] not in text and line["session"] not in text


async def test_two_people_forget_a_person_and_one_alone_cannot(server: Running) -> None:
    path = "/dashboard/people/1"
    async with Desk(server) as first, Desk(server) as second:
        await joins(first, server, "zoe", "supervisor")
        await joins(second, server, "adam", "admin")
        await first.posts(f"{path}/erase")
        assert first.headers["Location"].endswith("said=no_effect")
        await first.posts(f"{path}/forget", reason="asked at the desk of Gakenke")
        assert await first.answers(path, "erase") == "same_person"
        assert "zoe asks for it:" in await second.gets(path)
        assert await second.answers(path, "erase") == "erased"
        page = await second.gets(f"{path}?said=erased")
    assert "Mukamana" not in page and "Forgotten" in page and "forgotten" in page
    read = server.parts.market.records.read
    assert await read(lambda db: people.by_id(db, 1)) is None
    (line,) = await audited(server, "person erased")
    assert (line["actor"], line["details"]["first"]) == ("adam", "zoe")


async def test_the_audit_is_read_and_checked(server: Running, supervisor: Desk) -> None:
    page = await supervisor.gets("/dashboard/audit?action=signed")
    assert "demo supervisor" in page and "signed in" in page
    await server.parts.market.records.write(audit_chain.seal)
    page = await supervisor.posts("/dashboard/audit/check")
    assert "lines are as they were written" in page and supervisor.status == 200

    def forge(db) -> None:
        db.execute(text("DROP TRIGGER audit_no_update"))
        db.execute(update(audit).where(audit.c.id == 1).values(actor="nobody"))

    await server.parts.market.records.write(forge)
    assert "Line 1 was changed" in await supervisor.posts("/dashboard/audit/check")


async def test_the_system_page_says_what_runs_and_that_the_books_sum_to_nothing(
    server: Running, viewer: Desk
) -> None:
    page = await viewer.gets("/dashboard/system")
    assert revision_wanted() in page and "SQLite" in page and ">0\u00a0Frw<" in page


async def test_codes_of_rows_are_words_in_the_language_of_who_looks(
    server: Running, supervisor: Desk
) -> None:
    now = datetime.now(UTC)
    reference = await value(server, select(payments.c.reference).where(payments.c.id == 1))
    letter = {"kind": "payout", "dedupe_key": f"payout:{reference}:released", "payload": {},
              "due_at": now, "written_at": now, "state": "dead"}  # fmt: skip
    await write(server, insert(outbox).values(letter))
    assert "given up" in await supervisor.gets("/dashboard/payments/1")
    await supervisor.posts("/dashboard/language", language="fr", next="/dashboard/")
    page = await supervisor.gets("/dashboard/payments/1")
    assert "abandonné" in page and "dead ·" not in page


async def test_an_order_of_many_is_read_with_as_few_questions_as_one_of_one(
    server: Running,
) -> None:
    records, asked = server.parts.market.records, []

    def count(db: Connection) -> int:
        asked.clear()
        counts = "before_cursor_execute", lambda *_args: asked.append(1)
        event.listen(db, *counts)
        page = one_order(db, "KW-1042")
        event.remove(db, *counts)
        assert page is not None
        return len([one for one in page.offers if one.life or len(page.offers) == 1])

    def more(db: Connection) -> None:
        one = select(offers).join(orders, orders.c.id == offers.c.order_id)
        first = dict(db.execute(one.where(orders.c.code == "KW-1042")).mappings().one())
        ids, now = [first.pop("id")], datetime.now(UTC)
        for number in range(30):
            person = {"msisdn": f"+25078811{number:04}", "district": "gasabo", "role": "farmer"}
            values = {**person, "names": "Keza", "language": "rw", "created_at": now}
            whose = db.execute(insert(contacts).values(values)).inserted_primary_key[0]
            offer = db.execute(insert(offers).values({**first, "contact_id": whose}))
            ids.append(offer.inserted_primary_key[0])
        life = {"from_state": "offered", "to_state": "accepted", "at": now, "key": "k"}
        life |= {"by": "hub", "channel": "hub"}
        db.execute(insert(offer_events), [{**life, "offer_id": one} for one in ids])

    assert await records.read(count) == 1
    of_one = len(asked)
    await records.write(more)
    assert await records.read(count) == 31 and len(asked) == of_one
