"""Summarises a run for the pages: a badge for how it ended, and what it found."""

from reconciler.domain.diagnostics import Severity
from reconciler.domain.entities import Run, RunStatus
from reconciler.web.ui.badges import STATUS_BADGES, Badge


def run_badge(run: Run) -> Badge:
    """How a run ended; where something is wrong or was not compared, no success looks like nothing but one."""
    sign = STATUS_BADGES[run.status]
    wrong = [findings_of(run)] if run.diagnostics else []
    if run.counts.uncompared:
        wrong.append(f"{run.counts.uncompared} not compared")
    if not wrong:
        return sign
    if run.status is RunStatus.SUCCEEDED:
        sign = Badge("both", "!", sign.words)
    return sign._replace(words=", ".join((sign.words, *wrong)))


def findings_of(run: Run) -> str:
    """The number of findings of a run, in words."""
    count = len(run.diagnostics)
    return f"{count} {'finding' if count == 1 else 'findings'}"


def refused_files(run: Run) -> int | None:
    """In how many files documents are refused; None where an error names no file."""
    paths = {diagnostic.path for diagnostic in run.diagnostics if diagnostic.severity is Severity.ERROR}
    return None if None in paths else len(paths)
