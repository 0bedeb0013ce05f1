"""Looks up tokens, people and sessions in the database: what ends there is refused at the next request."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from reconciler.domain.access import Person, Session, Token
from reconciler.domain.identity import person_key
from reconciler.engine.access.tokens import hash_of
from reconciler.engine.context import Actor, Engine
from reconciler.web.auth.generation_cache import GenerationCache


class Credential(StrEnum):
    """The kind of credential of a request."""

    TOKEN = "token"  # noqa: S105  a name
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was identified.

    Attributes:
        credential: What they showed.
        id: The id of the token or session.
        expires_at: When it ends; None means when it is revoked.
    """

    actor: Actor
    credential: Credential
    id: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Credentials:
    tokens: Mapping[str, Token]
    people: Mapping[str, Person]
    barred: frozenset[str]

    def token(self, token_id: str) -> Token | None:
        return next((token for token in self.tokens.values() if token.id == token_id), None)

    def is_barred(self, name: str) -> bool:
        return person_key(name) in self.barred


class CredentialCache:
    """Credentials by their hash, read again whenever the database has changed: a revocation holds at once.

    Args:
        engine: The store, the clock, and which groups have which rights.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known = GenerationCache(self._generation, self._read_known)
        self._sessions = GenerationCache(self._generation, self._read_sessions)

    def _generation(self) -> str:
        return self._engine.store.generation

    async def by_token(self, secret: bytes, origin: str, generation: str | None = None) -> Caller | None:
        """Who holds this token, unless it is revoked or expired, or they are barred.

        Args:
            secret: What the request bears.
            origin: Where it comes from.
            generation: The store's, when it was asked for already: asking has its price.
        """
        digest = hash_of(secret)
        credentials = await self._known.get(generation or self._generation())
        token = credentials.tokens.get(digest)
        if token is None or not hmac.compare_digest(token.hash, digest):
            return None
        actor = self._holder(credentials, token, origin)
        return Caller(actor, Credential.TOKEN, token.id, token.expires_at) if actor else None

    async def by_session(self, secret: str, origin: str, generation: str | None = None) -> Caller | None:
        """Who signed in with this cookie, unless it ended or expired, or what they signed in with did."""
        digest = hash_of(secret.encode())
        generation = generation or self._generation()
        session = (await self._sessions.get(generation)).get(digest)
        if session is None or not hmac.compare_digest(session.hash, digest):
            return None
        if not session.is_valid(self._engine.clock.now()):
            return None
        actor = self._visitor(await self._known.get(generation), session, origin)
        if actor is None:
            return None
        return Caller(replace(actor, session_id=session.id), Credential.SESSION, session.id, session.expires_at)

    def _holder(self, credentials: _Credentials, token: Token, origin: str) -> Actor | None:
        if not token.is_valid(self._engine.clock.now()) or credentials.is_barred(token.person):
            return None
        return Actor(token.person, token.role, token.id, token.sources, origin)

    def _visitor(self, credentials: _Credentials, session: Session, origin: str) -> Actor | None:
        if session.token_id is not None:
            token = credentials.token(session.token_id)
            return self._holder(credentials, token, origin) if token else None
        person = credentials.people.get(session.person)
        if person is None or credentials.is_barred(person.name):
            return None
        return Actor.of_rights(person.name, self._engine.grants.rights(person.groups), origin)

    async def _read_known(self) -> _Credentials:
        queries = self._engine.store.queries
        # a secret may have been revoked and issued again: the valid token wins
        tokens = sorted(await queries.tokens(), key=lambda token: token.revoked_at is None)
        people = await queries.people()
        barred = frozenset(person_key(person.name) for person in people if person.barred_at is not None)
        return _Credentials({token.hash: token for token in tokens}, {person.name: person for person in people}, barred)

    async def _read_sessions(self) -> Mapping[str, Session]:
        return {session.hash: session for session in await self._engine.store.queries.sessions()}
