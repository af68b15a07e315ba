"""`isoko hub`, as it is typed: receivers, secrets, items, rates and prices."""

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.storage.opening import sqlite_path
from tests.patience import patient_s
from tests.server_process import ServerProcess
from tests.typed_command import isoko

STRICT = {"ISOKO_MARKETPLACE__PRIVATE_RECEIVERS": "false"}


# Each command starts a Python of its own.
@pytest.mark.timeout(400)
def test_a_receiver_is_kept_changed_and_switched_off(tmp_path: Path) -> None:
    def hub(*words: str, **settings: str):
        return isoko(tmp_path, "hub", *words, **settings)

    made = hub("subscribe", "http://127.0.0.1:9/hook", "--types", "order.accepted,order.expired")
    first = re.search(r"subscription 1; .*(whsec_\S+)", made.stdout)
    assert made.returncode == 0 and first
    assert "no type" in hub("subscribe", "http://127.0.0.1:9/", "--types", "order.eaten").stderr
    second = re.search(r"(whsec_\S+)", hub("rotate", "1").stdout)
    assert second and second[1] != first[1]
    shown = hub("list").stdout
    assert "order.accepted" in shown and first[1] not in shown and second[1] not in shown
    assert hub("test", "1").stdout.startswith("evt_")
    assert hub("disable", "1").returncode == 0
    assert "1 receivers disabled: isoko hub list" in isoko(tmp_path, "doctor").stdout
    assert hub("enable", "1").returncode == 0
    assert "no such dead letter" in hub("replay", "1", "evt_x").stderr
    assert hub("recover", "1").stdout.startswith("0 wait")
    assert hub("rotate", "7").returncode == 1


def test_W01_W02_an_address_inside_is_refused_where_it_is_typed(tmp_path: Path) -> None:
    for url in ("http://127.0.0.1/", "https://localhost/", "https://169.254.169.254/x"):
        said = isoko(tmp_path, "hub", "subscribe", url, **STRICT)
        assert said.returncode == 1 and "is refused" in said.stderr


@pytest.mark.timeout(300)
def test_items_and_rates_are_kept(tmp_path: Path) -> None:
    new = "item", "TEA-1", "--product", "TEA-MADE", "--cut", "transport:RwandAir:100"
    assert isoko(tmp_path, "hub", *new).stdout == "TEA-1 is on sale\n"
    assert "TEA-1" in isoko(tmp_path, "hub", "item").stdout
    greedy = isoko(tmp_path, "hub", "item", "X", "--product", "TEA-MADE", "--cut", "all:us:1000")
    assert greedy.returncode == 1 and "nothing for the farmer" in greedy.stderr
    usd = "rate", "USD", "1453.25", "--source", "BNR", "--day", "2026-11-25"
    assert "1 USD = 1453.25 Frw" in isoko(tmp_path, "hub", *usd).stdout
    assert "already" in isoko(tmp_path, "hub", *usd).stderr
    assert isoko(tmp_path, "hub", "rate", "USD", "1.0000001", "--source", "x").returncode == 1


@pytest.mark.timeout(300)
def test_an_order_and_a_sale_are_sent_to_a_running_server(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    port = str(server.port)
    try:
        sent = isoko(tmp_path, "hub", "send-order", "--order-id", "KW-77", ISOKO_PORT=port)
        assert sent.returncode == 0 and "KW-77: open, 0 of 40 packs accepted" in sent.stdout
        sale = isoko(tmp_path, "hub", "flash-sale", "--orders", "30", ISOKO_PORT=port)
        assert sale.stdout.startswith("30 of 30 orders kept")
        assert "not told" in isoko(tmp_path, "hub", "allocation", "KW-77").stdout
        # What is kept is taken a little later, and our commands start in no time.
        until = time.monotonic() + patient_s(20)
        while orders_taken(tmp_path) < 31 and time.monotonic() < until:
            time.sleep(0.1)
    finally:
        server.stop()
    assert orders_taken(tmp_path) == 31


def orders_taken(folder: Path) -> int:
    with closing(sqlite3.connect(sqlite_path(folder))) as db:
        return int(db.execute("SELECT count(*) FROM hub_orders").fetchone()[0])
