"""`isoko staff`: who may use the dashboard."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Support staff.")


@app.callback()
def _group() -> None:
    """Support staff.

    Example: isoko staff add amina
    """


@app.command("add")
def add(name: str) -> None:
    """Add a member of staff; this version has no dashboard to sign in to, and says so.

    Example: isoko staff add amina
    """
    typer.echo(
        f"isoko: {name} was not added: this version has no dashboard to sign in to yet.", err=True
    )
    raise typer.Exit(2)
