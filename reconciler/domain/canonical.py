"""Canonical JSON: the one way in which this program turns a value into bytes.

What is hashed, compared and sent are the same bytes (guarantee 2), so there is exactly one encoder.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_bytes(value: Any) -> bytes:
    """Encode a JSON value: sorted keys, compact, UTF-8, finite numbers.

    Raises:
        ValueError: For NaN and infinities, lone surrogates, and anything JSON does not know.
    """
    try:
        text = _CANONICAL.encode(value)
    except TypeError as error:
        raise ValueError("not a JSON value: " + str(error)) from error
    return text.encode()


@dataclass(frozen=True, slots=True)
class EncodedBody:
    """A document's body with the bytes that are sent of it, for what is sent again and again.

    Attributes:
        value: The body.
        content: Its canonical JSON.
    """

    value: Mapping[str, Any]
    content: bytes

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Self:
        """Encode a body.

        Raises:
            ValueError: As `canonical_bytes`.
        """
        return cls(value, canonical_bytes(value))


def compact_text(value: Any) -> str:
    """A JSON value as short text, its keys in the order that they have: for what is read back as it was."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def digest(value: Any) -> str:
    """The sha256, in hex, of a value's canonical JSON."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()
