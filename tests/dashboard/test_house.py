"""The house: self-checks, settings without secrets, alerts told as a test, where staff were."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update

from bot.market import subscriptions
from bot.settings import load_settings
from bot.settings_shown import settings_shown
from bot.storage import audit_chain, backups
from bot.storage.schema import audit, outbox, staff_alerts
from tests.dashboard.desk import Desk, joins
from tests.server import Running, running


async def rows(server: Running, query) -> list:
    return await server.parts.market.records.read(lambda db: db.execute(query).mappings().all())


@pytest.mark.usefixtures("either_store")
async def test_the_self_checks_of_the_doctor_are_on_the_page(
    server: Running, supervisor: Desk, viewer: Desk
) -> None:
    page = await supervisor.gets("/dashboard/system/checks")
    for part in ("records", "sessions", "sms", "telegram", "tls", "hub"):
        assert f">{part}</td>" in page, part
    assert "✓ ok" in page
    await viewer.gets("/dashboard/system/checks")
    assert viewer.status == 403


async def test_the_system_page_says_when_the_records_were_backed_up(
    server: Running, supervisor: Desk
) -> None:
    row = re.compile(r"Last backup of the records</dt><dd>(.+?)</dd>")
    assert row.findall(await supervisor.gets("/dashboard/system")) == ["–"]
    moment = datetime(2026, 11, 24, 10, 5, tzinfo=UTC)
    await server.parts.market.records.write(lambda db: backups.note(db, moment))
    (said,) = row.findall(await supervisor.gets("/dashboard/system"))
    assert "12:05" in said


async def test_settings_are_shown_with_their_source_and_never_a_secret(server: Running) -> None:
    async with Desk(server) as admin, Desk(server) as supervisor:
        await joins(admin, server, "ada", "admin")
        await joins(supervisor, server, "sam", "supervisor")
        page = await admin.gets("/dashboard/settings")
        assert "ussd.page_septets" in page and "secret_key" in page
        key = server.parts.settings.secret_key.get_secret_value()
        secrets = [one.get_secret_value() for one in server.parts.settings.marketplace.secrets]
        assert all(secret not in page for secret in (key, *secrets) if secret)
        await supervisor.gets("/dashboard/settings")
        assert supervisor.status == 403


def test_where_a_setting_was_set_last_and_what_is_hidden_of_it() -> None:
    variables = {
        "ISOKO_PORT": "8123",
        "ISOKO_SECRET_KEY": "a" * 40,
        "ISOKO_REDIS_URL": "redis://isoko:pa@ss@redis.example:6379/0?password=hunter2",
        "ISOKO_SANDBOX__ENABLED": "true",
        "ISOKO_USSD__SECRETS__MTN": "m" * 30,
        "PATH": "/bin",
    }
    shown = {one.name: one for one in settings_shown(load_settings(variables), variables)}
    assert (shown["port"].value, shown["port"].source) == ("8123", "environment")
    assert shown["env"].source == "default" and shown["workers"].source == "default"
    assert (shown["secret_key"].value, shown["secret_key"].is_secret) == ("set", True)
    assert shown["ussd.secrets"].source == "environment" and "m" * 30 not in repr(shown)
    assert "mtn: set" in shown["ussd.secrets"].value
    assert shown["redis_url"].value == "redis://•••@redis.example:6379/0?password=•••"
    assert "file" in {one.source for one in shown.values()}
    assert "a" * 40 not in repr(shown)


async def test_an_alert_is_told_as_a_test_to_all_who_are_told_and_raises_nothing(
    tmp_path,
) -> None:
    async with running(tmp_path, ISOKO_ALERTS__TELEGRAM_CHAT="-100123") as server:
        write = server.parts.market.records.write
        async with Desk(server) as agent, Desk(server) as viewer:
            await joins(agent, server, "ann", "agent")
            await joins(viewer, server, "vera", "viewer")
            fire = "/dashboard/alerts/rules/slow_hops/test"
            await viewer.posts(fire)
            assert viewer.status == 403
            await agent.posts(fire)
            assert agent.headers["Location"].endswith("tested=chat")

            def subscribe(db) -> None:
                number, _ = subscriptions.subscribe(
                    db, "https://hub.example/x", ("alert.raised",), server.parts.engine._clock()
                )
                subscriptions.disable(db, number, "test")

            await write(subscribe)
            await agent.posts("/dashboard/alerts/rules/ledger_sum/test")
            assert agent.headers["Location"].endswith("tested=both")
            assert "to the receivers" in await agent.gets("/dashboard/alerts?tested=both")
            await agent.posts("/dashboard/alerts/rules/no_such/test")
            assert agent.status == 404
        letters = await rows(server, select(outbox.c.kind, outbox.c.payload))
        chat = [one["payload"] for one in letters if one["kind"] == "telegram"]
        texts = [one["args"]["text"] for one in chat if one.get("chat_id") == -100123]
        assert len(texts) == 2 and all("TEST by ann, nothing is wrong" in one for one in texts)
        (hook,) = [one["payload"] for one in letters if one["payload"].get("event_id")]
        assert '"test": true' in hook["body"] and "TEST by ann" in hook["body"]
        raised = select(staff_alerts.c.id).where(staff_alerts.c.about == "test")
        assert await rows(server, raised) == []


@pytest.mark.usefixtures("either_store")
async def test_the_audit_keeps_where_somebody_was_and_its_seal_holds_that_too(
    server: Running,
) -> None:
    records = server.parts.market.records
    async with Desk(server) as admin:
        await joins(admin, server, "ada", "admin")
        await admin.gets("/dashboard/people/1")
        page = await admin.gets("/dashboard/audit?actor=ada&action=profile")
        assert re.search(r">[0-9a-f]{12}</a>", page) and "127.0.0.1" in page
        assert "profile viewed" in await admin.gets("/dashboard/audit?ip=127.0.0.1")
        assert "profile viewed" not in await admin.gets("/dashboard/audit?ip=10.9.8.7")
    # What the server did by itself came from nowhere.
    added = await rows(server, select(audit.c.ip).where(audit.c.action == "staff added"))
    assert {one["ip"] for one in added} == {""}
    while await records.write(audit_chain.seal) == audit_chain.AT_ONCE:
        pass
    assert (await audit_chain.check(records)).wrong == ""
    if str(type(records).__name__) != "SqliteRecords":
        return

    def forge(db) -> None:
        db.exec_driver_sql("DROP TRIGGER audit_no_update")
        mine = (audit.c.action == "profile viewed") & (audit.c.actor == "ada")
        db.execute(update(audit).where(mine).values(ip="10.0.0.9"))

    await records.write(forge)
    chain = await audit_chain.check(records)
    assert chain.wrong == "changed"
    first = select(func.min(audit.c.id)).where(audit.c.action == "profile viewed")
    assert chain.bad_id == await records.read(lambda db: db.execute(first).scalar())
