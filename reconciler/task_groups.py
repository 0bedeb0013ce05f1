"""Task groups that raise a single failure as itself rather than in an exception group."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from reconciler.errors import ReconcilerError


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises what went wrong as it is, and no `ExceptionGroup`.

    Whoever calls catches errors by their classes, and shows those that were raised on purpose in one line: around a
    group neither would be done. What nobody expected goes before what was raised on purpose, so that it is seen.

    Raises:
        BaseException: Whatever one of the tasks or the block raised; the others are in its cause.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        raise _leading(failed) from failed


def _leading(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    errors = list(_leaves(failed))
    return next((error for error in errors if not isinstance(error, ReconcilerError)), errors[0])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
