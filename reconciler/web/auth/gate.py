"""Authenticates requests by bearer token or session, and checks the role that a route needs.

A route states its policy beside itself, as a dependency: `Require` for the API, `RequirePage` for pages,
`RequirePageOrLink` for a page that signed links show too, or `Public` with the reason why it needs no role.
`route_policies.check_policies` refuses an application that has a route without one.
"""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request
from fastapi.security import HTTPBearer
from starlette.datastructures import URL
from starlette.types import Scope

from reconciler.domain.access import Role
from reconciler.engine.access.tokens import TokenUse
from reconciler.engine.context import Actor, Engine
from reconciler.errors import Forbidden
from reconciler.web.auth.credentials import Caller, CredentialCache
from reconciler.web.auth.login_throttle import LoginThrottle
from reconciler.web.auth.recognized_connections import mark_recognized
from reconciler.web.auth.signed_links import SIGNATURE, UNTIL, LinkFlaw, LinkRefused, SharedLink, verify
from reconciler.web.http.client_address import Network, client_address
from reconciler.web.http.cookies import SESSION, read_cookie
from reconciler.web.http.metrics import Metrics
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.root_path import inside
from reconciler.web.http.web_settings import WebSettings

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="wizchat-reconciler"'}
_NOT_VALID = "the token is unknown, expired or revoked, or an admin keeps its person out"
_PREFIX = b"bearer "
_LOOKING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class AuthGate:
    """Authenticates callers. One for each application.

    Attributes:
        failed_tokens: Wrong tokens.
        failed_logins: Logins that the issuer did not vouch for; apart, so that neither locks out the other.
        secure: Whether people come by https, which the cookie's name says.
    """

    credentials: CredentialCache
    failed_tokens: LoginThrottle
    failed_logins: LoginThrottle
    metrics: Metrics
    use: TokenUse
    proxies: tuple[Network, ...] = ()
    secure: bool = False

    async def peek(self, scope: Scope, generation: str | None = None) -> Caller | None:
        """Who a request comes from, if that is known; a wrong credential is not counted here.

        A token that is shown decides alone: a cookie beside it is not even looked at.
        """
        caller = await self._credential_caller(scope, generation)
        if caller is not None:
            mark_recognized(scope)
        return caller

    async def _credential_caller(self, scope: Scope, generation: str | None) -> Caller | None:
        secret, origin = bearer(scope), self.origin(scope)
        if secret is not None:
            return await self.by_token(secret, origin, generation) if secret else None
        cookie = read_cookie(scope, SESSION, secure=self.secure)
        return await self.credentials.by_session(cookie, origin, generation) if cookie else None

    async def by_token(self, secret: bytes, origin: str, generation: str | None = None) -> Caller | None:
        """Who holds a token; that it was used is noted."""
        caller = await self.credentials.by_token(secret, origin, generation)
        if caller is not None:
            self.use.note(caller.id)
        return caller

    async def identify(self, scope: Scope) -> Caller:
        """Who a request comes from.

        Raises:
            Problem: 401 without a valid credential; 429 after too many wrong ones. A valid one is never refused.
        """
        caller = await self.peek(scope)
        if caller is None:
            raise self.failure(scope, presented=bearer(scope) is not None)
        return caller

    def origin(self, scope: Scope) -> str:
        """Where a request comes from, as the audit log says it."""
        return client_address(scope, self.proxies)

    def failure(self, scope: Scope, *, presented: bool, detail: str | None = None) -> Problem:
        """Count a failed authentication, and say how to answer it.

        Args:
            scope: The request.
            presented: Whether it came with a wrong token, which is a guess, or with none.
            detail: What to do; by default, about tokens.
        """
        self.metrics.auth_failures.inc()
        wait = self.failed_tokens.fail(self.origin(scope)) if presented else None
        if wait is not None:
            return too_many_failures(wait)
        default_detail = _NOT_VALID if presented else "send a token as Authorization: Bearer …"
        return Problem(Code.UNAUTHORIZED, detail or default_detail, headers=_CHALLENGE)


def too_many_failures(seconds: float) -> Problem:
    """The answer after too many wrong credentials."""
    headers = {"Retry-After": str(int(seconds) + 1)}
    return Problem(Code.TOO_MANY_FAILURES, "wait a minute, or use a valid token", headers=headers)


def bearer(scope: Scope) -> bytes | None:
    """The secret in the Authorization header, or None; other schemes count as a wrong secret."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, secret = value[: len(_PREFIX)], value[len(_PREFIX) :].strip()
            return secret if scheme.lower() == _PREFIX else b""
    return None


class Require(HTTPBearer):
    """The role a route of the API needs, as a dependency that gives the `Actor`."""

    def __init__(self, role: Role) -> None:
        super().__init__(scheme_name="token", description="A token from `reconciler token create`.", auto_error=False)
        self.role = role

    async def __call__(self, request: Request) -> Actor:  # type: ignore[override]  # the base gives credentials
        """Let the person pass, or refuse them."""
        gate: AuthGate = request.app.state.gate
        return _authorized(request, await gate.identify(request.scope), self.role)


class SignInRequired(Exception):
    """A page that needs somebody to be signed in.

    Attributes:
        target: Where to sign in, and come back from.
    """

    def __init__(self, page: str, flaw: LinkFlaw | None = None) -> None:
        super().__init__(page)
        self.target = f"/login?next={quote(page)}" + (f"&why={flaw}" if flaw else "")


class RequirePage:
    """The role a page needs, as a dependency that gives the `Actor`."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(self, request: Request) -> Actor:
        """Let the person pass, or send them to sign in."""
        return await _signed_in(request, self.role)


class RequirePageOrLink:
    """The role that a plan's page needs, or a signed link to that plan: gives the `Actor`, or what the link shows.

    A link shows the same to everybody, also to who is signed in. With one that shows nothing, whoever is signed in gets
    the page as their role has it.
    """

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(self, request: Request) -> Actor | SharedLink:
        """Let the person pass, or send them to sign in with the reason."""
        until, signature = (request.query_params.getlist(name) for name in (UNTIL, SIGNATURE))
        if not until and not signature:
            return await _signed_in(request, self.role)
        engine: Engine = request.app.state.engine
        settings: WebSettings = request.app.state.settings
        try:
            return verify(settings.link_key, request.path_params["plan_id"], until, signature, engine.clock.now())
        except LinkRefused as refusal:
            return await _signed_in(request, self.role, refusal.flaw)


@dataclass(frozen=True, slots=True)
class Public:
    """Says that a route needs no role, and why not."""

    reason: str

    async def __call__(self) -> None:
        """Let everybody pass."""


class PublicPage(Public):
    """Says the same of a page: its errors are pages, too."""


async def _signed_in(request: Request, role: Role, flaw: LinkFlaw | None = None) -> Actor:
    gate: AuthGate = request.app.state.gate
    caller = await gate.peek(request.scope)
    if caller is None:
        # the query of an invalid link is its signature, which must not get into another address
        raise SignInRequired(request.url.path if flaw else _page_to_return_to(request), flaw)
    return _authorized(request, caller, role)


def _page_to_return_to(request: Request) -> str:
    """The page to come back to, with its filters; of a form that was sent, the page that it was on.

    Of that the query is not taken over: it may be the signature of a link.
    """
    if request.method in _LOOKING:
        return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    try:
        return inside(URL(request.headers.get("referer", "")).path or "/")
    except ValueError:
        return "/"


def _authorized(request: Request, caller: Caller, role: Role) -> Actor:
    request.state.actor = caller.actor
    request.state.caller = caller
    if not caller.actor.role.includes(role):
        raise Forbidden(f"this needs the role {role}; {caller.actor.name} has {caller.actor.role}")
    return caller.actor
