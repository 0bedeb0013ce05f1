"""A cache bounded by the total size of its values, not by the number of entries."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_LARGEST_SHARE: Final = 4
"""What is larger than this part of the whole is not kept, or it would displace the rest."""


class BoundedCache(Generic[K, V]):
    """The values that were used last, as many as fit. It is used by one thread at a time.

    Args:
        most: How much is kept, in the unit of ``size_of``.
        size_of: How large a key and its value are together.

    Attributes:
        size: How much is kept now.
    """

    def __init__(self, limit: int, size_of: Callable[[K, V], int]) -> None:
        self._most = limit
        self._size_of = size_of
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.size = 0

    def get(self, key: K) -> V | None:
        """The value of a key, which counts as used now; None when it is not kept."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def keep(self, key: K, value: V) -> None:
        """Keep a value instead of the key's former one, and let go what was used longest ago."""
        if key in self._kept:
            self.size -= self._kept.pop(key)[1]
        size = self._size_of(key, value)
        if size > self._most // _LARGEST_SHARE:
            return
        self._kept[key] = value, size
        self.size += size
        while self.size > self._most:
            _, (_, freed) = self._kept.popitem(last=False)
            self.size -= freed
