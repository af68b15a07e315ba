"""The baseline: a bare aiohttp handler that parses the same form and gives a fixed reply."""

import sys

import uvloop
from aiohttp import web


async def hop(request: web.Request) -> web.Response:
    """Parse the form as any handler would, and answer."""
    form = await request.post()
    assert form["sessionId"]
    return web.Response(text="CON Murakaza neza kuri eWTP Rwanda\n1 Ibiciro\n2 Komande\n3 Ubwishyu")


def main() -> None:
    """Serve on the port given."""
    app = web.Application()
    app.router.add_post("/ussd/africastalking", hop)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
