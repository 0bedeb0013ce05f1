"""Cookies: HttpOnly, and bound to this host by their name prefix over https.

Below a path of a shared host they go to that path alone. Browsers take a name bound to the host only for all of its
paths, so that over https such a name only says that it came by https.
"""

from datetime import timedelta
from typing import Literal

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from reconciler.web.http.root_path import root_path

SESSION = "reconciler"
ATTEMPT = "reconciler-login"

_BOUND = "__Host-"
_BY_HTTPS = "__Secure-"


def cookie_name(name: str, *, secure: bool) -> str:
    """The cookie's full name; over https one that browsers take from no page of plain http."""
    if not secure:
        return name
    return (_BY_HTTPS if root_path() else _BOUND) + name


def read_cookie(scope: Scope, name: str, *, secure: bool) -> str | None:
    """What a request's cookie holds, or None."""
    for header, value in scope["headers"]:
        if header == b"cookie":
            cookie = cookie_parser(value.decode("latin-1")).get(cookie_name(name, secure=secure))
            if cookie:
                return cookie
    return None


def give_cookie(
    answer: Response,
    name: str,
    value: str,
    lasting: timedelta,
    *,
    secure: bool,
    samesite: Literal["strict", "lax"] = "strict",
) -> None:
    """Set a cookie."""
    answer.set_cookie(
        cookie_name(name, secure=secure),
        value,
        max_age=int(lasting.total_seconds()),
        path=root_path() or "/",
        secure=secure,
        httponly=True,
        samesite=samesite,
    )


def take_cookie(answer: Response, name: str, *, secure: bool) -> None:
    """Delete a cookie."""
    answer.delete_cookie(
        cookie_name(name, secure=secure), path=root_path() or "/", secure=secure, httponly=True, samesite="strict"
    )
