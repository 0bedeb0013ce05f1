"""Findings about documents. They accumulate: one bad file never hides another."""

from dataclasses import dataclass
from enum import StrEnum


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
    """

    severity: Severity
    message: str
    path: str | None = None
    line: int | None = None
    column: int | None = None
    pointer: str | None = None
    suggestion: str | None = None

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
