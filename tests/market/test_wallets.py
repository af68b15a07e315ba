"""Which operator a person's money goes through: what was registered, the network, the prefix."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.market import people, wallets
from bot.market.people import Contact
from bot.storage.schema import contacts
from tests.phone import Phone
from tests.server import AIRTEL, FARMER, Running

NUMBERING = json.loads(Path("tests/payments/fixtures/rw_operators.json").read_text())
SOMEONE = Contact(1, "", "", "", "rw", "farmer", "", False, "", "", 0, False)


@pytest.mark.parametrize(("prefix", "name"), NUMBERING["mobile_prefixes"].items())
def test_the_prefix_decides_where_nobody_said(prefix: str, name: str) -> None:
    wanted = "airtel-money" if "Airtel" in name else "mtn-momo"
    assert wallets.provider_of(replace(SOMEONE, wallet=f"+250{prefix}8000004")) == wanted


@pytest.mark.parametrize(("code", "name"), NUMBERING["africas_talking_network_code"].items())
def test_a_network_code_names_its_operator(code: str, name: str) -> None:
    wanted = {"MTN": "mtn-momo", "Tig": "airtel-money", "Air": "airtel-money"}.get(name[:3], "")
    assert wallets.provider_on(code) == wanted


@pytest.mark.parametrize("code", ["", "99999", "63903", "6351", "635140"])
def test_a_code_of_no_operator_here_names_none(code: str) -> None:
    assert wallets.provider_on(code) == ""


def test_what_was_registered_wins_over_the_prefix() -> None:
    moved = replace(SOMEONE, wallet=FARMER, wallet_provider="airtel-money")
    assert wallets.provider_of(moved) == "airtel-money"


async def known(server: Running, msisdn: str) -> Contact:
    return await server.parts.market.records.read(lambda db: people.by_msisdn(db, msisdn))


async def test_the_demo_farmer_on_airtel_is_paid_by_airtel(server: Running) -> None:
    assert wallets.provider_of(await known(server, AIRTEL)) == "airtel-money"
    assert wallets.provider_of(await known(server, FARMER)) == "mtn-momo"


@pytest.mark.parametrize(
    ("network", "registered", "paid_by"),
    [("63514", "airtel-money", "airtel-money"), ("63510", "mtn-momo", "mtn-momo"),
     ("99999", "", "mtn-momo"), ("", "", "mtn-momo")],
)  # fmt: skip
async def test_who_registers_from_a_network_has_their_wallet_there(
    server: Running, network: str, registered: str, paid_by: str
) -> None:
    """A number that MTN gave out and that Airtel serves today is paid by Airtel."""
    moved = "+250788000777"
    phone = Phone(server.client, moved, network)
    await phone.dials()
    await phone.types("2", "6", "1", "Aline", "1", "1", "1", "1", "80642", "80642")
    contact = await known(server, moved)
    assert contact.wallet_provider == registered and wallets.provider_of(contact) == paid_by


async def test_who_leaves_leaves_no_wallet(server: Running, now) -> None:
    contact = await known(server, AIRTEL)
    records = server.parts.market.records
    await records.write(lambda db: people.erase(db, contact.id, now))
    query = select(contacts.c.wallet, contacts.c.wallet_provider).where(contacts.c.id == contact.id)
    assert tuple(await records.read(lambda db: db.execute(query).one())) == ("", "")
