"""HTTP on loopback."""

import ssl
from typing import Final

import httpx

_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def plain_http(token: str, timeout: float) -> httpx.Client:
    """A client that is quickly made: everything here is HTTP on loopback, so it reads no certificates."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(headers=headers, timeout=timeout, trust_env=False, verify=_NO_TLS)
