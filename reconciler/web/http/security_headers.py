"""Adds security headers to every answer, and answers a crash with a problem document."""

import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.errors import StoreError
from reconciler.web.http import error_log, problems
from reconciler.web.http.problems import Code

log = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # not no-referrer: with that, browsers send "Origin: null" with our own forms
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_HTTPS_ONLY = ((b"strict-transport-security", b"max-age=31536000"),)
_NO_STORE = (b"cache-control", b"no-store")


class ResponseBrokenOff(Exception):
    """The answer is half sent: only breaking the connection off says that it is not whole."""


class SecurityHeaders:
    """Adds what every answer carries; what says nothing about caching is not kept by anybody."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app = app
        self.headers = HEADERS + _HTTPS_ONLY if secure else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def sealed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = message["headers"]
                kept = any(name == b"cache-control" for name, _ in headers)
                message["headers"] = [*headers, *self.headers] if kept else [*headers, *self.headers, _NO_STORE]
            await send(message)

        try:
            await self.app(scope, receive, sealed)
        except Exception as error:  # noqa: BLE001  whatever it is, the person gets an answer
            if not _is_expected(error):
                error_log.log_unexpected(log, scope, error)
            if started:
                raise ResponseBrokenOff from None
            await problems.answer(_document(error))(scope, receive, sealed)


def _is_expected(error: Exception) -> bool:
    return isinstance(error, StoreError | problems.Problem | ClientDisconnect)


def _document(error: Exception) -> dict[str, object]:
    """Nothing of an unexpected exception goes out."""
    match error:
        case StoreError():
            return problems.document_of(Code.STORE_UNAVAILABLE, str(error))
        case problems.Problem():
            return problems.document_of(error.code, error.detail, **error.more)
        case _:
            return problems.document_of(Code.INTERNAL_ERROR, "the log says more")
