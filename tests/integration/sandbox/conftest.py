from collections.abc import Iterator

import httpx
import pytest

from api_client.sandbox import SandboxControl, SandboxServer
from tests.support.loopback import LOOPBACK
from tests.support.waiting import PATIENCE


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture
def control(sandbox: SandboxServer) -> SandboxControl:
    return sandbox.control


@pytest.fixture
def api(sandbox: SandboxServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    with httpx.Client(base_url=f"{sandbox.url}/api/v1", headers=headers, timeout=PATIENCE, **LOOPBACK) as client:
        yield client
