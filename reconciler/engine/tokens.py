"""Bearer tokens: made, listed without their secret, revoked at once."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.domain.access import Token
from reconciler.domain.identity import LONGEST_NAME, is_proper_name, is_seen_whole
from reconciler.domain.records import Role
from reconciler.engine.approvals import settle_approved
from reconciler.engine.auditing import audit
from reconciler.engine.context import PROGRAM, Actor, Engine
from reconciler.errors import Conflict, NotFound
from reconciler.ports import UnitOfWork

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
        name: A name that no standing token has.
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
        if any(token.name == name and token.revoked_at is None for token in await uow.tokens.all()):
            raise Conflict("token_name_taken", f"a token named {name!r} stands: revoke it, or choose another name")
        token = await _add(engine, uow, actor, name, role, secret, person or name, expires_at, sources)
    return NewToken(token, secret)


def _refuse_improper(name: str, person: str) -> None:
    """Keep out what hides something, and what the audit log calls the program; the bootstrap token does not ask."""
    for field_, given in (("name", name), ("person", person)):
        if not is_seen_whole(given):
            raise Conflict("invalid_request", f"correct {field_}: {_SEEN}")
    if not is_proper_name(person):
        raise Conflict("invalid_request", f"correct person: names such as {person!r} are the program's own")


async def revoke_token(engine: Engine, actor: Actor, id_or_name: str) -> Token:
    """Revoke a token; from then on it is refused, and its approvals no longer stand.

    Returns:
        The token; the same id again returns what already stands.

    Raises:
        Forbidden: The actor may not.
        NotFound: No token has this id, and no standing one this name.
    """
    actor.require(Role.ADMIN)
    async with engine.store.begin() as uow:
        token = _named(await uow.tokens.all(), id_or_name)
        if token.revoked_at is not None:
            return token
        token = await uow.tokens.save(replace(token, revoked_at=await uow.now()))
        await audit(uow, actor, "token.revoke", f"token/{token.name}", detail={"id": token.id})
        await settle_approved(engine, uow, of_token=token.id)
    return token


def _named(tokens: Sequence[Token], id_or_name: str) -> Token:
    for token in tokens:
        if token.id == id_or_name or (token.name == id_or_name and token.revoked_at is None):
            return token
    raise NotFound(f"no standing token has the id or name {id_or_name!r}: see `reconciler token list`")


async def ensure_first_token(engine: Engine) -> NewToken | None:
    """An admin token when there is no token at all: what the first start prints once."""
    async with engine.store.read() as uow:
        if await uow.tokens.all():
            return None
    return await create_token(engine, PROGRAM, FIRST_TOKEN, Role.ADMIN)


async def ensure_bootstrap(engine: Engine, secret: str) -> Token:
    """Let the configured bootstrap token, and no earlier one, be an admin's."""
    async with engine.store.begin() as uow:
        for token in await uow.tokens.all():
            if token.name != BOOTSTRAP_TOKEN or token.revoked_at is not None:
                continue
            if token.hash == hash_of(secret.encode()):
                return token
            await uow.tokens.save(replace(token, revoked_at=await uow.now()))
            await audit(uow, PROGRAM, "token.revoke", f"token/{token.name}", detail={"id": token.id})
        return await _add(engine, uow, PROGRAM, BOOTSTRAP_TOKEN, Role.ADMIN, secret, BOOTSTRAP_TOKEN, None, None)


async def _add(
    engine: Engine,
    uow: UnitOfWork,
    actor: Actor,
    name: str,
    role: Role,
    secret: str,
    person: str,
    expires_at: datetime | None,
    sources: Sequence[str] | None,
) -> Token:
    token = Token(
        id=engine.new_id("token"),
        name=name,
        person=person,
        role=role,
        hash=hash_of(secret.encode()),
        created_at=await uow.now(),
        expires_at=expires_at,
        sources=tuple(sources) if sources is not None else None,
    )
    await uow.tokens.add(token)
    detail = {"id": token.id, "person": person, "role": role, "sources": sources and list(sources)}
    await audit(uow, actor, "token.create", f"token/{name}", detail=detail)
    return token
