"""What runs tell of the documents of a revision: what the one that read them found, again until a revision mends it.

Most runs look at a revision whose documents were read before, and read none; what is wrong in them stands all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.records import GoodDocument, Run, RunStatus
from reconciler.engine.adopting import places_of
from reconciler.engine.context import Engine

MOST_RETOLD: Final = 100
"""There can be very many, and a run every few minutes: the run that read the documents keeps all of them."""

_MOST_RUNS: Final = 10
"""So many runs are looked back at, for those that wait, run, or were cut off before they knew a revision."""
_ALSO: Final = "is also claimed by"


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
    message = f"{len(rest)} more findings stand in the documents: the run {run.id} lists them, and so does a refresh"
    return (*told, Diagnostic(rest[0].severity, message))


def contests(source: str, contested: Mapping[str, Sequence[GoodDocument]]) -> Iterator[Diagnostic]:
    """What the people of a source are told where another one claims the same chatbot: they may not see its chatbot."""
    for chatbot_id, claims in contested.items():
        own = [claim for claim in claims if claim.source == source]
        others = places_of(claim for claim in claims if claim.source != source)
        for claim in own:
            message = f'the chatbot "{chatbot_id}" {_ALSO} {others}: keep one of them'
            yield Diagnostic(Severity.ERROR, message, claim.path, claim.line)


def _is_contest(found: Diagnostic) -> bool:
    # what is found in a document has a column wherever it has a line, so that no text in a document can pass for one
    return found.line is not None and found.column is None and _ALSO in found.message
