"""The default host and port of the sandbox."""

from typing import Final

LOOPBACK: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8700
