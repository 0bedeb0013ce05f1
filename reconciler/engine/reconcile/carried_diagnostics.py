"""Carries the diagnostics of a revision from the run that read it to later runs that read no documents.

Most runs look at a revision whose documents were read before, and read none; what is wrong in them still holds.
"""

import re
from typing import Final

from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.entities import Run, RunStatus
from reconciler.storage import UnitOfWork

MAX_CARRIED: Final = 100
"""There can be very many, and a run every few minutes: the run that read the documents keeps all of them."""

_LOOKED_BACK: Final = 10
"""So many runs are looked back at, for those that wait, run, or were cut off before they knew a revision."""
_CLAIMED_TOO: Final = "is also claimed by"
_MORE_FINDINGS: Final = "more findings stand in the documents: the run"
_REFERENCE: Final = re.compile(rf"\d+ {_MORE_FINDINGS} (?P<run>\S+) lists them")


async def last_run_about(uow: UnitOfWork, source: str, revision: str | None) -> Run | None:
    """The newest run that ended and read this revision; None when there is none among the latest."""
    return await uow.runs.last_about(source, revision, among=_LOOKED_BACK) if revision is not None else None


def is_about(run: Run, revision: str | None) -> bool:
    """Whether a run ended, and what it found is of this revision."""
    return run.finished_at is not None and run.revision is not None and run.revision == revision


def is_complete(run: Run | None) -> bool:
    """Whether a run lists every finding in the documents of its revision."""
    return run is not None and run.status is RunStatus.SUCCEEDED


def carried_diagnostics(run: Run | None) -> tuple[Diagnostic, ...]:
    """What a run found in the documents, for one that reads none; other sources' claims are looked up each time."""
    found = [diagnostic for diagnostic in run.diagnostics if not _is_contest(diagnostic)] if run else []
    if run is None or len(found) <= MAX_CARRIED:
        return tuple(found)
    worst = sorted(found, key=lambda item: item.severity)
    listed, rest = worst[: MAX_CARRIED - 1], worst[MAX_CARRIED - 1 :]
    message = f"{len(rest)} {_MORE_FINDINGS} {run.id} lists them, and so does a refresh"
    return (*listed, Diagnostic(rest[0].severity, message))


def runs_referred_to(run: Run) -> frozenset[str]:
    """The ids of the runs that a run leaves the rest of its findings to."""
    found = (_REFERENCE.match(diagnostic.message) for diagnostic in run.diagnostics if diagnostic.path is None)
    return frozenset(item.group("run") for item in found if item is not None)


def _is_contest(diagnostic: Diagnostic) -> bool:
    if diagnostic.rival is not None:
        return True
    # of a run of an older program, which named places of other sources: what is found in a document has a column
    # wherever it has a line, so that no text in a document can pass for one
    return diagnostic.line is not None and diagnostic.column is None and _CLAIMED_TOO in diagnostic.message
