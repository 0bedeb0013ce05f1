"""Repeats a transaction whose rows another transaction changed.

SQLite lets one transaction write at a time. On PostgreSQL others write between what a transaction reads and what it
saves: whatever must be written down, such as how a run or an apply ended, is then decided anew from what is there.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from reconciler.errors import Conflict

T = TypeVar("T")

ATTEMPTS: Final = 10
"""So often something is tried before somebody else's changes are an error."""


async def retry_on_conflict(work: Callable[[], Awaitable[T]]) -> T:
    """Do something that reads and writes in transactions of its own, again when somebody else was faster.

    Args:
        work: Reads what it decides by each time that it is called, and does nothing outside of its transactions.

    Raises:
        Conflict: Somebody else was faster at each of `ATTEMPTS`.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(Conflict):
            return await work()
    return await work()
