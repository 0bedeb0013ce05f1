import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.support.loopback import TRUSTS_NOBODY

os.environ.update(TRUSTS_NOBODY)  # also of the processes that tests start

# a shared machine is slow whenever it likes: no example has a deadline, and none takes too long to make
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_collection_finish() -> None:
    """Keep what is loaded by now out of every later garbage collection: it is much, and stays to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def anyio_backend() -> str:
    """Asyncio is what the service runs on."""
    return "asyncio"
