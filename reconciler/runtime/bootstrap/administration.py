"""Opens the engine for the commands that administer the service."""

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reconciler.domain.access import Role
from reconciler.engine.context import Actor, Engine
from reconciler.runtime.bootstrap.engine import open_engine
from reconciler.runtime.clock import SystemClock
from reconciler.runtime.dispatch import LocalDispatcher
from reconciler.settings.model import Settings
from reconciler.storage import Store


@asynccontextmanager
async def open_administration(settings: Settings) -> AsyncIterator[tuple[Engine, Actor]]:
    """What the commands work on that change the database beside a running service; they write nothing anywhere else.

    Raises:
        StoreError: The database cannot be used.
    """
    clock = SystemClock()
    store = await Store.open(settings.database_url.get_secret_value(), clock, alongside=True)
    try:
        async with open_engine(settings, store, clock, LocalDispatcher()) as (engine, _):
            yield engine, Actor(f"cli:{getpass.getuser()}", Role.ADMIN, origin="command line")
    finally:
        await store.close()
