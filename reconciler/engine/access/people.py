"""People who signed in by OpenID Connect: created or updated at each login, and barred by admins."""

from dataclasses import replace

from reconciler.domain.access import Person, Role
from reconciler.domain.identity import Identity, is_proper_name, same_person
from reconciler.engine.access.sessions import end_sessions_of
from reconciler.engine.audit.entries import audit, audit_limited
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide.approvals import settle_approved_plans
from reconciler.errors import LoginRefused, NotFound
from reconciler.storage import UnitOfWork

NOBODY = "nobody"
"""Who is named in the audit log when nobody could be identified."""

_SHOWN_GROUPS = 50


async def upsert_from_idp(engine: Engine, identity: Identity, origin: str | None) -> Person:
    """Know a person whom an issuer vouches for, with their present groups.

    The issuer and subject are who they are: a person keeps the name of their first login, so that nobody counts twice
    by a new one.

    Raises:
        LoginRefused: ``barred``, ``name_taken``, ``bad_name`` or ``no_role``; audited.
    """
    async with engine.store.begin() as uow:
        person = await uow.people.known_as(identity.issuer, identity.subject)
        refusal = await _refusal(engine, uow, identity, person)
        if person is not None:
            # also of somebody who is refused: what they approved falls with their groups
            person = await uow.people.save(replace(person, groups=identity.groups, seen_at=await uow.now()))
        elif refusal is None:
            person = await _add(uow, identity)
        if refusal is not None:
            await _record(engine, uow, person.name if person else NOBODY, origin, refusal, identity)
    if refusal is not None:
        raise refusal
    assert person is not None  # noqa: S101  who is not refused was known or added
    return person


async def record_refused_login(engine: Engine, refusal: LoginRefused, origin: str | None) -> None:
    """Leave a row for an attempt to sign in that did not get as far as a person; all of them together are limited."""
    async with engine.store.begin() as uow:
        await _record(engine, uow, NOBODY, origin, refusal, None)


async def bar(engine: Engine, actor: Actor, name: str, reason: str) -> Person:
    """Bar a person: their sessions end, and their approvals and tokens are no longer valid.

    Returns:
        The person; a repeated call changes nothing.

    Raises:
        Forbidden: The actor may not.
        NotFound: Nobody of this name ever signed in.
    """
    actor.require(Role.ADMIN)
    async with engine.store.begin() as uow:
        person = await _known_person(uow, name)
        if person.barred_at is not None:
            return person
        person = await uow.people.save(replace(person, barred_at=await uow.now()))
        approvals = await uow.approvals.unspent_by(name)
        revoked = [await uow.approvals.save(replace(item, revoked_at=person.barred_at)) for item in approvals]
        ended = await end_sessions_of(uow, name)
        detail = {"reason": reason, "sessions": ended, "approvals": [approval.id for approval in revoked]}
        await audit(uow, actor, "person.bar", f"person/{person.name}", detail=detail)
        await settle_approved_plans(engine, uow)
    return person


async def unbar(engine: Engine, actor: Actor, name: str, reason: str) -> Person:
    """Let a person in again; what they approved before stays taken back.

    Raises:
        Forbidden: The actor may not.
        NotFound: Nobody of this name ever signed in.
    """
    actor.require(Role.ADMIN)
    async with engine.store.begin() as uow:
        person = await _known_person(uow, name)
        if person.barred_at is None:
            return person
        person = await uow.people.save(replace(person, barred_at=None))
        await audit(uow, actor, "person.unbar", f"person/{person.name}", detail={"reason": reason})
    return person


async def sign_out(engine: Engine, actor: Actor, name: str, reason: str | None = None) -> int:
    """End every session of a person, by whatever they signed in, and say how many.

    Raises:
        Forbidden: The actor may not.
        NotFound: Nobody of this name ever signed in or has a token.
    """
    actor.require(Role.ADMIN)
    async with engine.store.begin() as uow:
        ended = await end_sessions_of(uow, name)
        if not ended and not any(same_person(name, token.person) for token in await uow.tokens.all()):
            await _known_person(uow, name)
        detail = {"sessions": ended, **({"reason": reason} if reason else {})}
        await audit(uow, actor, "person.sign_out", f"person/{name}", detail=detail)
    return ended


async def _refusal(engine: Engine, uow: UnitOfWork, identity: Identity, person: Person | None) -> LoginRefused | None:
    if person is None and not is_proper_name(identity.name):
        return LoginRefused(
            "bad_name", "the issuer gives a name that nobody may have here: ask an admin", is_audited=True
        )
    if person is None and await uow.people.called(identity.name):
        return LoginRefused(
            "name_taken", "somebody else has signed in by this name before: ask an admin", is_audited=True
        )
    if person is not None and person.barred_at is not None:
        return LoginRefused("barred", "an admin keeps you out: ask an admin", is_audited=True)
    if not engine.grants.rights(identity.groups):
        return LoginRefused("no_role", "none of your groups has a role here: ask an admin for a grant", is_audited=True)
    return None


async def _add(uow: UnitOfWork, identity: Identity) -> Person:
    person = Person(
        name=identity.name,
        issuer=identity.issuer,
        subject=identity.subject,
        groups=identity.groups,
        seen_at=await uow.now(),
    )
    await uow.people.add(person)
    return person


async def _known_person(uow: UnitOfWork, name: str) -> Person:
    people = await uow.people.called(name)
    if not people:
        raise NotFound(
            f"nobody named {name!r} has signed in by a login: see `reconciler people list`, or revoke their tokens"
        )
    return next((person for person in people if person.name == name), people[0])


async def _record(
    engine: Engine,
    uow: UnitOfWork,
    name: str,
    origin: str | None,
    refusal: LoginRefused,
    identity: Identity | None,
) -> None:
    identity_detail, key = {}, None
    if identity is not None:
        key = f"{identity.issuer} {identity.subject}"
        groups = list(identity.groups[:_SHOWN_GROUPS])
        identity_detail = {
            "name": identity.name,
            "issuer": identity.issuer,
            "subject": identity.subject,
            "groups": groups,
        }
    actor = Actor(name, Role.VIEWER, origin=origin)
    detail = {"refused": "LoginRefused", "code": refusal.code, "message": str(refusal), **identity_detail}
    await audit_limited(engine, uow, actor, "login.refused", f"person/{name}", detail=detail, key=key)
