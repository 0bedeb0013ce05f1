import pytest
from hypothesis import settings

# a shared machine is slow whenever it likes: no example has a deadline
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def anyio_backend() -> str:
    """Asyncio is what the service runs on."""
    return "asyncio"
