"""Debian's chromium, as the tests and the screenshots start it."""

import os
from typing import Any, Final

_QUIET: Final = (
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def options(path: str) -> dict[str, Any]:
    """How playwright starts it."""
    # its sandbox refuses to work for root, as in a container
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": path, "args": [*_QUIET, *alone]}
