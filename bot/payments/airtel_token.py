"""Airtel Money's access token, which lasts three minutes.

Source: Airtel's developer pages, as collected in the project's wire facts, section 4.2.
"""

from __future__ import annotations

import aiohttp

from bot.payments.shared_token import SharedToken, read_token


def airtel_token(
    http: aiohttp.ClientSession,
    base_url: str,
    client_id: str,
    client_secret: str,
    timeout: aiohttp.ClientTimeout,
) -> SharedToken:
    """The shared token of the application with this id and secret."""
    body = {
        "client_id": client_id,
        "client_secret": client_secret,
        "grant_type": "client_credentials",
    }

    async def fetch() -> tuple[str, float]:
        async with http.post(
            f"{base_url}/auth/oauth2/token",
            json=body,
            headers={"Accept": "*/*"},
            timeout=timeout,
            # A captive page must not be sent our secret.
            allow_redirects=False,
        ) as response:
            return await read_token(response)

    return SharedToken(fetch)
