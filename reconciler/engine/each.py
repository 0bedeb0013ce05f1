"""The same question about many chatbots, a bounded number at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from reconciler.errors import QuotaExceeded, TargetError, TargetUnauthorized, TargetUnreachable

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int], None]
"""Called with how many are done, and of how many."""

_HOPELESS = (TargetUnauthorized, TargetUnreachable, QuotaExceeded)
"""What would meet every chatbot alike."""


def no_progress(_done: int, _total: int) -> None:
    """Show nothing."""


async def for_each(
    items: Sequence[T], ask: Callable[[T], Awaitable[R]], *, concurrency: int, progress: Progress = no_progress
) -> list[R | TargetError]:
    """Ask about every item; a `TargetError` is the answer for its item alone.

    The first item is asked about by itself, so that a wrong key or address is met once and not by each.

    Args:
        items: What to ask about.
        ask: The question.
        concurrency: How many questions may be open at a time.
        progress: Told after each answer.

    Returns:
        The answers, in the order of the items.

    Raises:
        TargetError: The first answer already shows that every other would be the same.
    """
    answers: dict[int, R | TargetError] = {}
    waiting = iter(enumerate(items))

    async def work(mine: Iterator[tuple[int, T]]) -> None:
        for at, item in mine:
            answers[at] = await _answer(ask, item)
            progress(len(answers), len(items))

    await work(iter([first]) if (first := next(waiting, None)) else iter(()))
    if isinstance(failure := answers.get(0), _HOPELESS):
        raise failure
    async with asyncio.TaskGroup() as group:
        for _ in range(min(concurrency, len(items) - 1)):
            group.create_task(work(waiting))
    return [answers[at] for at in range(len(items))]


async def _answer(ask: Callable[[T], Awaitable[R]], item: T) -> R | TargetError:
    try:
        return await ask(item)
    except TargetError as error:
        return error
