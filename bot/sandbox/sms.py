"""A pretended SMS provider in Africa's Talking's form, and the inbox of every phone."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from typing import Any

from aiohttp import web

from bot.sandbox.memory import Notebook
from bot.sandbox.switches import Switches

KEY = "demo-sms-key"
_PRICE = "RWF 10.0000"
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")


class PretendedSms:
    """Takes messages and shows them; nothing leaves the machine."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self.switches = Switches()

    def mount(self, app: web.Application) -> None:
        """Add the provider's routes and the inbox to `app`."""
        app.router.add_post("/version1/messaging", self.send)
        app.router.add_get("/sandbox/sms.json", self.inbox)

    def count(self) -> int:
        """How many messages were delivered."""
        return len(self._notebook.all("sms"))

    async def send(self, request: web.Request) -> web.Response:
        """Take one message for one or more numbers: 201, with a code for each."""
        if self.switches.sms_down:
            return web.Response(status=500, text="Internal Server Error")
        if request.headers.get("apiKey") != KEY:
            return web.Response(status=401, text="The supplied authentication is invalid")
        form = await request.post()
        if self.switches.sms_bad_sender:
            refused = {"Message": "InvalidSenderId", "Recipients": []}
            return web.json_response({"SMSMessageData": refused}, status=201)
        numbers = [number for number in str(form.get("to", "")).split(",") if number]
        recipients = [self._deliver(number, form) for number in numbers]
        await asyncio.sleep(self.switches.sms_hang_s)
        sent = sum(recipient["statusCode"] == 101 for recipient in recipients)
        message = f"Sent to {sent}/{len(numbers)} Total Cost: RWF {10 * sent}.0000"
        answer = {"SMSMessageData": {"Message": message, "Recipients": recipients}}
        return web.json_response(answer, status=201)

    async def inbox(self, request: web.Request) -> web.Response:
        """Messages to one number (`to`), or to all, after the message with id `after`."""
        to, after = request.query.get("to", ""), request.query.get("after", "0")
        last = int(after) if after.isdecimal() else 0
        found = [
            message
            for message in self._notebook.all("sms")
            if message["id"] > last and to in ("", message["to"])
        ]
        return web.json_response({"messages": found})

    def _deliver(self, number: str, form: Any) -> dict[str, Any]:
        if not _E164.fullmatch(number):
            return _refused(number, 403, "InvalidPhoneNumber")
        if self.switches.sms_blocked:
            return _refused(number, 406, "UserInBlacklist")
        count = self.count() + 1
        message = {
            "id": count,
            "to": number,
            "from": str(form.get("from", "")),
            "text": str(form.get("message", "")),
            "at": time.time(),
        }
        self._notebook.put("sms", str(count), message)
        return {
            "statusCode": 101,
            "number": number,
            "status": "Success",
            "cost": _PRICE,
            "messageId": f"ATXid_{secrets.token_hex(8)}",
        }


def _refused(number: str, code: int, status: str) -> dict[str, Any]:
    return {
        "statusCode": code,
        "number": number,
        "status": status,
        "cost": "0",
        "messageId": "None",
    }
