"""Findings about documents as text."""

from collections.abc import Iterable

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.visible import visible


def findings_text(diagnostics: Iterable[Diagnostic]) -> str:
    """Each finding on a line of its own, errors marked ``!``, warnings ``·``."""
    return "".join(f"{'!' if one.severity is Severity.ERROR else '·'} {visible(str(one))}\n" for one in diagnostics)
