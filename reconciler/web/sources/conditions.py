"""The conditions of a source: faults in the documents of its last good revision."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.domain.diagnostics import Severity
from reconciler.domain.entities import Run, SourceRecord
from reconciler.domain.sentences import as_sentence
from reconciler.engine.context import Engine
from reconciler.engine.reconcile.carried_diagnostics import is_about, last_run_about


@dataclass(frozen=True, slots=True)
class SourceCondition:
    """Findings of one severity.

    Attributes:
        severity: Errors refuse documents; warnings refuse nothing.
        count: How many the run has.
        message: The first of them, with its place.
        run_id: The run that lists them all.
    """

    severity: Severity
    count: int
    message: str
    run_id: str


def source_conditions(run: Run | None) -> tuple[SourceCondition, ...]:
    """The conditions that follow from a run, errors first; none where nothing is known to be wrong.

    Args:
        run: The one with the findings of the source's last good revision, as the reader may see it.
    """
    if run is None:
        return ()
    return tuple(
        SourceCondition(severity, len(found), as_sentence(found[0].in_one_sentence), run.id)
        for severity in Severity
        if (found := [diagnostic for diagnostic in run.diagnostics if diagnostic.severity is severity])
    )


async def runs_with_findings(
    engine: Engine, records: Sequence[SourceRecord], newest: Mapping[str, Run], sees: Callable[[str], bool]
) -> Mapping[str, Run]:
    """Source → the run with the findings of its last good revision: the newest that ended and was not cut off.

    Args:
        engine: The ports.
        records: The sources.
        newest: Source → its newest run.
        sees: Whether a source may be shown to the reader.
    """
    found: dict[str, Run] = {}
    async with engine.store.read() as uow:
        for record in records:
            run = newest.get(record.name)
            if run is None or not is_about(run, record.good_revision):
                run = await last_run_about(uow, record.name, record.good_revision)
            if run is not None:
                found[record.name] = run.seen_by(sees)
    return found
