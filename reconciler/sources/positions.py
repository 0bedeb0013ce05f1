"""What is found in one document, and where everything in it stands."""

import json
import re
from dataclasses import dataclass, field
from typing import Final

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.secrets import redacted

Pointer = tuple[str | int, ...]
Position = tuple[int, int]

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*\Z")


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault in a document, not yet tied to a file.

    Attributes:
        severity: An error refuses the document, a warning does not.
        is_leak: Whether it is about a key that stands in the open, which is told before anything else.
    """

    message: str
    line: int
    column: int
    pointer: Pointer = ()
    suggestion: str | None = None
    is_leak: bool = False
    severity: Severity = Severity.ERROR

    def diagnostic(self, path: str) -> Diagnostic:
        """The finding as one of a file, without any key that stands where something else was meant."""
        return Diagnostic(
            self.severity,
            redacted(self.message),
            path,
            self.line,
            self.column,
            redacted(dotted(self.pointer)) or None,
            None if self.suggestion is None else redacted(self.suggestion),
        )


@dataclass(slots=True)
class Location:
    """Where a value stands, and where what it contains does; lines and columns count from 1.

    Attributes:
        keys: Where each key of a mapping stands.
        children: The places of the values of a mapping or list.
    """

    line: int
    column: int
    keys: dict[str, Position] = field(default_factory=dict)
    children: dict[str | int, "Location"] = field(default_factory=dict)

    def value(self, pointer: Pointer) -> Position:
        """Where the value stands, or the innermost known thing around it."""
        place = self
        for part in pointer:
            if part not in place.children:
                break
            place = place.children[part]
        return place.line, place.column

    def key(self, pointer: Pointer) -> Position:
        """Where the key of the value stands; an item of a list has none, so it stands for itself."""
        *parents, last = pointer
        place = self
        for part in parents:
            if part not in place.children:
                return place.line, place.column
            place = place.children[part]
        return place.keys.get(last, self.value(pointer)) if isinstance(last, str) else self.value(pointer)


def dotted(pointer: Pointer) -> str:
    """A pointer as people write it, such as ``spec.skills[0].body``."""
    text = ""
    for part in pointer:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_NAME.match(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text
