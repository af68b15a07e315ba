"""The SMS that came to a number, as the demo's pretended provider delivered them."""

from __future__ import annotations

import aiohttp


class Inbox:
    """Reads what is new of each number; only a demo has one."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str) -> None:
        self._http, self._url = http, f"{base_url}/simulator/sms.json"
        self._last: dict[str, int] = {}

    async def new(self, msisdn: str) -> list[str] | None:
        """What came to this number since it was last asked, oldest first; None without an inbox."""
        query = {"to": msisdn, "after": str(self._last.get(msisdn, 0))}
        async with self._http.get(self._url, params=query) as answer:
            if answer.status != 200:
                return None
            messages = (await answer.json())["messages"]
        if messages:
            self._last[msisdn] = messages[-1]["id"]
        return [message["text"] for message in messages]
