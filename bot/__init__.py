"""Isoko: the commerce line of an eWTP hub, on any phone."""

__version__ = "0.1.0"
