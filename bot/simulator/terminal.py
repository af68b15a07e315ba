"""A feature phone in the terminal: dial, read, type; and the faults of a real network."""

from __future__ import annotations

import asyncio
import sys
from getpass import getpass
from textwrap import wrap
from typing import TextIO

import aiohttp

from bot.simulator.inbox import Inbox
from bot.simulator.wire import GatewayPhone, Shown

# A terminal is 80 wide; a phone is narrower, and wraps too.
_WIDTH_MAX = 60
_HELP = """\
  digits or words   answer the screen
  r                 send the last hop again, as a gateway does
  d TEXT            answer, but the reply is lost on the way (then: r)
  redial            hang up and dial again
  call *384*801*1#  dial a long code
  n +2507…          call from another number
  sms               read the messages that came
  end               hang up
  q                 quit"""


class TerminalPhone:
    """Reads commands line by line, from a person or a pipe."""

    def __init__(self, phone: GatewayPhone, inbox: Inbox, out: TextIO) -> None:
        self._phone, self._inbox, self._out = phone, inbox, out
        self._last: Shown | None = None
        # The reply to the last hop, whether or not it was seen.
        self._answered: Shown | None = None

    async def obey(self, line: str) -> bool:
        """Do what a line says; False when it says quit."""
        word, _, rest = line.partition(" ")
        if word == "q":
            return False
        if word == "?":
            self._say(_HELP)
        elif word == "r":
            await self._again()
        elif word == "d" and rest:
            self._answered = await self._phone.type(rest)
            self._say("  (the reply was lost; r sends the hop again)")
        elif word == "sms":
            await self._read_sms()
        elif word in ("redial", "call"):
            await self._dial(rest)
        elif word == "n" and rest:
            self._phone.msisdn = rest
            await self._dial("")
        elif word == "end":
            await self._phone.hang_up()
            self._say("  (you hung up; redial calls again)")
        elif self._last is not None and not self._last.open:
            self._say("  (the call has ended; redial calls again)")
        else:
            self._show(await self._phone.type(line))
        return True

    @property
    def asks_pin(self) -> bool:
        """Whether the next line is a PIN, which nobody beside should see."""
        return self._last is not None and self._last.asks_pin

    async def _read_sms(self) -> None:
        number = self._phone.msisdn
        found = await self._inbox.new(number)
        if found is None:
            self._say("  (this server has no inbox: only the demo has)")
            return
        self._say(f"  SMS to {number}:" + ("" if found else " nothing new"))
        for text in found:
            self._say(
                "\n".join(wrap(text, _WIDTH_MAX, initial_indent="  ✉ ", subsequent_indent="    "))
            )

    async def _dial(self, code: str) -> None:
        base = self._phone.service_code.rstrip("#")
        tail = code.strip().rstrip("#").removeprefix(base).lstrip("*") if code else ""
        shown = await self._phone.dial(tail)
        self._say(f"\n{self._phone.msisdn} dials {code or self._phone.service_code}")
        self._show(shown)

    async def _again(self) -> None:
        before = self._answered
        shown = await self._phone.send()
        self._show(shown)
        if before is not None:
            same = "the same bytes" if before.raw == shown.raw else "other bytes than before"
            self._say(f"  ({same})")

    def _show(self, shown: Shown) -> None:
        self._last = self._answered = shown
        if shown.status != 200:
            self._say(f"  (refused: HTTP {shown.status} {shown.raw.decode().strip()})")
            return
        lines = [part for line in shown.text.split("\n") for part in wrap(line, _WIDTH_MAX) or [""]]
        width = max(24, *(len(line) for line in lines))
        self._say(f"  ┌{'─' * (width + 2)}┐")
        for line in lines:
            self._say(f"  │ {line:<{width}} │")
        self._say(f"  └{'─' * (width + 2)}┘  {len(shown.text)}/160")
        if not shown.open:
            self._say("  (the call has ended; redial calls again)")

    def _say(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()


async def run_phone(
    base_url: str,
    msisdn: str,
    network: str,
    service_code: str,
    lines: TextIO | None = None,
    out: TextIO | None = None,
) -> None:
    """Dial `base_url` and obey lines until "q" or their end."""
    source, target = lines or sys.stdin, out or sys.stdout
    async with aiohttp.ClientSession() as http:
        url = f"{base_url}/ussd/africastalking"
        dialling = GatewayPhone(http, url, msisdn, network, service_code)
        phone = TerminalPhone(dialling, Inbox(http, base_url), target)
        target.write("A phone. Type ? for what it can do.\n")
        try:
            await phone.obey("redial")
            while True:
                line = await asyncio.to_thread(_next_line, source, target, phone.asks_pin)
                if not line or not await phone.obey(line.rstrip("\n")):
                    return
        except aiohttp.ClientConnectionError:
            target.write(f"No server answers at {base_url}: start one with `make run`.\n")
            sys.exit(1)


def _next_line(source: TextIO, target: TextIO, hidden: bool) -> str:
    """The next line with its end, "" when there is none; what is `hidden` shows on no terminal."""
    if not source.isatty():
        return source.readline()
    if hidden:
        try:
            return getpass("PIN (unseen)> ", target) + "\n"
        except EOFError:
            return ""
    target.write("> ")
    target.flush()
    return source.readline()
