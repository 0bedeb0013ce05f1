"""Caches the renderings of plans."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Final

from reconciler.bounded_cache import BoundedCache

MAX_BYTES: Final = 32 * 1024**2


class RenderCache:
    """What was rendered last, as much as fits; it may be used by several threads at once.

    Args:
        most_bytes: How much is kept; what is larger than a quarter of it is not.
    """

    def __init__(self, most_bytes: int = MAX_BYTES) -> None:
        self._kept = BoundedCache[Hashable, bytes](most_bytes, lambda _, made: len(made))
        self._being_made: dict[Hashable, Future[bytes]] = {}
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._kept.size

    def get(self, key: Hashable) -> bytes | None:
        """What is kept under a key, or None."""
        with self._lock:
            return self._kept.get(key)

    def get_or_make(self, key: Hashable, make: Callable[[], str]) -> bytes:
        """What is kept under a key, as UTF-8; if nothing is, it is made now, by one thread for all that ask meanwhile.

        Where that thread fails, such as when its client hung up, each of the others goes on by itself.
        """
        while True:
            with self._lock:
                cached = self._kept.get(key)
                if cached is not None:
                    return cached
                others = self._being_made.get(key)
                if others is None:
                    future = self._being_made[key] = Future[bytes]()
                    break
            # the wait is as bounded as the work of the thread that makes it
            if others.exception() is None:
                return others.result()
        return self._make(key, make, future)

    def _make(self, key: Hashable, make: Callable[[], str], future: Future[bytes]) -> bytes:
        try:
            made = make().encode()
        except BaseException as error:
            self._end(key)
            future.set_exception(error)
            raise
        self._end(key, made)
        future.set_result(made)
        return made

    def _end(self, key: Hashable, made: bytes | None = None) -> None:
        """Let the next who asks find what was made, or make it; in one step, so that nobody makes it twice."""
        with self._lock:
            del self._being_made[key]
            if made is not None:
                self._kept.keep(key, made)
