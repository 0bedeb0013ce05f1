"""Clients of what is plain HTTP on loopback: to read all whom the world trusts takes each one 20 ms."""

import ssl
from pathlib import Path
from typing import Any, Final

LOOPBACK: Final[dict[str, Any]] = {"trust_env": False, "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}
"""What a test's own client is made with: no proxy is between, and nobody is trusted."""
TRUSTS_NOBODY: Final = {"SSL_CERT_FILE": str(Path(__file__).with_name("nobody.pem"))}
"""For the clients of the program, which are as they are: the one authority that they read has no key any more."""
