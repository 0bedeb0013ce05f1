"""Reads the key that signs links to plans from the settings, or creates one beside the service's data."""

import logging
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from reconciler.settings.sections import SHORTEST_KEY, AuthSettings

KEY_FILE: Final = "link-key"

log = logging.getLogger(__name__)


def link_key(settings: AuthSettings, data: Path) -> bytes:
    """The key; without one in the settings, what is kept in the data folder, made when it is not there.

    Where nothing can be kept, links end with the process: that is no reason not to start.

    Args:
        settings: What may set it.
        data: The data folder.
    """
    if settings.link_key is not None:
        return settings.link_key.get_secret_value().encode()
    path = data / KEY_FILE
    try:
        return _kept(path) or _made(path)
    except OSError as error:
        # the contents of the file are never shown: they may be a whole key
        log.warning("link key not kept", extra={"path": str(path), "error": error.strerror})
        return secrets.token_bytes(SHORTEST_KEY)


def _kept(path: Path) -> bytes | None:
    try:
        key = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    return key if len(key) >= SHORTEST_KEY else None


def _made(path: Path) -> bytes:
    """Put a key in place that is whole and on the disk, and for this user alone."""
    key = secrets.token_urlsafe(SHORTEST_KEY).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp's files are for their owner alone from the beginning
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(key + b"\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    return key
