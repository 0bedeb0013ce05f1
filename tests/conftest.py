import pytest
from hypothesis import HealthCheck, settings

# a shared machine is slow whenever it likes: no example has a deadline, and none takes too long to make
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def anyio_backend() -> str:
    """Asyncio is what the service runs on."""
    return "asyncio"
