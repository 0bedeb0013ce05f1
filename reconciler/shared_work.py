"""Shares one piece of work among all that ask for it at once, and keeps the result for a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconciler.ports import Clock

T = TypeVar("T")


@dataclass(slots=True)
class SharedWork(Generic[T]):
    """One piece of work.

    Attributes:
        clock: What the moment is measured by.
        do: The work; what it raises is raised to all callers that wait for it, but to no later one.
        seconds: How long its outcome holds.
    """

    clock: Clock
    do: Callable[[], Awaitable[T]]
    seconds: float = 1.0
    _begun: float = 0.0
    _task: asyncio.Task[T] | None = field(default=None)

    async def outcome(self) -> T:
        """What the work gives, begun within the last moment."""
        now = self.clock.monotonic()
        task = self._task
        if task is None or (task.done() and (now - self._begun >= self.seconds or _has_failed(task))):
            task = self._task = asyncio.ensure_future(self._work())
            # all that waited may have been cancelled: then nobody else retrieves the exception
            task.add_done_callback(_has_failed)
            self._begun = now
        # a cancelled caller does not cancel it for the others
        return await asyncio.shield(task)

    async def _work(self) -> T:
        return await self.do()


def _has_failed(task: asyncio.Task[T]) -> bool:
    return task.cancelled() or task.exception() is not None
