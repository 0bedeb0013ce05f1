"""Caches rows that every request needs until the database changes; one read serves all who wait."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    """What a read gave.

    Attributes:
        generation: The store's before the read: the rows are at least as new.
        number: Which read it was.
    """

    generation: str
    number: int
    rows: T


class GenerationCache(Generic[T]):
    """What a read of the store gave, for as long as nothing is committed.

    However many ask at once after a commit, one read is made, and it goes on when whoever began it hangs up. A read for
    each of them would have everybody else's queries wait behind.

    Args:
        generation: The store's, now.
        read: The read.
    """

    def __init__(self, generation: Callable[[], str], read: Callable[[], Awaitable[T]]) -> None:
        self._generation = generation
        self._read = read
        self._kept: _Kept[T] | None = None
        self._begun = 0
        self._reading: asyncio.Task[None] | None = None

    async def get(self, generation: str) -> T:
        """The rows, at least as new as a generation.

        Args:
            generation: The store's, asked for before.

        Raises:
            StoreError: The read failed, for all that wait for it; the next caller begins another.
        """
        before = self._begun
        while True:
            kept = self._kept
            # a read that began after the call answers it, whatever was committed since
            if kept is not None and (kept.generation == generation or kept.number > before):
                return kept.rows
            if self._reading is None:
                self._reading = self._begin()
            await asyncio.shield(self._reading)

    def _begin(self) -> asyncio.Task[None]:
        self._begun += 1
        task = asyncio.ensure_future(self._keep(self._begun, self._generation()))
        # all that waited may have been cancelled: then nobody else retrieves the exception
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _keep(self, number: int, generation: str) -> None:
        try:
            self._kept = _Kept(generation, number, await self._read())
        finally:
            self._reading = None
