"""Logs unexpected errors with their origin, but without values, which may be secret."""

import traceback
from logging import Logger

from starlette.types import Scope

from reconciler.domain.secrets import redacted


def log_unexpected(log: Logger, scope: Scope, error: BaseException) -> None:
    """Log the kind of an error and the places it went through, without its message and without any value."""
    frames = traceback.extract_tb(error.__traceback__)
    fields = {
        "request_id": scope.get("state", {}).get("request_id"),
        "method": scope["method"],
        "path": redacted(scope["path"]),
        "error": type(error).__name__,
        "where": [f"{frame.filename}:{frame.lineno}" for frame in frames],
    }
    log.error("request failed", extra=fields)
