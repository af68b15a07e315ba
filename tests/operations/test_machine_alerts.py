"""Staff are alerted of a full disk, an old backup and a certificate that ends, each in good time."""

from __future__ import annotations

import shutil
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prometheus_client import CollectorRegistry

from bot.market import staff_alerts
from bot.operations import machine_finds
from bot.operations.alert_rules import Heard, looks
from bot.operations.backlog import waiting
from bot.operations.machine_figures import MachineFigures
from bot.operations.machine_finds import MachineRules
from bot.parts import _records_of
from bot.settings import load_settings
from bot.storage import backups
from bot.storage.audit_chain import Patrol
from bot.storage.opening import open_records, upgrade
from bot.wiring import machine_rules_of
from tests.operations.test_alerts import RULES
from tests.typed_command import isoko
from tests.ussd.test_gateway_doors import PRODUCTION

NOON = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
FOLDER = Path("/var/lib/isoko")
CERTIFICATES = (("tls.certificate", "chain.pem"), ("tls.client_ca", "ca.pem"))
MACHINE = MachineRules(15, 26, 30, FOLDER, CERTIFICATES)
Seen = set[tuple[str, str, int]]


class Disk(NamedTuple):
    """As `shutil.disk_usage` says it."""

    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A machine on which all is well, until a test says otherwise."""
    well = {"free": 60, "chain.pem": 80, "ca.pem": 900}
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Disk(100, 0, well["free"]))
    monkeypatch.setattr(machine_finds, "days_left", lambda file, _now: well[file])
    return well


async def seen(records: Any, at: datetime = NOON, rules: MachineRules = MACHINE) -> Seen:
    """What one look by the machine's rules finds."""
    every = replace(RULES, machine=rules)

    def look(db: Any) -> Seen:
        found = looks(every, Heard(()), Patrol(), at)
        return {(one.rule, one.about, one.figure) for _rule, look in found for one in look(db)}

    return await records.read(look)


async def test_a_disk_with_little_free_is_found(
    records, machine: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine["free"] = 15
    assert await seen(records) == set()
    machine["free"] = 14
    assert await seen(records) == {("disk_low", "", 14)}
    assert await seen(records, rules=MachineRules()) == set()
    monkeypatch.undo()
    assert await seen(records, rules=MachineRules(15, data_dir=FOLDER / "gone")) == set()


async def test_a_certificate_that_ends_soon_or_cannot_be_read_is_found(
    records, machine: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine["chain.pem"] = 30
    assert await seen(records) == set()
    machine["chain.pem"] = 29
    assert await seen(records) == {("certificate_ends", "tls.certificate", 29)}
    machine["chain.pem"], machine["ca.pem"] = -3, 5
    ended = {("certificate_ends", "tls.certificate", 0), ("certificate_ends", "tls.client_ca", 5)}
    assert await seen(records) == ended
    monkeypatch.undo()
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Disk(100, 0, 60))
    gone = {("certificate_ends", name, 0) for name, _file in CERTIFICATES}
    assert await seen(records) == gone
    # Where TLS ends at a proxy there is nothing to look at.
    none = machine_rules_of(load_settings({}))
    assert none.certificates == () and await seen(records, rules=none) == set()


async def test_an_old_backup_is_found_where_one_was_made_or_is_expected(records) -> None:
    later = NOON + timedelta(hours=26, minutes=1)
    # The demo expects none, and has none.
    assert await seen(records, later + timedelta(days=90)) == set()
    await records.write(lambda db: backups.expect(db, NOON))
    await records.write(lambda db: backups.expect(db, later))
    assert await seen(records, NOON + timedelta(hours=26)) == set()
    assert await seen(records, later) == {("backup_old", "", 26)}
    await records.write(lambda db: backups.note(db, later))
    assert await seen(records, later + timedelta(hours=1)) == set()
    assert await seen(records, later + timedelta(hours=30)) == {("backup_old", "", 30)}
    found = await records.read(lambda db: waiting(db, later + timedelta(hours=30)))
    assert found.backup_age_s == 30 * 3600


async def test_production_expects_a_backup_from_its_first_start_on_and_the_demo_none(
    tmp_path: Path,
) -> None:
    demo = load_settings({"ISOKO_DATA_DIR": str(tmp_path)})
    production = load_settings(PRODUCTION | {"ISOKO_DATA_DIR": str(tmp_path)})
    watched_elsewhere = production.model_copy(
        update={"alerts": production.alerts.model_copy(update={"backup_hours": 0})}
    )
    ages = []
    for settings in (demo, watched_elsewhere, production):
        async with AsyncExitStack() as stack:
            records = await _records_of(settings, stack)
            at = datetime.now(UTC) + timedelta(hours=27)
            ages.append(await records.read(partial(backups.age, now=at)))
    assert ages[:2] == [timedelta(0)] * 2 and ages[2] >= timedelta(hours=27)


async def test_the_figures_say_it_too(machine: dict[str, int]) -> None:
    registry = CollectorRegistry()
    figures = MachineFigures(MACHINE, registry)
    machine["free"], machine["chain.pem"] = 7, 12
    await figures.read()
    assert registry.get_sample_value("isoko_disk_free_ratio") == 7 / 100
    for setting, days in (("tls.certificate", 12), ("tls.client_ca", 900)):
        named = {"setting": setting}
        assert registry.get_sample_value("isoko_certificate_days", named) == days


async def test_a_backup_that_was_made_is_known_to_the_records(tmp_path: Path) -> None:
    folder, before = tmp_path / "data", datetime.now(UTC)
    await upgrade("", folder)

    async def last() -> datetime | None:
        records = await open_records("", folder)
        try:
            return await records.read(backups.last)
        finally:
            await records.close()

    refused = isoko(folder, "db", "backup", str(tmp_path / "nowhere" / "copy"))
    assert refused.returncode != 0 and await last() is None
    assert isoko(folder, "db", "backup", str(tmp_path / "copy")).returncode == 0
    made = await last()
    assert made is not None and made >= before.replace(microsecond=0)
    assert "noted: backed up at" in isoko(folder, "db", "backed-up").stdout
    told = await last()
    assert told is not None and told > made


async def test_a_test_of_each_can_be_sent(records) -> None:
    for rule in ("disk_low", "backup_old", "certificate_ends"):
        said = await records.write(
            lambda db, rule=rule: staff_alerts.fire_test(db, rule, 5, "amina", NOON)
        )
        assert said == (0, True)
