"""The lines of a file around a finding, with keys redacted and long lines cut."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.domain.secrets import find_secrets

AROUND: Final = 2
"""So many lines before and after."""
LONGEST: Final = 160
"""So many characters of a line are shown."""
_CUT: Final = "…"


@dataclass(frozen=True, slots=True)
class ExcerptLine:
    """One line of a file.

    Attributes:
        number: From 1.
        is_marked: Whether the finding is about this line.
    """

    number: int
    text: str
    is_marked: bool


def lines_of(text: str) -> tuple[str, ...]:
    """The lines of a text, each key in it replaced by the name of its kind; every line keeps its number."""
    shown, position = [], 0
    for secret in find_secrets(text):
        breaks = text.count("\n", secret.start, secret.end)
        shown += [text[position : secret.start], f"[{secret.kind}]", "\n" * breaks]
        position = secret.end
    shown.append(text[position:])
    return tuple(line.removesuffix("\r") for line in "".join(shown).split("\n"))


def excerpt(lines: Sequence[str], line: int, column: int | None = None) -> tuple[ExcerptLine, ...]:
    """The lines around a place; nothing when the text has no such line.

    Args:
        lines: As `lines_of` gives them.
        line: From 1.
        column: From 1; a long line is cut such that it can be seen.
    """
    if not 1 <= line <= len(lines):
        return ()
    # what follows the last line end is a line only to whoever points at it
    last = len(lines) - (not lines[-1] and line < len(lines))
    numbers = range(max(1, line - AROUND), min(last, line + AROUND) + 1)
    return tuple(
        ExcerptLine(number, _cut(lines[number - 1], column or 1 if number == line else 1), number == line)
        for number in numbers
    )


def _cut(text: str, column: int) -> str:
    if len(text) <= LONGEST:
        return text
    start = max(0, min(column - 1, len(text)) - LONGEST // 2)
    part = text[start : start + LONGEST]
    before = _CUT if start else ""
    after = _CUT if start + LONGEST < len(text) else ""
    return f"{before}{part}{after}"
