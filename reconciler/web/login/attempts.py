"""Sign-in attempts in progress, kept in a cookie that this process sealed.

The cookie names the attempt and nothing else. What must stay secret is derived from that name and a key that the
process made for itself, so that nobody can fill its memory with attempts; a restart ends those under way.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta

from reconciler.errors import LoginRefused
from reconciler.identity import LoginAttempt
from reconciler.ports import Clock


class LoginNeverBegun(LoginRefused):
    """A browser came back that never began an attempt here: what anybody can send."""

    def __init__(self) -> None:
        super().__init__("no_attempt", _NO_ATTEMPT)


LASTS = timedelta(minutes=10)
REMEMBERED = 10_000

_PARTS = 4
_NO_ATTEMPT = "this browser has no attempt to sign in under way: sign in again"


@dataclass(slots=True)
class LoginAttempts:
    """Begins attempts, and recognises them once when the issuer sends the browser back.

    Attributes:
        callback: Where that is.
    """

    clock: Clock
    callback: str
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _used: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def begin(self, target: str) -> tuple[str, LoginAttempt]:
        """A new attempt, with what the cookie is to hold.

        Args:
            target: Where the person goes afterwards.
        """
        name = secrets.token_urlsafe(16)
        # the key that seals an attempt ends with the process, as the monotonic clock does
        until = int(self.clock.monotonic() + LASTS.total_seconds())
        payload = f"{name}.{until}.{urlsafe_b64encode(target.encode()).decode()}"
        return f"{payload}.{self._derive('seal', payload)}", self._attempt(name)

    def take(self, cookie: str | None, state: str | None) -> tuple[LoginAttempt, str]:
        """The attempt that a browser comes back with, and where it goes afterwards; an attempt is good for one return.

        Raises:
            NeverBegun: There is no attempt that this process began.
            LoginRefused: ``no_attempt`` for one that is too old, ``wrong_state`` or ``replayed``.
        """
        name, target = self._opened(cookie or "")
        attempt = self._attempt(name)
        if state is None or not hmac.compare_digest(state.encode(errors="replace"), attempt.state.encode()):
            raise LoginRefused("wrong_state", "this answer belongs to another attempt: sign in again")
        if name in self._used:
            raise LoginRefused("replayed", "this answer was used before: sign in again")
        self._used[name] = None
        while len(self._used) > REMEMBERED:
            self._used.popitem(last=False)
        return attempt, target

    def _opened(self, cookie: str) -> tuple[str, str]:
        payload, _, seal = cookie.rpartition(".")
        parts = cookie.split(".")
        if len(parts) != _PARTS or not hmac.compare_digest(seal.encode(), self._derive("seal", payload).encode()):
            raise LoginNeverBegun
        name, until, target = parts[:3]
        if int(until) <= self.clock.monotonic():
            raise LoginRefused("no_attempt", _NO_ATTEMPT)
        return name, urlsafe_b64decode(target).decode()

    def _attempt(self, name: str) -> LoginAttempt:
        return LoginAttempt(
            self.callback,
            state=self._derive("state", name),
            nonce=self._derive("nonce", name),
            verifier=self._derive("verifier", name),
        )

    def _derive(self, purpose: str, name: str) -> str:
        digest = hmac.new(self._key, f"{purpose}:{name}".encode(errors="replace"), hashlib.sha256).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")
