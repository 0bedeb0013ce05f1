import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Asyncio is what the service runs on."""
    return "asyncio"
