"""Who is signed in to the page. Kept in memory: a restart signs everybody out."""

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from reconciler.domain.records import Token
from reconciler.ports import Clock

SECONDS: Final = 8 * 60 * 60
MOST: Final = 10_000


@dataclass(slots=True)
class Visits:
    """Visits by the hash of their id. The id has 256 random bits and is known to the visitor's cookie alone."""

    clock: Clock
    _open: OrderedDict[str, tuple[float, Token]] = field(default_factory=OrderedDict)

    def begin(self, token: Token) -> str:
        """Sign somebody in, and return the id for the cookie."""
        visit = secrets.token_urlsafe(32)
        self._open[_key(visit)] = self.clock.monotonic() + SECONDS, token
        while len(self._open) > MOST:
            self._open.popitem(last=False)
        return visit

    def token(self, visit: str) -> Token | None:
        """The token that somebody signed in with; whether it still stands is for the caller to ask."""
        until, token = self._open.get(_key(visit), (0.0, None))
        if until > self.clock.monotonic():
            return token
        self.end(visit)
        return None

    def end(self, visit: str) -> None:
        """Sign somebody out."""
        self._open.pop(_key(visit), None)


def _key(visit: str) -> str:
    return hashlib.sha256(visit.encode()).hexdigest()
