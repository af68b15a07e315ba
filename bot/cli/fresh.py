"""`isoko fresh`: the demo begins anew."""

from __future__ import annotations

import shutil

import typer

from bot.settings import load_settings
from bot.storage.opening import OneProcess, sqlite_path

_BESIDE = ("", "-wal", "-shm", "-journal")


def fresh() -> None:
    """Remove the demo's people, orders and payments, so that it can be played again.

    Not while a server runs on them, and never in production or on PostgreSQL.

    Example: isoko fresh
    """
    settings = load_settings()
    if settings.env != "demo" or settings.database_url:
        typer.echo("only the demo's own data folder is removed: nothing was done", err=True)
        raise typer.Exit(1)
    folder = settings.data_dir
    store = sqlite_path(folder)
    if not store.exists():
        typer.echo("there is nothing of the demo yet: make run")
        return
    lock = OneProcess(folder)
    lock.take()
    try:
        for ending in _BESIDE:
            store.with_name(store.name + ending).unlink(missing_ok=True)
        (folder / "sandbox.jsonl").unlink(missing_ok=True)
        shutil.rmtree(folder / "spool", ignore_errors=True)
    finally:
        lock.give_back()
    typer.echo("the demo's data is gone; next: make run, which fills it again")
