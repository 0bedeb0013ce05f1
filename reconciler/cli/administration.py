"""Opens the database for the commands that administer it beside a running service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from reconciler.settings.input import load_settings

if TYPE_CHECKING:
    from reconciler.engine.context import Actor, Engine


@asynccontextmanager
async def administration() -> AsyncIterator[tuple["Engine", "Actor"]]:
    """The engine on the database that the settings name, and who types."""
    from reconciler.runtime.bootstrap.administration import open_administration  # noqa: PLC0415  loads the database, which other commands do without

    async with open_administration(load_settings()) as opened:
        yield opened


@asynccontextmanager
async def administering(action: str, subject: str) -> AsyncIterator[tuple["Engine", "Actor"]]:
    """The same for something that is done, and leaves a row in the audit log when it is refused.

    Args:
        action: What is done, as the audit log calls it.
        subject: What it is done to.
    """
    from reconciler.engine.audit.entries import recording_refusals  # noqa: PLC0415  loads the database, which other commands do without

    async with administration() as (engine, actor), recording_refusals(engine, actor, action, subject):
        yield engine, actor
