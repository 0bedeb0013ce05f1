"""Serves the application below the path of `server.public_url`.

Inside the application every address is as if there were no such path; what goes out carries it. While a request is
answered, `root_path` gives it to whatever writes an address: pages, problem documents, cookies.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from starlette.datastructures import URL
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.errors import SettingsError

_CURRENT: Final[ContextVar[str]] = ContextVar("root_path", default="")
# a value in a page is escaped, so that no double quote in it begins an attribute
_ADDRESS: Final = re.compile(r'(\s(?:href|src|action|formaction|data-page)=")(?=/(?!/))')


def root_path_of(public_url: str) -> str:
    """The path of a URL, without a slash at its end; empty where the service has its host for itself."""
    return URL(public_url).path.rstrip("/")


def check_root_path(path: str, own: Iterable[str]) -> None:
    """Refuse a path that begins as one of the application's own: whether a proxy took it off could not be told.

    Args:
        path: As `root_path_of` gives it.
        own: The paths of the application's routes.

    Raises:
        SettingsError: It is one of them.
    """
    first = path.split("/")[1:2]
    if first and first in [item.split("/")[1:2] for item in own]:
        raise SettingsError(f"server.public_url: the service itself has addresses below /{first[0]}: take another path")


def root_path() -> str:
    """The path before every address in the answer to the present request."""
    return _CURRENT.get()


@contextmanager
def under_root_path(path: str) -> Iterator[None]:
    """Have addresses written below a path."""
    token = _CURRENT.set(path)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def outside(path: str) -> str:
    """An address of the application as people have it; what leads elsewhere, or names no path, stays."""
    return root_path() + path if path.startswith("/") and not path.startswith("//") else path


def inside(path: str) -> str:
    """An address as the application knows it, whether or not a proxy has taken the path off."""
    root = root_path()
    if root and (path == root or path.startswith(f"{root}/")):
        return path[len(root) :] or "/"
    return path


def with_links_outside(html: str) -> str:
    """A page of ours whose links, forms, style sheets and scripts are below the path."""
    root = root_path()
    return _ADDRESS.sub(rf"\g<1>{root}", html) if root else html


_LOCATION = b"location"


class RootPathMiddleware:
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

        async def with_location(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(name, _location_outside(name, value)) for name, value in message["headers"]]
            await send(message)

        with under_root_path(self.path):
            await self.app({**scope, "path": inside(scope["path"])}, receive, with_location)


def _location_outside(name: bytes, value: bytes) -> bytes:
    return outside(value.decode("latin-1")).encode("latin-1") if name.lower() == _LOCATION else value
