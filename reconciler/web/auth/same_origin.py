"""Refuses changing requests that come from pages of other sites.

A browser adds a cookie by itself, also to what another site makes it send. It also says where that comes from: in
``Sec-Fetch-Site``, over plain http at least in ``Origin``. A bearer token is never added by itself, so a request that
shows one is none of this module's business; a password that the browser knows is.
"""

from starlette.datastructures import URL, Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.web.auth.gate import bearer
from reconciler.web.http import problems
from reconciler.web.http.cookies import SESSION, read_cookie
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.web_settings import WebSettings

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_API = "/api/"
_JSON = "application/json"


class SameOrigin:
    """Refuses what other sites have a browser send."""

    def __init__(self, app: ASGIApp, *, settings: WebSettings) -> None:
        self.app = app
        self.secure = settings.secure
        public = URL(settings.public_url)
        self.public_origin = f"{public.scheme}://{public.netloc}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self.refusal(scope) if scope["type"] == "http" and scope["method"] not in _SAFE else None
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await problems.of_problem(refusal)(scope, receive, send)

    def refusal(self, scope: Scope) -> Problem | None:
        """Why an unsafe request is refused, or None."""
        if bearer(scope):
            return None
        headers = Headers(scope=scope)
        signed_in = read_cookie(scope, SESSION, secure=self.secure) is not None
        if not self._is_own(headers, scope, signed_in=signed_in):
            return Problem(Code.CROSS_SITE, "open the page by its public_url, and send this from there")
        if signed_in and scope["path"].startswith(_API) and not _is_json(headers):
            return Problem(Code.CROSS_SITE, "send JSON, and say so: Content-Type: application/json")
        return None

    def _is_own(self, headers: Headers, scope: Scope, *, signed_in: bool) -> bool:
        fetched = headers.getlist("sec-fetch-site")
        if fetched:
            return fetched == ["same-origin"]
        origins = headers.getlist("origin")
        if origins:
            own = {self.public_origin, f"{scope['scheme']}://{headers.get('host', '')}"}
            return len(origins) == 1 and origins[0] in own
        # a client that sends neither header is no browser: it has no cookie to abuse, unless it sends one
        return not signed_in


def _is_json(headers: Headers) -> bool:
    kinds = headers.getlist("content-type")
    return len(kinds) == 1 and kinds[0].partition(";")[0].strip().lower() == _JSON
