"""HTTP on loopback."""

import httpx

from tests.support.loopback import LOOPBACK


def plain_http(token: str, timeout: float) -> httpx.Client:
    """A client that is quickly made."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(headers=headers, timeout=timeout, **LOOPBACK)
