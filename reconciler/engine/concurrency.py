"""Makes a call for each of many chatbots, a bounded number at a time."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from reconciler.engine.outage import Outage
from reconciler.errors import TargetError
from reconciler.ports import Target
from reconciler.task_groups import task_group

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int], None]
"""Called with how many are done, and of how many."""


def no_progress(_done: int, _total: int) -> None:
    """A progress callback that shows nothing."""


async def gather_bounded(
    items: Sequence[T],
    call: Callable[[T], Awaitable[R]],
    *,
    target: Target,
    concurrency: int,
    progress: Progress = no_progress,
) -> list[R | TargetError]:
    """Make a call for every item; a `TargetError` is the answer for its item alone.

    The first call is made alone, so that a wrong key or address fails once and not for each item. Later, an error that
    every further call would meet stops the calls as well, and is the answer for the remaining items.

    Args:
        items: What to make calls for.
        call: Makes the call for one item.
        target: The tenant that is called.
        concurrency: The largest number of calls at a time.
        progress: Called after each answer.

    Returns:
        The answers, in the order of the items.

    Raises:
        TargetError: The first call already shows that every other would fail in the same way.
    """
    answers: dict[int, R | TargetError] = {}
    waiting = iter(enumerate(items))
    outage = Outage(target.chatbots)

    async def work(numbered: Iterator[tuple[int, T]]) -> None:
        for index, item in numbered:
            answers[index] = await _result(call, item) if outage.error is None else outage.error
            await outage.note(answers[index])
            progress(len(answers), len(items))

    await work(iter([first]) if (first := next(waiting, None)) else iter(()))
    if outage.error is not None:
        raise outage.error
    async with task_group() as group:
        for _ in range(min(concurrency, len(items) - 1)):
            group.create_task(work(waiting))
    return [answers[index] for index in range(len(items))]


async def _result(call: Callable[[T], Awaitable[R]], item: T) -> R | TargetError:
    try:
        return await call(item)
    except TargetError as error:
        return error
