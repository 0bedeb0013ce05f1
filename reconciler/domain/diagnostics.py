"""Findings about documents. A faulty file never hides the findings of another."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

ANOTHER_SOURCE: Final = "another source"
"""What a finding calls a source that not everybody who reads it may see."""


class Severity(StrEnum):
    """How bad a finding is: an error refuses its document, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding and its place.

    Attributes:
        severity: Error or warning.
        message: One sentence: what is wrong and what to do.
        path: The file, relative to the repository's root.
        line: From 1.
        column: From 1.
        pointer: The place in the document, dotted, such as ``spec.skills[0].body``.
        suggestion: The name that was probably meant, where one is close.
        rival: The other source that the message is about. `seen_by` shows its name only to people who may see it.
    """

    severity: Severity
    message: str
    path: str | None = None
    line: int | None = None
    column: int | None = None
    pointer: str | None = None
    suggestion: str | None = None
    rival: str | None = None

    def seen_by(self, sees: Callable[[str], bool]) -> Self:
        """The finding as somebody is shown it who sees some sources and not others."""
        if self.rival is None:
            return self
        message = self.message.replace(ANOTHER_SOURCE, f"the source {self.rival}", 1)
        return replace(self, message=message if sees(self.rival) else self.message, rival=None)

    @property
    def place(self) -> str:
        """The place as ``path:line:column``, as far as it is known."""
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)

    @property
    def in_one_sentence(self) -> str:
        """The whole finding as a part of running text."""
        return " ".join(str(self).split("   ", 1))

    def __str__(self) -> str:
        """The whole finding on one line."""
        subject = f"{self.pointer}: {self.message}" if self.pointer else self.message
        hint = f'; did you mean "{self.suggestion}"?' if self.suggestion else ""
        return f"{self.place}   {subject}{hint}".strip()
