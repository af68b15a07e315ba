"""Options of the test command."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--record` writes the golden transcripts anew."""
    parser.addoption("--record", action="store_true", help="write the golden transcripts anew")
