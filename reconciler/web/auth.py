"""Who asks: bearer tokens, the role a route needs, and a limit on guessing."""

import hmac
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import Request
from fastapi.security import HTTPBearer
from starlette.types import Scope

from reconciler.domain.records import Role, Token
from reconciler.engine.context import Actor
from reconciler.engine.tokens import hash_of
from reconciler.errors import Forbidden
from reconciler.ports import Clock, Store
from reconciler.web.address import Network, client_address, group
from reconciler.web.metrics import Metrics
from reconciler.web.problems import Code, Problem

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="wizchat-reconciler"'}
_PREFIX = b"bearer "
_MINUTE = 60.0


@dataclass(slots=True)
class TokenBook:
    """The tokens by their hash, read again whenever the database has changed: a revocation holds at once."""

    store: Store
    clock: Clock
    _generation: str | None = None
    _by_hash: Mapping[str, Token] = field(default_factory=dict)

    async def find(self, secret: bytes, generation: str | None = None) -> Token | None:
        """The token of this secret, unless it is revoked or expired.

        Args:
            secret: What the request bears.
            generation: The store's, when it was asked for already: asking has its price.
        """
        wanted = hash_of(secret)
        token = (await self._tokens(generation or self.store.generation)).get(wanted)
        if token is None or not hmac.compare_digest(token.hash, wanted):
            return None
        return token if token.stands(self.clock.now()) else None

    async def still(self, token: Token) -> Token | None:
        """The token as it is now, unless it is revoked or expired."""
        current = (await self._tokens(self.store.generation)).get(token.hash)
        return current if current is not None and current.stands(self.clock.now()) else None

    async def _tokens(self, generation: str) -> Mapping[str, Token]:
        # the generation was read before the rows: a change meanwhile makes the next request read again
        if generation == self._generation:
            return self._by_hash
        tokens = await self.store.queries.tokens()
        # a secret may have been revoked and given again: the token that stands wins
        by_hash = {token.hash: token for token in sorted(tokens, key=lambda token: token.revoked_at is None)}
        self._generation, self._by_hash = generation, by_hash
        return by_hash


@dataclass(slots=True)
class Guesses:
    """Wrong credentials by client address, over the last minute."""

    clock: Clock
    per_minute: int
    remembered: int = 10_000
    _failures: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    def fail(self, address: str) -> float | None:
        """Count a failure.

        Returns:
            How many seconds the address has to wait, or None while it is below the limit.
        """
        now = self.clock.monotonic()
        failures = self._failures.setdefault(group(address), deque(maxlen=self.per_minute))
        self._failures.move_to_end(group(address))
        while len(self._failures) > self.remembered:
            self._failures.popitem(last=False)
        while failures and failures[0] <= now - _MINUTE:
            failures.popleft()
        if len(failures) >= self.per_minute:
            return failures[0] + _MINUTE - now
        failures.append(now)
        return None


@dataclass(frozen=True, slots=True)
class Gate:
    """Tells who asks. One for each application."""

    tokens: TokenBook
    guesses: Guesses
    metrics: Metrics
    proxies: tuple[Network, ...] = ()

    async def peek(self, scope: Scope, generation: str | None = None) -> Token | None:
        """The valid token of a request, if it bears one; a wrong one is not counted here."""
        secret = bearer(scope)
        return await self.tokens.find(secret, generation) if secret else None

    async def identify(self, scope: Scope) -> Actor:
        """The person behind a request.

        Raises:
            Problem: 401 without a valid token; 429 after too many wrong ones. A valid token is never refused.
        """
        token = await self.peek(scope)
        if token is None:
            raise self.failure(scope, presented=bearer(scope) is not None)
        return self.actor(token, scope)

    def actor(self, token: Token, scope: Scope) -> Actor:
        """The person that a token stands for."""
        return Actor(token.person, token.role, token.id, token.sources, client_address(scope, self.proxies))

    def failure(self, scope: Scope, *, presented: bool, detail: str | None = None) -> Problem:
        """Count a failed authentication, and say how to answer it.

        Args:
            scope: The request.
            presented: Whether it came with a wrong token, which is a guess, or with none.
            detail: What to do; by default, about tokens.
        """
        self.metrics.auth_failures.inc()
        wait = self.guesses.fail(client_address(scope, self.proxies)) if presented else None
        if wait is not None:
            headers = {"Retry-After": str(int(wait) + 1)}
            return Problem(Code.TOO_MANY_FAILURES, "wait a minute, or use a valid token", headers=headers)
        what = "the token is unknown, expired or revoked" if presented else "send a token as Authorization: Bearer …"
        return Problem(Code.UNAUTHORIZED, detail or what, headers=_CHALLENGE)


def bearer(scope: Scope) -> bytes | None:
    """The secret in the Authorization header, or None; other schemes count as a wrong secret."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, secret = value[: len(_PREFIX)], value[len(_PREFIX) :].strip()
            return secret if scheme.lower() == _PREFIX else b""
    return None


class Require(HTTPBearer):
    """The role a route needs, as a dependency that gives the `Actor`."""

    def __init__(self, role: Role) -> None:
        super().__init__(scheme_name="token", description="A token from `reconciler token create`.", auto_error=False)
        self.role = role

    async def __call__(self, request: Request) -> Actor:  # type: ignore[override]  # the base gives credentials
        """Let the person pass, or refuse them."""
        gate: Gate = request.app.state.gate
        actor = await gate.identify(request.scope)
        request.state.actor = actor
        if not actor.role.includes(self.role):
            raise Forbidden(f"this needs the role {self.role}; {actor.name} has {actor.role}")
        return actor
