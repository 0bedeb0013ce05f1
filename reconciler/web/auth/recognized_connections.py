"""Marks connections whose requests were authenticated, for the limits of the server."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.types import Scope

_RECOGNIZED: Final = "known"


def mark_recognized(scope: Scope) -> None:
    """The request came with a credential that is valid."""
    scope.setdefault("state", {})[_RECOGNIZED] = True


def is_recognized(scope: Mapping[str, Any]) -> bool:
    """Whether it did, as far as it was asked."""
    return bool(scope.get("state", {}).get(_RECOGNIZED))
