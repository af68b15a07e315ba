"""MTN's access token, one for each product.

Source: MTN's developer pages, as collected in the project's wire facts, section 3.2.
"""

from __future__ import annotations

import aiohttp

from bot.payments.shared_token import SharedToken, read_token


def momo_token(
    http: aiohttp.ClientSession,
    url: str,
    authorization: str,
    subscription_key: str,
    timeout: aiohttp.ClientTimeout,
) -> SharedToken:
    """The shared token of the product whose token URL and subscription key these are."""
    headers = {"Authorization": authorization, "Ocp-Apim-Subscription-Key": subscription_key}

    async def fetch() -> tuple[str, float]:
        async with http.post(
            url, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            return await read_token(response)

    return SharedToken(fetch)
