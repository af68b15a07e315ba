"""What a bad line does to an operator's answer, whoever the operator is."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.sandbox.switches import Switches


def cut_off(request: web.Request) -> web.Response:
    """Cut the connection, so that the caller gets no answer at all."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


async def spoiled(
    request: web.Request, answer: web.Response, switches: Switches
) -> web.StreamResponse:
    """The answer to something that was taken, as it arrives with these nuisances."""
    if switches.cut_answer:
        return cut_off(request)
    if switches.html_200:
        return web.Response(text="<html>Gateway login</html>", content_type="text/html")
    body = answer.body if isinstance(answer.body, bytes) else b""
    if switches.cut_json and body:
        half = body[: len(body) // 2]
        return web.Response(status=answer.status, body=half, content_type="application/json")
    if switches.drip_s and body:
        return await _drip(request, answer.status, body, switches.drip_s)
    return answer


async def _drip(
    request: web.Request, status: int, body: bytes, drip_s: float
) -> web.StreamResponse:
    answer = web.StreamResponse(status=status, headers={"Content-Type": "application/json"})
    await answer.prepare(request)
    for place in range(len(body)):
        await answer.write(body[place : place + 1])
        await asyncio.sleep(drip_s / len(body))
    await answer.write_eof()
    return answer
