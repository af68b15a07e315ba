"""O-01: what is not safe does not start in production, and says which setting and the remedy."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import http_parser
from redis import Redis

from bot.settings import SettingsError, load_settings
from bot.storage.records import RecordsDown
from tests.free_port import free_port
from tests.real_postgres import RealPostgres
from tests.real_valkey import RealValkey
from tests.server import CHEAP, running
from tests.server_process import ServerProcess
from tests.typed_command import typed

_CODE = Path(__file__).parents[1]
_STRONG = "0123456789abcdef01234567"
_NOWHERE = "http://127.0.0.1:1"
_PRODUCTION = {
    "ISOKO_ENV": "production",
    "ISOKO_HOST": "127.0.0.1",
    "ISOKO_MOMO__BASE_URL": _NOWHERE,
    "ISOKO_SMS__BASE_URL": _NOWHERE,
    **CHEAP,
    **{f"ISOKO_{name}": _STRONG for name in (
        "SECRET_KEY", "PIN__PEPPER", "MOMO__SUBSCRIPTION_KEY", "MOMO__API_USER", "MOMO__API_KEY",
        "SMS__USERNAME", "SMS__API_KEY",
        "METRICS__TOKEN", "USSD__SECRETS__AFRICASTALKING")},
}  # fmt: skip


@pytest.fixture(autouse=True)
def durable(postgres: RealPostgres) -> Iterator[None]:
    """The server of the tests runs without fsync; here it is what production wants."""
    with switched(postgres, "fsync", "on"):
        yield


def say(folder: Path, command: str, settings: dict[str, str]) -> tuple[int, str]:
    """How `isoko <command>`, started in `folder`, ended, and all it said."""
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ISOKO_")},
        "PYTHONPATH": str(_CODE),
        "ISOKO_DATA_DIR": str(folder / "var"),
        "ISOKO_PORT": str(free_port()),
        **_PRODUCTION,
        **settings,
    }
    done = typed(folder, variables, command)
    return done.returncode, done.stdout + done.stderr


def refuses(folder: Path, *words: str, **settings: str) -> None:
    """The server does not start and says these words; the doctor says them, too."""
    status, said = say(folder, "serve", settings)
    assert status == 2 and said.startswith("isoko: ") and "Traceback" not in said, said
    for word in words:
        assert word in said
    status, said = say(folder, "doctor", settings)
    (wrong,) = [line for line in said.splitlines() if line.startswith("wrong") and words[0] in line]
    assert status == 1 and all(word in wrong for word in words)


def test_O01_the_same_settings_start_when_nothing_is_wrong(
    tmp_path: Path, postgres: RealPostgres, valkey: RealValkey
) -> None:
    """Else every refusal below could be for another reason."""
    (tmp_path / ".env").touch(mode=0o600)
    stores = {"ISOKO_DATABASE_URL": postgres.new_database(), "ISOKO_REDIS_URL": valkey.url}
    server = ServerProcess(tmp_path / "var", **_PRODUCTION | stores)
    assert server.stop() == 0
    _status, said = say(tmp_path, "doctor", stores)
    for part in ("settings", "records", "sessions", "spool"):
        assert any(line.split()[:2] == ["ok", part] for line in said.splitlines()), said


def test_H01_without_the_c_parser_production_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuses(tmp_path, "AIOHTTP_NO_EXTENSIONS", AIOHTTP_NO_EXTENSIONS="1")
    load_settings(_PRODUCTION)
    # Where its wheel is missing no variable says so.
    parser = http_parser.HttpRequestParserPy
    monkeypatch.setattr(http_parser, "HttpRequestParser", parser)
    with pytest.raises(SettingsError, match="C parser"):
        load_settings(_PRODUCTION)
    load_settings({})


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("ISOKO_SECRET_KEY", "", "openssl rand -hex 24"),
        ("ISOKO_USSD__SECRETS__AFRICASTALKING", "changeme-changeme-changeme", "openssl rand"),
        ("ISOKO_LOG_LEVEL", "debug", "set it to info"),
    ],
)
def test_O01_a_setting_that_is_not_safe(tmp_path, name: str, value: str, remedy: str) -> None:
    refuses(tmp_path, name, remedy, **{name: value})


def test_O01_a_secret_of_a_gateway_that_is_not_named_stops_the_start(tmp_path: Path) -> None:
    name = "ISOKO_USSD__SECRETS__AFRICASTALKNG"
    refuses(tmp_path, name, "is for no gateway", ISOKO_ENV="demo", **{name: "x"})


@pytest.mark.parametrize("value", ["africastalkin", ""])
def test_O01_a_gateway_that_nobody_wrote_names_those_there_are(tmp_path: Path, value: str) -> None:
    name = "ISOKO_USSD__GATEWAYS"
    refuses(tmp_path, name, "africastalking", ISOKO_ENV="demo", **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ISOKO_PIN__PEPPER", "changeme", "ISOKO_PIN__PEPPER is missing or too weak"),
        ("PYTHONASYNCIODEBUG", "1", "PYTHONASYNCIODEBUG is set"),
        ("PYTHONDEVMODE", "1", "PYTHONDEVMODE is set"),
        ("ISOKO_SANDBOX__ENABLED", "true", "ISOKO_SANDBOX__ENABLED=false"),
    ],
)
def test_O01_more_that_is_not_safe(name: str, value: str, words: str) -> None:
    assert load_settings(_PRODUCTION).env == "production"
    with pytest.raises(SettingsError, match=words):
        load_settings(_PRODUCTION | {name: value})


def test_O01_a_file_of_secrets_that_others_may_read(tmp_path: Path, monkeypatch) -> None:
    secrets = tmp_path / ".env"
    secrets.write_text("ISOKO_SECRET_KEY=x")
    secrets.chmod(0o644)
    refuses(tmp_path, str(secrets), "mode 0644", f"chmod 600 {secrets}")
    monkeypatch.chdir(tmp_path)
    for mode in (0o640, 0o602):
        secrets.chmod(mode)
        with pytest.raises(SettingsError, match=f"mode {mode:04o}"):
            load_settings(_PRODUCTION)
        assert load_settings({}).env == "demo"


@contextmanager
def switched(postgres: RealPostgres, name: str, to: str) -> Iterator[None]:
    postgres.run_sql(f"ALTER SYSTEM SET {name} = {to}")
    postgres.run_sql("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        postgres.run_sql(f"ALTER SYSTEM RESET {name}")
        postgres.run_sql("SELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("name", "workers"), [("fsync", "1"), ("fsync", "2"), ("full_page_writes", "1")]
)
def test_O01_a_postgresql_that_forgets(
    tmp_path: Path, postgres: RealPostgres, valkey: RealValkey, name: str, workers: str
) -> None:
    url = postgres.new_database()
    stores = {"ISOKO_DATABASE_URL": url, "ISOKO_REDIS_URL": valkey.url, "ISOKO_WORKERS": workers}
    with switched(postgres, name, "off"):
        status, said = say(tmp_path, "serve", stores)
        assert status == 2 and f"set {name} = on" in said and "ISOKO_DATABASE_URL" in said
        # The tables are there now, so that the doctor gets as far.
        _status, said = say(tmp_path, "doctor", stores)
        assert f"wrong  records     PostgreSQL runs with {name} off" in said


@pytest.mark.parametrize("workers", ["1", "2"])
def test_O01_a_redis_that_drops_calls(
    tmp_path: Path, postgres: RealPostgres, valkey: RealValkey, workers: str
) -> None:
    stores = {"ISOKO_DATABASE_URL": postgres.new_database(), "ISOKO_WORKERS": workers}
    with Redis.from_url(valkey.url) as redis:
        redis.config_set("maxmemory-policy", "allkeys-lru")
        try:
            words = ("maxmemory-policy is allkeys-lru", "noeviction", "ISOKO_REDIS_URL")
            refuses(tmp_path, *words, **stores, ISOKO_REDIS_URL=valkey.url)
        finally:
            redis.config_set("maxmemory-policy", "noeviction")


def test_O01_an_unwritable_spool(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    # A mode would not stop root, as whom tests may run.
    (tmp_path / "var" / "spool").write_text("a file where the folder should be")
    refuses(tmp_path, "spool", "cannot be written", "ISOKO_DATA_DIR")


async def test_O01_a_sqlite_that_forgets(tmp_path: Path, monkeypatch) -> None:
    """No setting leads there, but a change of ours or a disk might."""
    unsafe = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA busy_timeout=0")
    monkeypatch.setattr("bot.storage.sqlite.PRAGMAS", unsafe)
    with pytest.raises(RecordsDown, match=r"not safe against a power cut.*sync 1.*ISOKO_DATA_DIR"):
        async with running(tmp_path):
            pass
