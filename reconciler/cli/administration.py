"""What the commands share that administer the database beside a running service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reconciler.engine.context import Actor, Engine
from reconciler.settings.input import load_settings


@asynccontextmanager
async def administration() -> AsyncIterator[tuple[Engine, Actor]]:
    """The engine on the database that the settings name, and who types."""
    from reconciler.runtime.bootstrap.administration import open_administration  # noqa: PLC0415  loads the database, which other commands do without

    async with open_administration(load_settings()) as opened:
        yield opened
