"""Options of the test command."""

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--record` writes the golden transcripts anew, `--plant` puts a bug in its place,
    `--stores` says what the servers of the tests stand on."""
    parser.addoption("--plant", default="", help="run with this bug of tests/planted in place")
    parser.addoption(
        "--stores",
        default="embedded",
        choices=["embedded", "scaled"],
        help="scaled: two servers on PostgreSQL and Redis for each that a test starts",
    )
    parser.addoption("--record", action="store_true", help="write the golden transcripts anew")


def pytest_configure(config: pytest.Config) -> None:
    """Plant the bug that was asked for, before any test is collected."""
    name = config.getoption("--plant")
    if name:
        # Imported only here: the list imports half of the product.
        from tests.planted.bugs import ASKED, plant_asked

        # Also for the processes that tests start.
        os.environ[ASKED] = name
        plant_asked()
