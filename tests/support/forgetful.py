"""A plugin of pytest for `make mutants`: empties the caches of functions before the tests.

mutmut tries each mutant in a copy of a process in which the tests have run: what was kept of their results would be
taken for the mutant's own.
"""

import gc
from functools import lru_cache

_CACHED = type(lru_cache(int))


def pytest_sessionstart() -> None:
    for each in gc.get_objects():
        if isinstance(each, _CACHED):
            each.cache_clear()
