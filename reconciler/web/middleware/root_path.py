"""Serves the application below a path: takes it off what comes in, and puts it before where answers lead."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.web.root_path import inside, outside, under_root_path

_LOCATION = b"location"


class RootPath:
    """What is met first: everything behind it knows no path of `server.public_url`.

    A request without the path is served as well: many proxies take it off, and probes ask the port itself.
    """

    def __init__(self, app: ASGIApp, *, path: str) -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def led(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(name, _led(name, value)) for name, value in message["headers"]]
            await send(message)

        with under_root_path(self.path):
            await self.app({**scope, "path": inside(scope["path"])}, receive, led)


def _led(name: bytes, value: bytes) -> bytes:
    return outside(value.decode("latin-1")).encode("latin-1") if name.lower() == _LOCATION else value
