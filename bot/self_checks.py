"""The configuration and every outside part, one line each, as `isoko doctor` prints them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import aiohttp
import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from bot.hub_standing import hub_standing
from bot.i18n import load_catalogues
from bot.market import outages, retries
from bot.own_door import own_door
from bot.settings import Settings, SettingsError
from bot.storage.durability import weakness
from bot.storage.opening import (
    is_newer,
    open_records,
    revision_of,
    revision_wanted,
    sqlite_path,
)
from bot.storage.records import RecordsDown
from bot.tls import days_left, server_context
from bot.wiring import gateways_of, sessions_of, spool_of, telegram_of

WRONG = "wrong"
_RENEW_DAYS = 30
# These say nothing of their own while the records are out of reach.
_ON_RECORDS = frozenset({"outages", "hub"})
_TIMEOUT = aiohttp.ClientTimeout(total=3)


async def self_checks(settings: Settings) -> AsyncIterator[tuple[str, str, str]]:
    """One after the other: how it stands ("ok", "wait", "renew", "wrong"), which part, and why."""
    records_well = True
    for name, check in _CHECKS.items():
        try:
            if name in _ON_RECORDS and not records_well:
                line = "wait  needs the records"
            else:
                line = await check(settings)
        except (SettingsError, OSError, RuntimeError, ValueError) as error:
            line = f"wrong  {error}"
        except (RecordsDown, SQLAlchemyError, asyncpg.PostgresError) as error:
            line, records_well = _records_down(settings, error), False
        well, _, said = line.partition("  ")
        yield well, name, said


def _records_down(settings: Settings, error: Exception) -> str:
    # What SQLAlchemy says goes on for lines, with the statement.
    said = str(error).partition("\n")[0]
    if not settings.database_url:
        return f"wrong  {said}"
    return (
        f"wrong  PostgreSQL cannot be used ({said}): check ISOKO_DATABASE_URL, and that the "
        "server it names runs"
    )


async def _words(_settings: Settings) -> str:
    try:
        load_catalogues()
    except FileNotFoundError as error:
        return f"wrong  a catalogue is missing ({error.filename}): run `make messages`"
    return "ok  Kinyarwanda, French, English"


async def _gateways(settings: Settings) -> str:
    gateways = gateways_of(settings)
    nowhere = {*settings.ussd.users, *settings.ussd.passwords} - {"airtel"}
    if nowhere:
        return (
            f"wrong  {', '.join(sorted(nowhere))} names itself in no request: take it out of "
            "ISOKO_USSD__USERS and ISOKO_USSD__PASSWORDS"
        )
    routes = [f"{' '.join(one.methods)} /ussd/{name}" for name, one in gateways.items()]
    return f"ok  {', '.join(routes)}"


async def _records(settings: Settings) -> str:
    if not settings.database_url and not sqlite_path(settings.data_dir).exists():
        return "ok  no data file yet: `isoko serve` makes it"
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        found = await records.read(revision_of)
        if settings.env == "production" and (trouble := await weakness(records)):
            return f"wrong  {trouble}"
    finally:
        await records.close()
    if found != revision_wanted() and not is_newer(found):
        return (
            f"wrong  tables are at {found or 'nothing'}, not {revision_wanted()}: isoko db upgrade"
        )
    where = "PostgreSQL" if settings.database_url else f"SQLite, {sqlite_path(settings.data_dir)}"
    newer = f", of a newer version (ours: {revision_wanted()})" if is_newer(found) else ""
    return f"ok  {where}, revision {found}{newer}"


async def _sessions(settings: Settings) -> str:
    if not settings.redis_url:
        return "ok  in the server's process"
    sessions = sessions_of(settings)
    try:
        count, trouble = await sessions.count(), await sessions.check()
    except Exception as error:  # the client has many ways of saying no
        return f"wrong  Redis does not answer ({error}): check ISOKO_REDIS_URL"
    finally:
        await sessions.close()
    return f"wrong  {trouble}" if trouble else f"ok  Redis, {count} keys"


async def _spool(settings: Settings) -> str:
    if not settings.data_dir.exists():
        return "ok  no data folder yet: `isoko serve` makes it"
    spool = spool_of(settings)
    spool.open()
    size = spool.size()
    if not size.messages:
        return "ok  empty"
    return (
        f"wrong  {size.messages} callbacks ({size.bytes} bytes) wait for the records: they go "
        "on by themselves when those answer"
    )


async def _server(settings: Settings) -> str:
    # It asks this machine, so whose certificate it is does not matter; its name may.
    url, named = own_door(settings)
    async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=named) as http:
        try:
            async with http.get(f"{url}/readyz", ssl=False) as response:
                return "ok  ready" if response.status == 200 else f"wrong  {await response.text()}"
        except (aiohttp.ClientError, TimeoutError):
            return (
                f"wait  nobody answers at {url}: `isoko serve` starts it; one that serves "
                "elsewhere is found with its ISOKO_PORT set here too"
            )


async def _tls(settings: Settings) -> str:
    tls, now = settings.tls, datetime.now(UTC)
    if not tls.certificate:
        return "ok  ends at a proxy before this server"
    server_context(tls)
    said = []
    for name, file in (("certificate", tls.certificate), ("client_ca", tls.client_ca)):
        left = days_left(file, now) if file else _RENEW_DAYS
        if left < 0:
            return f"wrong  tls.{name} has expired: put a new one in its place, and restart"
        if left < _RENEW_DAYS:
            said.append(f"tls.{name} ends in {left} days: renew it now")
    return f"renew  {'; '.join(said)}" if said else "ok  certificates hold 30 days or more"


async def _operator(settings: Settings) -> str:
    if settings.sandbox.enabled:
        return "ok  the pretended operator, inside the server"
    return await _answers(f"{settings.momo.base_url}/disbursement/token/", "ISOKO_MOMO__BASE_URL")


async def _airtel(settings: Settings) -> str:
    if settings.sandbox.enabled:
        return "ok  the pretended operator, inside the server"
    if not settings.airtel.client_id:
        return "ok  not used: payouts to Airtel wallets wait"
    return await _answers(f"{settings.airtel.base_url}/auth/oauth2/token", "ISOKO_AIRTEL__BASE_URL")


async def _outages(settings: Settings) -> str:
    if not settings.database_url and not sqlite_path(settings.data_dir).exists():
        return "ok  none"
    records = await open_records(settings.database_url, settings.data_dir)
    try:
        at = await records.read(revision_of)
        if at != revision_wanted() and not is_newer(at):
            return "ok  not known before `isoko db upgrade`"
        found = await records.read(outages.standing)
        untaken = await records.read(retries.untaken)
    finally:
        await records.close()
    said = "; ".join(
        f"{one.provider} is {one.state} ({one.why}), {one.waiting} payments wait" for one in found
    )
    if found:
        return f"wrong  {said}: they leave by themselves when it works"
    waits = "; ".join(f"{one.line} ({one.why}): {one.payments}" for one in untaken)
    return (
        f"wait  payments not taken yet, tried again by themselves: {waits}" if waits else "ok  none"
    )


async def _sms(settings: Settings) -> str:
    if settings.sandbox.enabled:
        return "ok  the pretended provider, inside the server"
    return await _answers(settings.sms.base_url, "ISOKO_SMS__BASE_URL")


async def _telegram(settings: Settings) -> str:
    if not settings.telegram.enabled:
        return "ok  not used: set ISOKO_TELEGRAM__ENABLED=true for a bot"
    if settings.sandbox.enabled and not settings.telegram.base_url:
        return "ok  the pretended Telegram, inside the server"
    config = telegram_of(settings)
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
        try:
            # The URL holds the token, and so may an error's words.
            async with http.get(f"{config.base_url}{config.token}/getMe") as response:
                if response.status == 200:
                    return "ok  answers, and knows our token"
                return f"wrong  HTTP {response.status}: check ISOKO_TELEGRAM__TOKEN"
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"wrong  no answer ({type(error).__name__}): check the network"


async def _answers(url: str, variable: str) -> str:
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
        try:
            async with http.get(url) as response:
                return f"ok  answers (HTTP {response.status})"
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"wrong  no answer ({type(error).__name__}): check {variable} and the network"


_CHECKS: dict[str, Callable[[Settings], Awaitable[str]]] = {
    "words": _words,
    "gateways": _gateways,
    "records": _records,
    "sessions": _sessions,
    "spool": _spool,
    "server": _server,
    "tls": _tls,
    "operator": _operator,
    "airtel": _airtel,
    "outages": _outages,
    "sms": _sms,
    "telegram": _telegram,
    "hub": hub_standing,
}
