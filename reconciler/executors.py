"""Thread pools by purpose, so that slow work of one kind does not delay another.

Whatever blocks or computes for long runs in an executor of its own kind. The event loop's default executor is left to
the look-up of host names, on which every call to WizChat depends.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Any, Final, Self, TypeVar

T = TypeVar("T")

CLOSE_SECONDS: Final = 5.0
"""How long a close waits for work under way, unless it is told otherwise."""

SMALL: Final = 1_000
"""So many values, or so many times `TEXT` characters, are computed with on the event loop: about a millisecond."""
TEXT: Final = 256
"""Characters or bytes that count as one value."""
SMALL_JSON: Final = 32 * 1024
"""So many bytes of JSON are read on the event loop: they hold about as many values."""

_SCALARS: Final = frozenset({int, float, bool, type(None)})

log = logging.getLogger(__name__)


class NamedExecutor:
    """Threads for one purpose, which begin with the first work.

    Args:
        purpose: What its threads are named after.
        threads: How many there are at most; further work waits for them.
    """

    def __init__(self, purpose: str, threads: int = 1) -> None:
        self.purpose = purpose
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=purpose)
        self._unfinished: set[Future[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.close()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have something done; the future can be cancelled until it begins, and is done when the thread is free again.

        Raises:
            RuntimeError: After a close.
        """
        future = self._pool.submit(copy_context().run, work)
        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        return future

    async def run(self, work: Callable[[], T]) -> T:
        """The result of something done in a thread. Cancelled, it never begins; what has begun goes on unheard."""
        return await asyncio.wrap_future(self.submit(work))

    async def compute(self, work: Callable[[], T], *inputs: Any) -> T:
        """The result of a computation: in a thread, unless what it is about is so small that a thread costs more.

        Args:
            work: Computes alone, and waits for nothing: not for other work of these threads either.
            inputs: What the computation goes through.
        """
        return work() if is_small(*inputs) else await self.run(work)

    async def compute_json(self, work: Callable[[], T], content: bytes) -> T:
        """As `compute`, for what goes through JSON that is not read yet."""
        return work() if len(content) <= SMALL_JSON else await self.run(work)

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Let nothing more begin, and wait for what is under way.

        Args:
            seconds: How long to wait; what takes longer is logged, and ends by its own limits.
        """
        self._pool.shutdown(wait=False, cancel_futures=True)
        under_way = [asyncio.wrap_future(future) for future in list(self._unfinished)]
        if not under_way:
            return
        done, late = await asyncio.wait(under_way, timeout=seconds)
        for future in done:
            if not future.cancelled():
                future.exception()  # the caller got the exception: asyncio need not report it again
        for future in late:
            future.cancel()
        if late:
            log.warning("threads are still at work", extra={"purpose": self.purpose, "threads": len(late)})


def _fields_of(kind: type) -> Collection[str]:
    """The names of the fields of a dataclass or a pydantic model; none for anything else."""
    fields: Collection[str] = getattr(kind, "__dataclass_fields__", ()) or getattr(kind, "model_fields", ())
    return fields


def is_small(*values: Any) -> bool:
    """Whether values, with all that they hold, are few and short; looks at no more of them than that takes.

    Args:
        values: JSON values, bytes, and records, which are gone through by their fields.
    """
    budget, waiting = SMALL - len(values), list(values)
    while waiting:
        value = waiting.pop()
        kind = type(value)
        if kind is str or kind is bytes:
            budget -= len(value) // TEXT
        elif kind not in _SCALARS:
            inner = value.values() if kind is dict else value if kind is list else _inner(value)
            budget -= len(inner)
            waiting.extend(inner)
        if budget < 0:
            return False
    return True


def _inner(value: Any) -> Collection[Any]:
    """What a value holds, where its type does not tell at once."""
    match value:
        case str() | bytes():
            return [value[:]]  # of a class of its own, such as an enum's
        case Mapping():
            return value.values()
        case list() | tuple() | set() | frozenset():
            return value
        case _:
            return [getattr(value, name) for name in _fields_of(type(value))]
