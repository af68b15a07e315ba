"""The conversation engine: one inbound in, one reply out."""

from bot.engine.engine import Engine
from bot.engine.layout import Layout
from bot.engine.limits import Limits

__all__ = ["Engine", "Layout", "Limits"]
