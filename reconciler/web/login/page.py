"""The pages that sign people in, by token or at the issuer, and out."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from reconciler.engine.access.people import record_refused_login, upsert_from_idp
from reconciler.engine.access.sessions import begin_session, end_session
from reconciler.engine.context import Actor, Engine
from reconciler.errors import LoginRefused
from reconciler.identity import OidcProvider
from reconciler.web.auth.audit_policies import Unaudited
from reconciler.web.auth.dependencies import TheEngine, TheSettings
from reconciler.web.auth.gate import AuthGate, PublicPage, too_many_failures
from reconciler.web.auth.signed_links import LinkFlaw
from reconciler.web.http.cookies import ATTEMPT, SESSION, give_cookie, read_cookie, take_cookie
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.web_settings import WebSettings
from reconciler.web.login.anonymous_events import AnonymousEvents
from reconciler.web.login.attempts import LASTS, LoginAttempts, LoginNeverBegun
from reconciler.web.ui import templates
from reconciler.web.ui.forms import read_form
from reconciler.web.ui.layout import SIGNED_OUT, Layout
from reconciler.web.ui.paths import own_page

CALLBACK = "/login/oidc/callback"


@dataclass(frozen=True, slots=True)
class LoginPage:
    """Where people sign in.

    Attributes:
        problem: Why they were not let in just now, or why the link that they followed shows nothing.
        next: Where they go then.
        issuer: Whether an issuer vouches for people.
        wrong_token: Whether it was a token that did not let them in.
    """

    problem: str | None
    next: str
    issuer: bool
    wrong_token: bool = False
    frame: Layout = SIGNED_OUT


@dataclass(frozen=True, slots=True)
class SignedInPage:
    """Sends on whom the issuer sent here."""

    target: str
    frame: Layout = SIGNED_OUT


router = APIRouter(include_in_schema=False)


async def _gate(request: Request) -> AuthGate:
    gate: AuthGate = request.app.state.gate
    return gate


async def _identity(request: Request) -> OidcProvider:
    provider: OidcProvider | None = request.app.state.identity
    if provider is None:
        raise Problem(Code.NOT_FOUND, "there is no login: set oidc.issuer")
    return provider


TheGate = Annotated[AuthGate, Depends(_gate)]
TheIdentity = Annotated[OidcProvider, Depends(_identity)]
ANYBODY = Depends(PublicPage("people sign in here"))
NOBODY_YET = Depends(Unaudited("nobody is known yet; a session that begins or ends leaves its own entry"))


@router.get("/login", name="page_login", dependencies=[ANYBODY])
async def login_form(request: Request, next: str = "/", why: str = "") -> Response:  # noqa: A002  the parameter's name in the URL
    """The form that takes a token, and the way to the issuer."""
    # only known messages are shown: anybody may have written the address
    reason = {flaw.value: flaw.words for flaw in LinkFlaw}.get(why)
    return _form(request, own_page(next), reason=reason)


@router.post("/login", name="page_sign_in", dependencies=[ANYBODY, NOBODY_YET])
async def login(request: Request, engine: TheEngine, settings: TheSettings, gate: TheGate) -> Response:
    """Sign in with a token: answer with a session cookie."""
    form = await read_form(request)
    target = own_page(form.get("next", "/"))
    secret = form.get("token", "").strip().encode()
    caller = await gate.by_token(secret, gate.origin(request.scope)) if secret else None
    if caller is None:
        refusal = gate.failure(request.scope, presented=True)
        return _form(request, target, refusal)
    return await _signed_in(RedirectResponse(target, HTTPStatus.SEE_OTHER), request, engine, settings, caller.actor)


@router.get("/login/oidc", name="page_login_oidc", dependencies=[ANYBODY])
async def to_issuer(request: Request, settings: TheSettings, identity: TheIdentity, next: str = "/") -> Response:  # noqa: A002
    """Begin an attempt, and send the browser to the issuer."""
    target = own_page(next)
    attempts: LoginAttempts = request.app.state.attempts
    cookie, attempt = attempts.begin(target)
    try:
        answer = RedirectResponse(await identity.authorization_url(attempt), HTTPStatus.SEE_OTHER)
    except LoginRefused as refusal:
        _anonymous_events(request).note("login not begun", code=refusal.code, message_=str(refusal))
        return _form(request, target, Problem(Code.LOGIN_REFUSED, str(refusal)))
    # lax: the issuer's page sends the browser back, and the cookie has to come along
    give_cookie(answer, ATTEMPT, cookie, LASTS, secure=settings.secure, samesite="lax")
    return answer


@router.get(CALLBACK, name="page_login_callback", dependencies=[ANYBODY])
async def from_issuer(
    request: Request, engine: TheEngine, settings: TheSettings, identity: TheIdentity, gate: TheGate
) -> Response:
    """See who the issuer sends, and sign them in."""
    try:
        actor, target = await _recognised(request, engine, settings, identity, gate)
    except LoginRefused as refusal:
        answer = await _refused(request, engine, gate, refusal)
    except Problem as problem:
        answer = _form(request, "/", problem)
    else:
        # a page, not a redirect: after a redirect from another site, browsers withhold strict cookies
        page = templates.page("login/signed_in.html", SignedInPage(target))
        answer = await _signed_in(page, request, engine, settings, actor)
    take_cookie(answer, ATTEMPT, secure=settings.secure)
    return answer


@router.post("/logout", name="page_sign_out", dependencies=[ANYBODY, NOBODY_YET])
async def logout(request: Request, engine: TheEngine, settings: TheSettings, gate: TheGate) -> Response:
    """End the session, for every copy of its cookie."""
    cookie = read_cookie(request.scope, SESSION, secure=settings.secure)
    if cookie is not None:
        await end_session(engine, cookie, gate.origin(request.scope))
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    take_cookie(answer, SESSION, secure=settings.secure)
    return answer


async def _recognised(
    request: Request, engine: Engine, settings: WebSettings, identity: OidcProvider, gate: AuthGate
) -> tuple[Actor, str]:
    origin = gate.origin(request.scope)
    attempts: LoginAttempts = request.app.state.attempts
    cookie = read_cookie(request.scope, ATTEMPT, secure=settings.secure)
    attempt, target = attempts.take(cookie, _one(request, "state"))
    code = _one(request, "code")
    if code is None:
        raise LoginRefused("no_code", "the issuer did not let you in: sign in again")
    if (wait := gate.failed_logins.wait(origin)) is not None:
        raise too_many_failures(wait)
    try:
        identified = await identity.exchange_code(code, attempt, _one(request, "iss"))
    except LoginRefused:
        # only a code that made us call the issuer counts as a guess
        gate.failed_logins.fail(origin)
        raise
    person = await upsert_from_idp(engine, identified, origin)
    actor = Actor.of_rights(person.name, engine.grants.rights(person.groups), origin)
    if actor is None:
        raise LoginRefused("no_role", "none of your groups has a role here: ask an admin for a grant")
    return actor, target


async def _refused(request: Request, engine: Engine, gate: AuthGate, refusal: LoginRefused) -> Response:
    """Leave a row, unless it has one, or anybody could make us write it."""
    gate.metrics.auth_failures.inc()
    if isinstance(refusal, LoginNeverBegun):
        _anonymous_events(request).note("an answer of the issuer belongs to no attempt")
    elif not refusal.noted:
        await record_refused_login(engine, refusal, gate.origin(request.scope))
    return _form(request, "/", Problem(Code.LOGIN_REFUSED, str(refusal)))


def _anonymous_events(request: Request) -> AnonymousEvents:
    events: AnonymousEvents = request.app.state.anonymous_events
    return events


async def _signed_in(
    answer: Response, request: Request, engine: Engine, settings: WebSettings, actor: Actor
) -> Response:
    ttl = settings.auth.session_ttl
    before = read_cookie(request.scope, SESSION, secure=settings.secure)
    new = await begin_session(engine, actor, ttl, instead_of=before)
    give_cookie(answer, SESSION, new.secret, ttl, secure=settings.secure)
    return answer


def _form(request: Request, target: str, refusal: Problem | None = None, reason: str | None = None) -> Response:
    status = refusal.status_code if refusal else HTTPStatus.OK
    issuer = request.app.state.identity is not None
    wrong = refusal is not None and refusal.code is Code.UNAUTHORIZED
    page = LoginPage(refusal.detail if refusal else reason, target, issuer=issuer, wrong_token=wrong)
    answer = templates.page("login/login.html", page, status)
    for name, value in (refusal.headers if refusal and refusal.headers else {}).items():
        answer.headers[name] = value
    return answer


def _one(request: Request, name: str) -> str | None:
    """A parameter of the URL; one that comes twice is none."""
    values = request.query_params.getlist(name)
    return values[0] if len(values) == 1 else None
