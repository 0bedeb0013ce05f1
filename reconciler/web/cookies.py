"""The cookies: over https their names bind them to this very host, and no script ever reads them."""

from datetime import timedelta
from typing import Literal

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

SESSION = "reconciler"
ATTEMPT = "reconciler-login"

_BOUND = "__Host-"


def cookie_name(name: str, *, secure: bool) -> str:
    """The cookie's full name; over https one that browsers take from this very host alone."""
    return _BOUND + name if secure else name


def read_cookie(scope: Scope, name: str, *, secure: bool) -> str | None:
    """What a request's cookie holds, or None."""
    for header, value in scope["headers"]:
        if header == b"cookie":
            held = cookie_parser(value.decode("latin-1")).get(cookie_name(name, secure=secure))
            if held:
                return held
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
    """Have the browser keep a value."""
    answer.set_cookie(
        cookie_name(name, secure=secure),
        value,
        max_age=int(lasting.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite=samesite,
    )


def take_cookie(answer: Response, name: str, *, secure: bool) -> None:
    """Have the browser forget a value."""
    answer.delete_cookie(cookie_name(name, secure=secure), path="/", secure=secure, httponly=True, samesite="strict")
