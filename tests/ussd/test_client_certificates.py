"""U-05: mTLS. Who shows no certificate, or a wrong one, is refused and learns nothing."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.settings import SettingsError, load_settings
from tests.cli.test_money_commands import isoko
from tests.server_process import ServerProcess
from tests.ussd.certificates import Made, make
from tests.ussd.test_door import FORM


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Made:
    return make(folder, "ca", "A CA of gateways")


def settings_of(folder: Path, authority: Made, days: int = 365) -> dict[str, str]:
    own = make(folder, f"server{days}", "localhost", days=days)
    return {
        "ISOKO_TLS__CERTIFICATE": own.file,
        "ISOKO_TLS__KEY": own.key_file,
        "ISOKO_TLS__CLIENT_CA": authority.file,
        "ISOKO_TLS__CLIENT_NAMES": "gateway.example",
    }


@pytest.fixture(scope="module")
def process(folder: Path, authority: Made) -> Iterator[ServerProcess]:
    one = ServerProcess(folder / "data", **settings_of(folder, authority))
    yield one
    one.stop()


def call(process: ServerProcess, shown: Made | None, path: str = "/ussd/africastalking"):
    """Status and body; status 0 where the connection itself was refused."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if shown is not None:
        context.load_cert_chain(shown.file, shown.key_file)
    data = urllib.parse.urlencode(FORM).encode() if path.startswith("/ussd") else None
    try:
        with urllib.request.urlopen(process.url + path, data, 10, context=context) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except (urllib.error.URLError, ssl.SSLError, ConnectionError):
        return 0, ""


def test_U05_the_gateways_own_certificate_is_let_in(process, folder, authority) -> None:
    known = make(folder, "known", "gateway.example", authority)
    status, body = call(process, known)
    assert status == 200 and body.startswith("CON ")
    # Whoever asks for health shows none.
    assert call(process, None, "/healthz")[0] == 200


def test_U05_every_other_certificate_is_refused_in_the_same_words(
    process, folder, authority
) -> None:
    stranger = make(folder, "stranger", "gateway.example")
    expired = make(folder, "expired", "gateway.example", authority, days=-1)
    other_name = make(folder, "other", "gateway.example.evil", authority)
    assert call(process, stranger) == (0, "")
    assert call(process, expired) == (0, "")
    for shown in (None, other_name):
        status, body = call(process, shown)
        assert (status, body) == (403, "this client is not allowed\n")
    assert "events" not in call(process, None, "/ussd/africastalking/events")[1]
    assert call(process, None, "/ussd/africastalking/events")[0] == 403


@pytest.mark.parametrize(("days", "said"), [
    (29, "renew  tls"), (31, "ok     tls"), (-1, "wrong  tls"),
])  # fmt: skip
async def test_U05_the_doctor_warns_30_days_before_the_end(
    tmp_path, authority, monkeypatch, days: int, said: str
) -> None:
    for name, value in settings_of(tmp_path, authority, days).items():
        monkeypatch.setenv(name, value)
    done = await isoko(tmp_path, "doctor")
    assert said in done.stdout, done.stdout + done.stderr
    assert done.returncode == (1 if days < 0 else 0)


@pytest.mark.parametrize("given", [
    {"CERTIFICATE": "a.pem"}, {"KEY": "a.key"}, {"CLIENT_CA": "ca.pem", "CLIENT_NAMES": "x"},
    {"CERTIFICATE": "a", "KEY": "b", "CLIENT_CA": "c"},
    {"CERTIFICATE": "a", "KEY": "b", "CLIENT_NAMES": "c"},
])  # fmt: skip
def test_U05_half_of_a_setting_stops_the_start(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="belong together"):
        load_settings({f"ISOKO_TLS__{name}": value for name, value in given.items()})
