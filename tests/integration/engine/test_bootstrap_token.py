"""The token that the settings name: whatever became of its secret before, the service starts and says what holds."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.domain.access import Role, Token
from reconciler.domain.lifecycle import PlanStatus
from reconciler.engine.access.tokens import (
    bootstrap_flaw,
    create_token,
    ensure_bootstrap,
    ensure_first_token,
    hash_of,
    revoke_token,
)
from reconciler.engine.context import PROGRAM, Actor, Engine
from reconciler.errors import Conflict
from reconciler.web.auth.credentials import CredentialCache
from tests.support.world import BOT, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

A, B = "a" * 40, "b" * 40


async def lets_in(w: World, secret: str) -> bool:
    return await CredentialCache(w.engine).by_token(secret.encode(), "192.0.2.1") is not None


async def flaw(w: World, secret: str) -> str | None:
    return bootstrap_flaw(await ensure_bootstrap(w.engine, secret), w.clock.now())


async def test_it_is_made_once_and_let_in(tmp_path: Path) -> None:
    async with world(tmp_path, {}, {}) as w:
        first = await ensure_bootstrap(w.engine, A)
        assert await ensure_bootstrap(w.engine, A) == first
        assert bootstrap_flaw(first, w.clock.now()) is None
        assert await lets_in(w, A)
        assert len(await w.store.queries.tokens()) == 1


async def test_a_revoked_one_stays_revoked_and_stops_no_start(tmp_path: Path) -> None:
    async with world(tmp_path, {}, {}) as w:
        token = await ensure_bootstrap(w.engine, A)
        await revoke_token(w.engine, PROGRAM, token.id)

        assert await flaw(w, A) == "it was revoked at 2026-03-01 12:00 UTC, and stays so"
        assert await flaw(w, A) is not None
        assert not await lets_in(w, A)
        assert [each.revoked_at for each in await w.store.queries.tokens()] == [w.clock.now()]
        assert await ensure_first_token(w.engine) is None, "nor is another one made behind it"


async def test_going_back_to_an_earlier_secret_changes_nothing(tmp_path: Path) -> None:
    """Perhaps an old process was started again: the token that stands goes on standing."""
    async with world(tmp_path, {}, {}) as w:
        await ensure_bootstrap(w.engine, A)
        assert await flaw(w, B) is None
        assert (await lets_in(w, A), await lets_in(w, B)) == (False, True)

        assert "was revoked" in str(await flaw(w, A))
        assert (await lets_in(w, A), await lets_in(w, B)) == (False, True)
        assert await flaw(w, B) is None


async def test_an_approval_falls_with_the_secret_that_gave_it(tmp_path: Path) -> None:
    files = {path_of(): document(spec(prompt="new"))}
    async with world(tmp_path, {BOT: spec(prompt="old")}, files) as w:
        token = await ensure_bootstrap(w.engine, A)
        w.people["ann"] = Actor(token.person, Role.ADMIN, token.id)
        plan = await w.open_plan()
        assert (await w.approve(plan)).plan.status is PlanStatus.APPROVED

        await ensure_bootstrap(w.engine, B)
        assert (await w.plan(plan.id)).status is PlanStatus.PENDING


@pytest.mark.parametrize(
    ("role", "sources", "expires", "said"),
    [
        (Role.VIEWER, None, False, "belongs to the token 'laptop', which is no admin of all sources"),
        (Role.ADMIN, ["main"], False, "which is no admin of all sources"),
        (Role.ADMIN, None, True, "it has expired"),
        (Role.ADMIN, None, False, None),
    ],
)
async def test_the_secret_of_another_token_gives_no_more_than_that_one(
    tmp_path: Path, role: Role, sources: list[str] | None, said: str | None, *, expires: bool
) -> None:
    async with world(tmp_path, {}, {}) as w:
        until = w.clock.now() + timedelta(hours=1)
        new = await create_token(w.engine, PROGRAM, "laptop", role, sources=sources, expires_at=until)
        if not expires:
            await _without_end(w.engine, new.token)
        w.clock.advance(7200)

        found = await flaw(w, new.secret)
        assert (found is None) is (said is None)
        assert said is None or said in str(found)
        assert [token.name for token in await w.store.queries.tokens()] == ["laptop"]


async def _without_end(engine: Engine, token: Token) -> None:
    async with engine.store.begin() as uow:
        await uow.tokens.save(replace(token, expires_at=None))


async def test_the_token_of_the_first_start_may_be_named_by_the_settings(tmp_path: Path) -> None:
    async with world(tmp_path, {}, {}) as w:
        first = await ensure_first_token(w.engine)
        assert first is not None
        assert await flaw(w, first.secret) is None
        assert await flaw(w, B) is None
        assert await lets_in(w, first.secret), "the one that the first start printed is no earlier bootstrap token"
        assert {token.hash for token in await w.store.queries.tokens()} == {
            hash_of(first.secret.encode()),
            hash_of(B.encode()),
        }


async def test_nobody_else_is_given_its_name(tmp_path: Path) -> None:
    """The next start would revoke it."""
    async with world(tmp_path, {}, {}) as w:
        with pytest.raises(Conflict, match=r"auth\.bootstrap_token"):
            await create_token(w.engine, PROGRAM, "bootstrap", Role.VIEWER)
