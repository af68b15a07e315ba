"""The JSON of an operator's answer, whatever it says of itself."""

from __future__ import annotations

import json
from typing import Any

import aiohttp


async def answer_json(response: aiohttp.ClientResponse) -> Any:
    """The body as JSON; None where it is none or cannot be read. Raises aiohttp's errors."""
    try:
        # A charset may be the name of a codec that gives no text, such as "hex": LookupError.
        text = await response.text(errors="replace")
        return json.loads(text) if text else None
    except (LookupError, ValueError, RecursionError):
        return None
