"""What runs tell of the documents of a revision: what the one that read them found, again until a revision mends it.

Most runs look at a revision whose documents were read before, and read none; what is wrong in them stands all the same.
"""

import re
from typing import Final

from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.records import Run, RunStatus
from reconciler.engine.context import Engine

MOST_RETOLD: Final = 100
"""There can be very many, and a run every few minutes: the run that read the documents keeps all of them."""

_MOST_RUNS: Final = 10
"""So many runs are looked back at, for those that wait, run, or were cut off before they knew a revision."""
_ALSO: Final = "is also claimed by"
_MORE: Final = "more findings stand in the documents: the run"
_NAMED: Final = re.compile(rf"\d+ {_MORE} (?P<run>\S+) lists them")


async def last_told(engine: Engine, source: str, revision: str | None) -> Run | None:
    """The newest run that ended and tells of this revision; None when there is none among the latest."""
    cursor = None
    for _ in range(_MOST_RUNS if revision else 0):
        part = await engine.store.queries.runs((source,), limit=1, cursor=cursor)
        for run in part.items:
            if tells_of(run, revision):
                return run
        cursor = part.next_cursor
        if cursor is None:
            break
    return None


def tells_of(run: Run, revision: str | None) -> bool:
    """Whether a run ended, and what it found is of this revision."""
    return run.finished_at is not None and run.revision is not None and run.revision == revision


def knows_all(run: Run | None) -> bool:
    """Whether nothing stands wrong in the documents of its revision but what it tells."""
    return run is not None and run.status is RunStatus.SUCCEEDED


def retold(run: Run | None) -> tuple[Diagnostic, ...]:
    """What a run found in the documents, for one that reads none; other sources' claims are looked up each time."""
    found = [each for each in run.diagnostics if not _is_contest(each)] if run else []
    if run is None or len(found) <= MOST_RETOLD:
        return tuple(found)
    worst = sorted(found, key=lambda each: each.severity)
    told, rest = worst[: MOST_RETOLD - 1], worst[MOST_RETOLD - 1 :]
    message = f"{len(rest)} {_MORE} {run.id} lists them, and so does a refresh"
    return (*told, Diagnostic(rest[0].severity, message))


def runs_named_in(run: Run) -> frozenset[str]:
    """The ids of the runs that a run leaves the rest of its findings to."""
    found = (_NAMED.match(each.message) for each in run.diagnostics if each.path is None)
    return frozenset(each.group("run") for each in found if each is not None)


def _is_contest(found: Diagnostic) -> bool:
    if found.rival is not None:
        return True
    # of a run of an older program, which named places of other sources: what is found in a document has a column
    # wherever it has a line, so that no text in a document can pass for one
    return found.line is not None and found.column is None and _ALSO in found.message
