"""Files that people send: fetched from Telegram's own side, never more of them than we take."""

from __future__ import annotations

import json
import re

import aiohttp
import structlog

from bot.telegram.config import TelegramConfig

log = structlog.get_logger(__name__)

# What the Bot API calls a photo has at most this; a larger one is a file for other purposes.
BYTES_MAX = 10 * 1024 * 1024
_ANSWER_MAX = 64 * 1024
_PATH = re.compile(r"[A-Za-z0-9_\-][A-Za-z0-9_\-./]{0,250}")


class NotFetched(Exception):
    """Telegram did not give the file."""


class TooLarge(Exception):
    """The file has more than `BYTES_MAX` bytes."""


class Files:
    """Fetches files by their id. Its URLs hold the token, and are shown to nobody."""

    def __init__(self, http: aiohttp.ClientSession, config: TelegramConfig) -> None:
        self._http = http
        base, _, name = config.base_url.rpartition("/")
        self._ask = f"{config.base_url}{config.token}/getFile"
        self._get = f"{base}/file/{name}{config.token}/"
        self._limit = aiohttp.ClientTimeout(total=config.timeout_s)

    async def fetch(self, file_id: str) -> bytes:
        """The bytes of a file. Raises `TooLarge` or `NotFetched`."""
        try:
            said = json.loads(await self._read("POST", self._ask, _ANSWER_MAX, file_id))
            path, size = str(said["result"]["file_path"]), int(said["result"].get("file_size", 0))
            if size > BYTES_MAX:
                raise TooLarge
            if not _PATH.fullmatch(path) or ".." in path:
                raise NotFetched
            return await self._read("GET", self._get + path, BYTES_MAX)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, LookupError) as error:
            # Its words may hold the URL, and that the token.
            log.warning("telegram gave no file", why=type(error).__name__)
            raise NotFetched from None

    async def _read(self, method: str, url: str, most: int, file_id: str = "") -> bytes:
        asked = {"file_id": file_id} if file_id else None
        async with self._http.request(
            method, url, json=asked, timeout=self._limit, allow_redirects=False
        ) as answer:
            if answer.status != 200:
                log.warning("telegram gave no file", why=f"HTTP {answer.status}")
                raise NotFetched
            found = bytearray()
            # However large it was said to be: what is too much is not read to its end.
            async for part in answer.content.iter_chunked(64 * 1024):
                found += part
                if len(found) > most:
                    raise TooLarge
            return bytes(found)
