"""What can be checked of a deployment without Docker or a cluster: each name in it is a real one."""

import asyncio
import re
from pathlib import Path

import pytest
import typer
from prometheus_client.parser import text_string_to_metric_families

from bot.cli.alive import alive
from bot.cli.workers import STUCK_S
from bot.own_door import own_door
from bot.runner import FINISH_S
from bot.settings import SettingsError, load_settings
from tests.operations.deployed import (
    KUBERNETES,
    ROOT,
    alerts,
    board,
    compose,
    manifest,
    questions,
    read,
    selectors,
)
from tests.server import Running, running

_OURS = re.compile(r"\bISOKO_[A-Z0-9_]*[A-Z0-9]\b")
_NO_SECRETS = {"ISOKO_DATABASE_URL", "ISOKO_REDIS_URL", "ISOKO_MOMO__API_USER"}
_RANDOM = "0123456789abcdef01234567"


def of_prometheus(text: str) -> dict[str, set[str]]:
    """The series that `/metrics` gives, with their labels; such as had no event yet too."""
    names: dict[str, set[str]] = {"up": {"job", "instance"}}
    ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    for family in text_string_to_metric_families(text):
        for end in ends.get(family.type, ("",)):
            names[family.name + end] = {"job", "instance"}
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


async def test_every_series_of_rules_and_board_is_one_of_a_running_server(server: Running) -> None:
    await server.phone().dials()
    async with server.client.get("/metrics") as answer:
        known = of_prometheus(await answer.text())
    asked = {one.name: one for question in questions() for one in selectors(question)}
    assert len(asked) >= 15
    for name, selector in asked.items():
        assert name in known, name
        for matcher in selector.matchers.matchers:
            assert matcher.name in known[name], (name, matcher.name)
    ours = {name for name in known if name.startswith("isoko_") and "_created" not in name}
    unseen = ours - set(asked) - {"isoko_hop_seconds_sum", "isoko_hop_seconds_count"}
    assert not unseen, f"on no board and in no rule: {unseen}"


def test_each_alert_has_its_run_book_and_each_run_book_its_alert() -> None:
    words = (ROOT / "docs" / "operations.md").read_text()
    described = re.findall(r"^### (Isoko\w+)$", words, re.MULTILINE)
    assert described == [rule["alert"] for rule in alerts()]
    for rule in alerts():
        assert rule["labels"]["severity"] in ("page", "ticket") and rule["annotations"]["summary"]


FILES_WITH_SETTINGS = [
    ROOT / "compose.yaml",
    ROOT / "Dockerfile",
    *sorted(KUBERNETES.glob("*.yaml")),
    *sorted((ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("path", FILES_WITH_SETTINGS, ids=lambda path: path.name)
def test_every_setting_that_is_named_is_one(path: Path) -> None:
    for name in set(_OURS.findall(path.read_text())):
        try:
            load_settings({name: "1"})
        except SettingsError as error:
            assert "is no setting" not in str(error), error


def of_kubernetes() -> dict[str, str]:
    return {**manifest("settings")["data"], **manifest("secret")["stringData"]}


def test_the_manifests_give_a_server_that_starts_once_the_secrets_are_filled_in() -> None:
    given = of_kubernetes()
    with pytest.raises(SettingsError, match="missing or too weak"):
        load_settings(given)
    # Each secret by itself stops the start, but for names and addresses, which are none.
    for name in manifest("secret")["stringData"].keys() - _NO_SECRETS:
        with pytest.raises(SettingsError, match=name):
            load_settings({**filled(given), name: given[name]})
    settings = load_settings(filled(given))
    assert settings.env == "production" and settings.workers == 2


def filled(given: dict[str, str]) -> dict[str, str]:
    return {name: value.replace("changeme", _RANDOM) for name, value in given.items()}


def test_a_pod_has_the_time_to_let_its_callers_go() -> None:
    pod = manifest("deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    before_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    leaving_s = load_settings(filled(of_kubernetes())).drain_s + FINISH_S
    # Past this gunicorn kills a worker, whatever it is doing.
    assert leaving_s + 5 <= STUCK_S
    assert before_s + STUCK_S + 5 <= pod["terminationGracePeriodSeconds"]
    assert compose()["services"]["app"]["stop_grace_period"] == f"{STUCK_S + 15}s"
    assert float(compose()["services"]["app"]["environment"]["ISOKO_DRAIN_S"]) + FINISH_S < STUCK_S


async def test_the_probes_ask_what_the_server_answers(server: Running) -> None:
    spec = manifest("deployment")["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    asked = {
        name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")
    }
    assert asked["liveness"]["path"] == "/healthz" and asked["readiness"]["path"] == "/readyz"
    for probe in asked.values():
        async with server.client.get(probe["path"]) as answer:
            assert answer.status == 200
    (port,) = container["ports"]
    assert {probe["port"] for probe in asked.values()} == {port["name"]}
    assert port["containerPort"] == load_settings({}).port
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    labels = spec["template"]["metadata"]["labels"].items()
    for name in ("service", "disruption"):
        selector = manifest(name)["spec"]["selector"]
        assert selector.get("matchLabels", selector).items() <= labels
    assert (
        manifest("autoscaler")["spec"]["scaleTargetRef"]["name"]
        == manifest("deployment")["metadata"]["name"]
    )


def test_all_manifests_are_listed_or_applied_by_hand() -> None:
    (listed,) = read(KUBERNETES / "kustomization.yaml")
    there = {path.name for path in KUBERNETES.glob("*.yaml")}
    assert set(listed["resources"]) | {"kustomization.yaml", "secret.yaml", "upgrade.yaml"} == there
    job = manifest("upgrade")["spec"]["template"]["spec"]["containers"][0]
    (server,) = manifest("deployment")["spec"]["template"]["spec"]["containers"]
    assert job["image"] == server["image"] and job["args"] == ["db", "upgrade"]


def test_what_the_composition_mounts_is_there_and_grafana_finds_it() -> None:
    services = compose()["services"]
    assert set(services) == {"app", "redis", "postgres", "prometheus", "grafana"}
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            there = (
                (ROOT / source).exists()
                if source.startswith("./")
                else source in compose()["volumes"]
            )
            assert there, volume
    mounted = [volume.split(":")[1] for volume in services["grafana"]["volumes"]]
    boards = read(ROOT / "deploy/grafana/provisioning/dashboards/isoko.yaml")[0]["providers"]
    assert boards[0]["options"]["path"] in mounted
    sources = read(ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml")[0][
        "datasources"
    ]
    assert {panel["datasource"]["uid"] for panel in board()["panels"]} == {sources[0]["uid"]}
    assert len({panel["id"] for panel in board()["panels"]}) == len(board()["panels"])


def test_prometheus_reaches_the_server_with_its_token() -> None:
    (config,) = read(ROOT / "deploy/prometheus/prometheus.yml")
    (job,) = config["scrape_configs"]
    (token,) = compose()["services"]["prometheus"]["configs"]
    assert job["authorization"]["credentials_file"] == token["target"]
    environment = compose()["services"]["app"]["environment"]
    assert compose()["configs"][token["source"]]["content"] == environment["ISOKO_METRICS__TOKEN"]
    port = load_settings({}).port
    assert job["static_configs"] == [{"targets": [f"app:{port}"]}]
    assert config["rule_files"] == ["alerts.yml"]


def test_what_happens_for_the_first_time_pages_somebody_too() -> None:
    # A series that begins at 1 has not increased, and one that is not there is not 0.
    asked = {rule["alert"]: rule["expr"] for rule in alerts()}
    assert "unless isoko_faults_total offset 10m" in asked["IsokoFaults"]
    for name in ("IsokoSilent", "IsokoTelegramDown"):
        assert "or vector(0)" in asked[name]
    (tested,) = read(ROOT / "deploy/prometheus/alerts_test.yml")
    told = {one["alertname"] for test in tested["tests"] for one in test["alert_rule_test"]}
    assert {"IsokoFaults", "IsokoSilent", "IsokoTelegramDown"} <= told


async def test_the_health_check_asks_as_the_settings_say(tmp_path: Path, monkeypatch) -> None:
    named = {"ISOKO_ALLOWED_HOSTS": "isoko.example"}
    assert '"/venv/bin/isoko", "alive"' in (ROOT / "Dockerfile").read_text()
    async with running(tmp_path, **named) as server:
        # As any other name it is refused: the container was taken for ill.
        async with server.client.get("/healthz") as answer:
            assert answer.status == 400
        for name, value in {**named, "ISOKO_PORT": str(server.client.port)}.items():
            monkeypatch.setenv(name, value)
        await asyncio.to_thread(alive)
    with pytest.raises(typer.Exit):
        await asyncio.to_thread(alive)
    tls = Path(__file__)
    given = {"ISOKO_TLS__CERTIFICATE": str(tls), "ISOKO_TLS__KEY": str(tls), "ISOKO_PORT": "9443"}
    assert own_door(load_settings(given)) == ("https://127.0.0.1:9443", {})
