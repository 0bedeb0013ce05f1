"""Waiting for what other threads, processes and sockets do. A limit is there to end a hang, never to judge a speed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

PATIENCE: Final = 60.0
"""Seconds, on a machine that does much else."""
_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 0.2
"""Whoever asks a service again and again takes its processor time."""


def eventually(holds: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Wait until something holds; tell whether it ever did."""
    end = time.monotonic() + seconds
    pause = _PAUSE
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(1.5 * pause, _LONGEST_PAUSE)
    return True


def wait_until(holds: Callable[[], bool], what: str = "it") -> None:
    """Wait until something holds.

    Raises:
        AssertionError: It never did.
    """
    assert eventually(holds), f"{what} never came to it in {PATIENCE:g} s"


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what sets no event of this loop, such as a thread or a socket.

    Raises:
        TimeoutError: It never held.
    """
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  see above
            await asyncio.sleep(_PAUSE)


async def until_told(asked: Callable[[], Awaitable[bool]]) -> None:
    """Ask, such as a database, until it holds.

    Raises:
        TimeoutError: It never held.
    """
    async with asyncio.timeout(PATIENCE):
        while not await asked():  # noqa: ASYNC110  a question sets no event
            await asyncio.sleep(_PAUSE)


def holds_in_time(holds: Callable[[float], bool], first: float) -> bool:
    """Whether something holds for one of some growing times.

    For what needs a time that really passes, such as a limit of the product: where a short one is missed only because
    the machine stood still meanwhile, a longer one is not.

    Args:
        holds: Is given the time, in seconds.
        first: The shortest.
    """
    return any(holds(first * factor) for factor in (1, 5, 25))
