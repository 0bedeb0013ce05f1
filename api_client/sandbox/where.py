"""Where the sandbox listens when nobody says otherwise."""

from typing import Final

LOOPBACK: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8700
