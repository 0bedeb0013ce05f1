"""Renderings of plans that are kept, because a plan that stays as it is is rendered as it was."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

MOST_BYTES: Final = 32 * 1024**2


class RenderCache:
    """What was rendered last, as much as fits; it may be used by several threads at once.

    Args:
        most_bytes: How much is kept; what is larger than a quarter of it is not kept, or it would displace the rest.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.size = 0

    def get(self, key: Hashable) -> bytes | None:
        """What is kept under a key, or None."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key]

    def get_or_make(self, key: Hashable, make: Callable[[], str]) -> bytes:
        """What is kept under a key; if nothing is, it is made now, and kept as UTF-8."""
        known = self.get(key)
        if known is not None:
            return known
        made = make().encode()
        self._keep(key, made)
        return made

    def _keep(self, key: Hashable, made: bytes) -> None:
        if len(made) > self._most // 4:
            return
        with self._lock:
            self.size += len(made) - len(self._kept.pop(key, b""))
            self._kept[key] = made
            while self.size > self._most:
                _, oldest = self._kept.popitem(last=False)
                self.size -= len(oldest)
