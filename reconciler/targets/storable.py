"""What of WizChat's answers can be hashed, kept, shown and sent on. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.domain.canonical import canonical_bytes
from reconciler.domain.names import LONGEST_CHATBOT_ID

DEEPEST: Final = 128
"""Levels of objects and lists. A document may have half as many; what has twice as many can no longer be written."""
TOO_DEEP: Final = f"is nested deeper than {DEEPEST} levels"
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_NO_PATH_SEGMENT: Final = frozenset({"", ".", ".."})


def why_not_storable(value: Any) -> str | None:
    """What is wrong with a JSON value of WizChat's, as the end of “WizChat's answer …”; None when nothing is."""
    if _nests_deeper(value, DEEPEST):
        return TOO_DEEP
    try:
        canonical_bytes(value)
    except ValueError as error:
        # such as half of a surrogate pair, which no JSON in UTF-8 can say
        return f"holds text or a number that cannot be kept ({type(error).__name__})"
    return None


def is_storable_id(chatbot_id: str) -> bool:
    """Whether an id can be kept by every database, and be asked for as one segment of a path."""
    return (
        len(chatbot_id) <= LONGEST_CHATBOT_ID
        and chatbot_id not in _NO_PATH_SEGMENT
        and "\0" not in chatbot_id
        and why_not_storable(chatbot_id) is None
    )


def _nests_deeper(value: Any, levels: int) -> bool:
    # level by level and not by recursion, which ends where this is needed
    layer = [value] if _is_container(value) else []
    for _ in range(levels):
        if not layer:
            return False
        layer = [inner for value in layer for inner in _inner(value) if _is_container(inner)]
    return bool(layer)


def _inner(container: Any) -> Iterator[Any]:
    return iter(container.values() if isinstance(container, Mapping) else container)


def _is_container(value: Any) -> bool:
    return type(value) not in _SCALARS and isinstance(value, Mapping | list | tuple)
