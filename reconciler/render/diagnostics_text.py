"""Diagnostics of documents as text."""

from collections.abc import Iterable

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.escaping import escaped


def findings_text(diagnostics: Iterable[Diagnostic]) -> str:
    """Each finding on a line of its own, errors marked ``!``, warnings ``·``."""
    return "".join(
        f"{'!' if diagnostic.severity is Severity.ERROR else '·'} {escaped(str(diagnostic))}\n"
        for diagnostic in diagnostics
    )
