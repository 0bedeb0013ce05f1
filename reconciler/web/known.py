"""Whether a request showed who it comes from: what the server's connections are told by the application."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.types import Scope

_KNOWN: Final = "known"


def note_known(scope: Scope) -> None:
    """The request came with a credential that is valid."""
    scope.setdefault("state", {})[_KNOWN] = True


def is_known(scope: Mapping[str, Any]) -> bool:
    """Whether it did, as far as it was asked."""
    return bool(scope.get("state", {}).get(_KNOWN))
