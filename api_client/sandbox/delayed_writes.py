"""Writes that take effect after their connection is gone."""

import asyncio
from collections.abc import Awaitable, Callable

Effect = Callable[[], Awaitable[object]]


class HeldWrites:
    """Writes that take effect after a time, or when they are let go."""

    def __init__(self) -> None:
        self._held: list[Effect] = []
        self._timed: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._held) + len(self._timed)

    def hold(self, effect: Effect, seconds: float | None) -> None:
        """Keep an effect back for some seconds; without a number, until it is let go."""
        if seconds is None:
            self._held.append(effect)
            return
        task = asyncio.create_task(_after(effect, seconds))
        self._timed.add(task)  # the event loop alone would let the task be collected
        task.add_done_callback(self._timed.discard)

    async def let_go(self) -> int:
        """Let every write that waits without a time take effect, in order; return how many there were."""
        effects, self._held = self._held, []
        for effect in effects:
            await effect()
        return len(effects)

    async def cancel(self) -> None:
        """Cancel writes that have not taken effect."""
        self._held.clear()
        for task in tuple(self._timed):
            task.cancel()
        await asyncio.gather(*self._timed, return_exceptions=True)


async def _after(effect: Effect, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await effect()
