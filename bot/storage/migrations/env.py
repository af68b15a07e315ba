"""Alembic's entry: runs the steps on the connection that `storage/opening.py` hands over."""

from typing import Any, Literal

from alembic import context

from bot.storage.schema import metadata
from bot.storage.schema.columns import Moment


def _plain_type(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    # A step must not change when our own column types do.
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=_plain_type,
)
context.run_migrations()
