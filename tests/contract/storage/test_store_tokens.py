"""Tokens that several processes make at the same moment, on every database."""

import asyncio
from collections.abc import Awaitable, Callable
from secrets import token_hex

import pytest

from reconciler.domain.access import Role
from reconciler.engine.access.tokens import create_token, ensure_bootstrap, ensure_first_token
from reconciler.engine.context import PROGRAM, Engine
from reconciler.errors import Conflict
from reconciler.runtime.dispatch import LocalDispatcher
from reconciler.storage import Store
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio


def _engine_on(store: Store, clock: FakeClock) -> Engine:
    return Engine(store, clock, LocalDispatcher(grace=0), new_id=lambda kind: f"{kind}_{token_hex(8)}")


async def _at_once(
    store: Store, store_url: str, clock: FakeClock, act: Callable[[Engine], Awaitable[object]]
) -> list[object]:
    """What two processes get that do the same at the same moment."""
    beside = await Store.open(store_url, clock, alongside=True)
    try:
        acts = (act(_engine_on(each, clock)) for each in (store, beside) for _ in range(3))
        return list(await asyncio.gather(*acts, return_exceptions=True))
    finally:
        await beside.close()


async def test_starts_at_once_make_one_bootstrap_token(store: Store, store_url: str, clock: FakeClock) -> None:
    made = await _at_once(store, store_url, clock, lambda engine: ensure_bootstrap(engine, "a" * 40))

    assert made == [*await store.queries.tokens()] * 6


async def test_first_starts_at_once_print_one_token(store: Store, store_url: str, clock: FakeClock) -> None:
    made = await _at_once(store, store_url, clock, ensure_first_token)

    assert sum(new is not None for new in made) == 1
    assert len(await store.queries.tokens()) == 1


async def test_of_two_tokens_with_one_name_one_is_made(store: Store, store_url: str, clock: FakeClock) -> None:
    made = await _at_once(store, store_url, clock, lambda engine: create_token(engine, PROGRAM, "ci", Role.VIEWER))

    assert sum(isinstance(each, Conflict) for each in made) == 5
    assert len(await store.queries.tokens()) == 1
