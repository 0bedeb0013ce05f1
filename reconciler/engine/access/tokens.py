"""Bearer tokens: created, listed without their secret, revoked at once; when each was last used."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.domain.access import Role, Token
from reconciler.domain.identity import LONGEST_NAME, is_proper_name, is_seen_whole
from reconciler.engine.audit.entries import audit
from reconciler.engine.context import PROGRAM, Actor, Engine
from reconciler.engine.decide.approvals import settle_approved_plans
from reconciler.errors import Conflict, NotFound
from reconciler.ports import Clock
from reconciler.storage import Store, UnitOfWork

TOKEN_PREFIX = "wzr_"  # noqa: S105  the public beginning of every token, so that leaked ones can be found
FIRST_TOKEN = "admin"  # noqa: S105  a name
BOOTSTRAP_TOKEN = "bootstrap"  # noqa: S105  a name
_SEEN = f"use at most {LONGEST_NAME} characters that can be seen, without a space at either end"


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token at the only moment at which its secret is known."""

    token: Token
    secret: str = field(repr=False)


def new_secret() -> str:
    """A token's secret: 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def hash_of(secret: bytes) -> str:
    """What is kept of a token. It has 256 random bits, so one round of sha256 is enough."""
    return hashlib.sha256(secret).hexdigest()


async def create_token(
    engine: Engine,
    actor: Actor,
    name: str,
    role: Role,
    *,
    person: str | None = None,
    expires_at: datetime | None = None,
    sources: Sequence[str] | None = None,
) -> NewToken:
    """Make a token.

    Args:
        engine: The ports.
        actor: Who; needs the role admin.
        name: A name that no valid token has.
        role: What it may do.
        person: Who holds it, as shown in approvals and the audit log; by default the token's name.
        expires_at: When it ends; None means when it is revoked.
        sources: The sources it is good for; None means all.

    Raises:
        Forbidden: The actor may not.
        Conflict: ``token_name_taken``, or ``invalid_request`` for a name that nobody may have.
    """
    actor.require(Role.ADMIN)
    _refuse_improper(name, person or name)
    secret = new_secret()
    async with engine.store.begin() as uow:
        await uow.tokens.serialize()
        if any(token.name == name and token.revoked_at is None for token in await uow.tokens.all()):
            raise Conflict("token_name_taken", f"a token named {name!r} stands: revoke it, or choose another name")
        token = await _make(engine, uow, name, role, secret, person=person, expires_at=expires_at, sources=sources)
        await _add(uow, actor, token)
    return NewToken(token, secret)


def _refuse_improper(name: str, person: str) -> None:
    """Keep out what hides something, and what the program and its bootstrap token are called."""
    if name == BOOTSTRAP_TOKEN:
        raise Conflict("invalid_request", f"correct name: {name!r} is the token that auth.bootstrap_token sets")
    for field_, value in (("name", name), ("person", person)):
        if not is_seen_whole(value):
            raise Conflict("invalid_request", f"correct {field_}: {_SEEN}")
    if not is_proper_name(person):
        raise Conflict("invalid_request", f"correct person: names such as {person!r} are the program's own")


async def revoke_token(engine: Engine, actor: Actor, id_or_name: str) -> Token:
    """Revoke a token; from then on it is refused, and its approvals are no longer valid.

    Returns:
        The token; a repeated call with its id changes nothing.

    Raises:
        Forbidden: The actor may not.
        NotFound: No token has this id, and no valid one this name.
    """
    actor.require(Role.ADMIN)
    async with engine.store.begin() as uow:
        token = _find_token(await uow.tokens.all(), id_or_name)
        if token.revoked_at is not None:
            return token
        return await revoke_within(engine, uow, actor, token)


def _find_token(tokens: Sequence[Token], id_or_name: str) -> Token:
    for token in tokens:
        if token.id == id_or_name or (token.name == id_or_name and token.revoked_at is None):
            return token
    raise NotFound(f"no standing token has the id or name {id_or_name!r}: see `reconciler token list`")


async def ensure_first_token(engine: Engine) -> NewToken | None:
    """An admin token when there is no token at all: what the first start prints once."""
    secret = new_secret()
    async with engine.store.begin() as uow:
        await uow.tokens.serialize()
        if await uow.tokens.all():
            return None
        token = await _add(uow, PROGRAM, await _make(engine, uow, FIRST_TOKEN, Role.ADMIN, secret))
    return NewToken(token, secret)


async def ensure_bootstrap(engine: Engine, secret: str) -> Token:
    """Let the configured bootstrap token, and no earlier one, be an admin's.

    Returns:
        The token of this secret. One that was there before stays what it is, also revoked or somebody else's: see
        `bootstrap_flaw`. Then the bootstrap token before it stays as well: perhaps an old process was started again.
    """
    async with engine.store.begin() as uow:
        await uow.tokens.serialize()
        tokens = await uow.tokens.all()
        existing = next((token for token in tokens if token.hash == hash_of(secret.encode())), None)
        if existing is not None and bootstrap_flaw(existing, await uow.now()) is not None:
            return existing
        for token in tokens:
            if token.name == BOOTSTRAP_TOKEN and token.revoked_at is None and token != existing:
                await revoke_within(engine, uow, PROGRAM, token)
        return existing or await _add(uow, PROGRAM, await _make(engine, uow, BOOTSTRAP_TOKEN, Role.ADMIN, secret))


def bootstrap_flaw(token: Token, now: datetime) -> str | None:
    """Why the token of the configured secret lets no admin of all sources in; None when it does."""
    if token.revoked_at is not None:
        return f"it was revoked at {token.revoked_at:%Y-%m-%d %H:%M} UTC, and stays so"
    if not token.is_valid(now):
        return "it has expired"
    if token.role is not Role.ADMIN or token.sources is not None:
        return f"its secret belongs to the token {token.name!r}, which is no admin of all sources"
    return None


async def remove_source_from_tokens(engine: Engine, uow: UnitOfWork, actor: Actor, source: str) -> None:
    """Have no token be good for a source that is forgotten: whatever has its name one day is not what was meant.

    A token that was good for it alone is revoked.
    """
    for token in await uow.tokens.all():
        if token.revoked_at is not None or source not in (token.sources or ()):
            continue
        remaining = tuple(name for name in token.sources or () if name != source)
        if remaining:
            await uow.tokens.save(replace(token, sources=remaining))
        else:
            await revoke_within(engine, uow, actor, token)


async def revoke_within(engine: Engine, uow: UnitOfWork, actor: Actor, token: Token) -> Token:
    """Revoke a valid token in a transaction that does more."""
    revoked = await uow.tokens.save(replace(token, revoked_at=await uow.now()))
    await audit(uow, actor, "token.revoke", f"token/{token.name}", detail={"id": token.id})
    await settle_approved_plans(engine, uow, of_token=token.id)
    return revoked


async def _make(
    engine: Engine,
    uow: UnitOfWork,
    name: str,
    role: Role,
    secret: str,
    *,
    person: str | None = None,
    expires_at: datetime | None = None,
    sources: Sequence[str] | None = None,
) -> Token:
    return Token(
        id=engine.new_id("token"),
        name=name,
        person=person or name,
        role=role,
        hash=hash_of(secret.encode()),
        created_at=await uow.now(),
        expires_at=expires_at,
        sources=tuple(sources) if sources is not None else None,
    )


async def _add(uow: UnitOfWork, actor: Actor, token: Token) -> Token:
    await uow.tokens.add(token)
    sources = list(token.sources) if token.sources is not None else None
    detail = {"id": token.id, "person": token.person, "role": token.role, "sources": sources}
    await audit(uow, actor, "token.create", f"token/{token.name}", detail=detail)
    return token


TOKEN_USE_SECONDS = 60.0


@dataclass(slots=True)
class TokenUse:
    """What is known of the use of tokens and not yet written."""

    store: Store
    clock: Clock
    _moments: dict[str, datetime] = field(default_factory=dict)
    _written: float | None = None

    def note(self, token_id: str) -> None:
        """Note that a token was accepted just now."""
        self._moments[token_id] = self.clock.now()

    async def tick(self) -> None:
        """Write, unless that was done within the last minute."""
        now = self.clock.monotonic()
        if self._written is None or now - self._written >= TOKEN_USE_SECONDS:
            await self.flush()

    async def flush(self) -> None:
        """Write what is not written: before a stop, and each minute."""
        if not self._moments:
            return
        self._written = self.clock.monotonic()
        moments, self._moments = self._moments, {}
        try:
            async with self.store.begin() as uow:
                await uow.tokens.used(moments)
        except BaseException:
            # a cancelled or failed write loses nothing: what was noted meanwhile is newer
            self._moments = moments | self._moments
            raise
