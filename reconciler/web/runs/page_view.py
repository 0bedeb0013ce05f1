"""View model of the pages of runs, and of the diagnostics that they list."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from reconciler.domain.diagnostics import Diagnostic
from reconciler.domain.entities import Run, RunStatus
from reconciler.domain.forge_urls import WebRepository
from reconciler.domain.status import Sync
from reconciler.domain.uncompared import Uncompared
from reconciler.engine.context import SourceBinding
from reconciler.render.ages import Age, age, duration
from reconciler.render.excerpt import ExcerptLine, excerpt, lines_of
from reconciler.web.runs.summary import findings_of, refused_files, run_badge
from reconciler.web.ui.badges import Badge, reason_words
from reconciler.web.ui.layout import Layout
from reconciler.web.ui.paths import chatbot_path

MAX_FOUND: Final = 100
"""So many findings are shown; the API has all."""
_MAX_FILES: Final = 20
_PATIENCE_S: Final = 3.0
"""So long a page waits for the lines of the files; without them it still says what was found where."""

Texts = Mapping[str, str]
"""Path → what the file says, as far as that could be had."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run.

    Attributes:
        sign: Its status, with how much is wrong in the documents.
        refused: In how many files documents are refused; None where that is not known.
        began: When it was asked for, or began.
        took: How long it ran; None while it runs or waits.
        revision_link: Where its revision can be looked at; None for repositories without pages.
        seen_link: Where the revision that git named can be looked at; likewise.
    """

    run: Run
    sign: Badge
    refused: int | None
    began: Age
    took: str | None
    revision_link: str | None = None
    seen_link: str | None = None


@dataclass(frozen=True, slots=True)
class FoundDiagnostic:
    """One finding.

    Attributes:
        lines: The file around its place; empty where that cannot be had.
        link: The file at its line; None for repositories without pages.
    """

    diagnostic: Diagnostic
    lines: Sequence[ExcerptLine] = ()
    link: str | None = None


@dataclass(frozen=True, slots=True)
class NotCompared:
    """A chatbot that could not be compared.

    Attributes:
        path: Its page; None once the settings name its source no more.
        reason_words: The reason in words.
        link: Where its document can be looked at; None for repositories without pages.
    """

    uncompared: Uncompared
    path: str | None
    reason_words: str
    link: str | None


@dataclass(frozen=True, slots=True)
class RunsPage:
    """Runs, newest first.

    Attributes:
        rows: This part of the list.
        sources: The names to choose from.
        source: The one that was chosen, or None.
        next_page: The path of the next part.
    """

    frame: Layout
    rows: Sequence[RunRow]
    sources: Sequence[str]
    source: str | None
    next_page: str | None


@dataclass(frozen=True, slots=True)
class RunPage:
    """One run.

    Attributes:
        found: What is wrong in the documents, errors first.
        hidden: How many findings more there are.
        count: How many there are, in words.
        nothing: The text where there is none.
        uncompared: The chatbots that could not be compared, as far as the run names them.
        unknown: The list of the source's chatbots that are Unknown now, where the run names fewer; else None.
    """

    frame: Layout
    row: RunRow
    found: Sequence[FoundDiagnostic]
    hidden: int
    count: str
    nothing: str
    uncompared: Sequence[NotCompared]
    unknown: str | None


def run_row(run: Run, binding: SourceBinding | None, now: datetime) -> RunRow:
    """What a list says of a run."""
    pages = _pages(binding)
    ended = run.started_at and run.finished_at
    return RunRow(
        run=run,
        sign=run_badge(run),
        refused=refused_files(run),
        began=age(run.started_at or run.created_at, now),
        took=duration(run.finished_at - run.started_at) if ended and run.started_at and run.finished_at else None,
        revision_link=pages.commit(run.revision) if pages and run.revision else None,
        seen_link=pages.commit(run.seen_revision) if pages and run.seen_revision else None,
    )


def run_page(frame: Layout, run: Run, binding: SourceBinding | None, texts: Texts, now: datetime) -> RunPage:
    """Everything that the page of a run says; no key in the files is shown."""
    shown = shown_of(run)
    lines = {path: lines_of(text) for path, text in texts.items()}
    pages = _pages(binding)
    return RunPage(
        frame=frame,
        row=run_row(run, binding, now),
        found=[_found(item, run.revision, pages, lines) for item in shown],
        hidden=len(run.diagnostics) - len(shown),
        count=findings_of(run),
        nothing=_nothing(run),
        uncompared=[_not_compared(chatbot, run, binding, pages) for chatbot in run.uncompared],
        unknown=_unknown(run),
    )


def _not_compared(
    uncompared: Uncompared, run: Run, binding: SourceBinding | None, pages: WebRepository | None
) -> NotCompared:
    return NotCompared(
        uncompared=uncompared,
        path=chatbot_path(binding.tenant, uncompared.chatbot_id) if binding else None,
        reason_words=reason_words(uncompared.reason),
        link=pages.file(uncompared.path, run.revision) if pages and run.revision else None,
    )


def _unknown(run: Run) -> str | None:
    if run.counts.uncompared <= len(run.uncompared):
        return None
    return f"/?{urlencode({'source': run.source, 'sync': Sync.UNKNOWN})}"


def _nothing(run: Run) -> str:
    if run.status in (RunStatus.QUEUED, RunStatus.RUNNING):
        return "It has not ended."
    if run.status is RunStatus.FAILED:
        return "It failed, and nothing was known to be wrong in the documents."
    if run.counts.errors:
        return "Nothing was found wrong in the documents: what went wrong stands above."
    return "Nothing was found wrong in the documents."


def shown_of(run: Run) -> Sequence[Diagnostic]:
    """The findings that are shown: errors refuse documents, so they come first."""
    return sorted(run.diagnostics, key=lambda diagnostic: diagnostic.severity)[:MAX_FOUND]


async def read_texts(run: Run, binding: SourceBinding | None) -> Texts:
    """The files in which something was found, as far as they can be had soon."""
    paths = list(dict.fromkeys(diagnostic.path for diagnostic in shown_of(run) if diagnostic.path and diagnostic.line))[
        :_MAX_FILES
    ]
    found: dict[str, str] = {}
    if binding is None or run.revision is None:
        return found
    try:
        async with asyncio.timeout(_PATIENCE_S):
            for path in paths:
                text = await binding.port.text(path, run.revision)
                if text is not None:
                    found[path] = text
    except TimeoutError:
        pass
    return found


def _found(
    diagnostic: Diagnostic, revision: str | None, pages: WebRepository | None, lines: Mapping[str, Sequence[str]]
) -> FoundDiagnostic:
    path, line = diagnostic.path, diagnostic.line
    return FoundDiagnostic(
        diagnostic=diagnostic,
        lines=excerpt(lines.get(path, ()), line, diagnostic.column) if path and line else (),
        link=pages.file(path, revision, line) if pages and path and revision else None,
    )


def _pages(binding: SourceBinding | None) -> WebRepository | None:
    return WebRepository.of(binding.forge, binding.url) if binding else None
