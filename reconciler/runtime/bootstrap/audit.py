"""Opens the audit log for its archiver, and for the commands that verify or export it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from reconciler.engine.audit.archive import AuditArchiver, AuditRules
from reconciler.executors import NamedExecutor
from reconciler.ports import Clock
from reconciler.runtime.clock import SystemClock
from reconciler.settings.model import Settings
from reconciler.storage import AuditFolder, Store


@asynccontextmanager
async def open_audit(settings: Settings, moved: tuple[Path, ...] = ()) -> AsyncIterator[tuple[Store, AuditFolder]]:
    """The database, and what is kept of its log outside of it.

    Args:
        settings: Where they are.
        moved: Files or folders of the archive that were moved elsewhere.

    Raises:
        StoreError: The database cannot be used.
    """
    store = await Store.open(settings.database_url.get_secret_value(), SystemClock(), alongside=True)
    try:
        yield store, AuditFolder(settings.data.dir, moved)
    finally:
        await store.close()


def audit_keeper(
    settings: Settings, store: Store, clock: Clock, may_remove: Callable[[], bool], files: NamedExecutor
) -> AuditArchiver:
    """What looks after the log of a running service; it reads and writes its files in that executor."""
    rules = AuditRules(settings.audit.retention, settings.audit.head_interval)
    return AuditArchiver(store, AuditFolder(settings.data.dir, files=files), clock, rules, may_remove=may_remove)
