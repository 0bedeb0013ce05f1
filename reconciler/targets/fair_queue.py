"""One after the other, the urgent ones first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FairQueue:
    """Lets one at a time go on. Whoever is urgent waits only for the one whose turn it is."""

    def __init__(self) -> None:
        self._urgent = 0
        self._mine = asyncio.Condition()

    @asynccontextmanager
    async def next(self, *, urgent: bool) -> AsyncIterator[None]:
        """Hold the turn while the block runs."""
        if not urgent:
            async with self._mine:
                await self._mine.wait_for(lambda: not self._urgent)
                yield
            return
        self._urgent += 1
        try:
            async with self._mine:
                yield
        finally:
            self._urgent -= 1
            async with self._mine:
                self._mine.notify_all()
