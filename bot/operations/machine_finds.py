"""What alerts find of this machine and of what would replace it: disk, certificates, backups."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from bot.market.staff_alerts import Found
from bot.storage import backups
from bot.tls import days_left


@dataclass(frozen=True, slots=True)
class MachineRules:
    """From when on each rule speaks, 0 switches one off; and what there is to look at.

    `certificates` are the files by the setting that names each.
    """

    disk_percent: int = 0
    backup_hours: int = 0
    certificate_days: int = 0
    data_dir: Path = Path()
    certificates: tuple[tuple[str, str], ...] = ()


NO_MACHINE = MachineRules()


def free_share(data_dir: Path) -> float:
    """How much of the data folder's disk is free, from 0 to 1. Raises OSError."""
    disk = shutil.disk_usage(data_dir)
    return disk.free / disk.total if disk.total else 1.0


def days_of(certificate: str, now: datetime) -> int:
    """Whole days that a certificate still holds: 0 for one that has ended or cannot be read."""
    try:
        return max(0, days_left(certificate, now))
    except (OSError, ValueError):
        return 0


def disks(_db: Connection, rules: MachineRules) -> Iterator[Found]:
    """The disk of the data folder, when little of it is free."""
    try:
        share = free_share(rules.data_dir)
    except OSError:
        # Without its folder the server has other troubles; the rules after this one go on.
        return
    if share * 100 < rules.disk_percent:
        yield Found("disk_low", "", int(share * 100))


def certificates(_db: Connection, rules: MachineRules, now: datetime) -> Iterator[Found]:
    """Those that end soon; where TLS ends at a proxy there are none."""
    for name, file in rules.certificates:
        days = days_of(file, now)
        if days < rules.certificate_days:
            yield Found("certificate_ends", name, days)


def old_backup(db: Connection, rules: MachineRules, now: datetime) -> Iterator[Found]:
    """The records, when their newest copy is old; never where none was expected or made."""
    age = backups.age(db, now)
    if age > timedelta(hours=rules.backup_hours):
        yield Found("backup_old", "", int(age.total_seconds()) // 3600)
