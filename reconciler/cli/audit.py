"""`reconciler audit`: verify the audit log, and export it."""

import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated

import typer

from reconciler.cli import output
from reconciler.cli.files import private_file
from reconciler.cli.paths import BadPath
from reconciler.domain.audit import AuditEntry
from reconciler.domain.audit_lines import HEAD_EVENT, AuditEvidence, AuditHead, entry_line, evidence_in
from reconciler.domain.audit_verify import AuditReport, verify_lines
from reconciler.errors import SettingsError
from reconciler.render.audit_report import report_json, report_text
from reconciler.settings.input import load_settings

STDIN = Path("-")

app = typer.Typer(no_args_is_help=True)


class ReportFormat(StrEnum):
    """How to print what was found."""

    TEXT = "text"
    JSON = "json"


@app.command()
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option(metavar="SEQ:HASH", help="A head that was kept elsewhere; may be given again."),
    ] = None,
    heads: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Lines of a log in which heads were exported; - for stdin."),
    ] = None,
    archive: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Files of the archive that were moved elsewhere, or their folder."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Verify this export instead of the database; - for stdin."),
    ] = None,
    form: Annotated[ReportFormat, typer.Option("--format", help="How to print what was found.")] = ReportFormat.TEXT,
) -> None:
    """Find every edit, deletion, insertion and reordering, and with heads also a cut or rewritten log."""
    if STDIN == heads == file:
        raise typer.BadParameter("only one of --heads and --file can be -")
    if file is not None and archive:
        raise typer.BadParameter("--archive belongs to the database: give --file each file of the archive by itself")
    evidence = _evidence(head or [], heads)
    archives = _archives(archive or [])
    report = asyncio.run(_verify(evidence, archives)) if file is None else _verify_file(file, evidence.heads)
    output.show(report_text(report) if form is ReportFormat.TEXT else report_json(report))
    if not report.intact:
        output.complain("the audit log is not intact")
        raise typer.Exit(1)


@app.command()
def export(
    after: Annotated[int | None, typer.Option(metavar="SEQ", help="Only what comes after this entry.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only from the first entry at or after this time on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only up to the first entry after this time.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to, readable for its owner only. Default: stdout.")
    ] = None,
) -> None:
    """Print the log as lines of JSON, oldest first, each with its hashes."""
    part = LogPart(after, _moment("--since", since), _moment("--until", until))
    if out is None:
        written = asyncio.run(_export(part, sys.stdout))
    else:
        with private_file(out) as file:
            written = asyncio.run(_export(part, file))
        sys.stderr.write(f"{written.entries} entries exported to {out}\n")
    if written.unreadable:
        output.complain(f"entry {written.unreadable[0]} cannot be read and is left out: run reconciler audit verify")
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class LogPart:
    """Which entries to export."""

    after: int | None
    since: datetime | None
    until: datetime | None


@dataclass(slots=True)
class ExportResult:
    """What was exported."""

    entries: int = 0
    unreadable: list[int] = field(default_factory=list)


async def _verify(evidence: AuditEvidence, archives: tuple[Path, ...]) -> AuditReport:
    from reconciler.engine.audit.verification import verify_log  # noqa: PLC0415  loads the database, which other commands do without
    from reconciler.runtime.bootstrap.audit import open_audit  # noqa: PLC0415  loads the database, which other commands do without

    settings = load_settings()
    async with open_audit(settings, archives) as (store, folder):
        for_ever = settings.audit.retention is None
        return await verify_log(store, folder, evidence.heads, prunes=evidence.prunes, for_ever=for_ever)


def _verify_file(file: Path, heads: frozenset[AuditHead]) -> AuditReport:
    with _lines(file) as lines:
        return verify_lines(lines, heads)


async def _export(part: LogPart, stream: IO[str]) -> ExportResult:
    from reconciler.engine.audit.verification import entries_between  # noqa: PLC0415  loads the database, which other commands do without
    from reconciler.runtime.bootstrap.audit import open_audit  # noqa: PLC0415  loads the database, which other commands do without

    written = ExportResult()
    async with open_audit(load_settings()) as (store, _):
        async for row in entries_between(store, after=part.after, since=part.since, until=part.until):
            if isinstance(row, AuditEntry):
                stream.write(f"{entry_line(row)}\n")
                written.entries += 1
            else:
                written.unreadable.append(row.seq)
    return written


def _evidence(heads: Sequence[str], file: Path | None) -> AuditEvidence:
    try:
        parsed = {AuditHead.parse(text) for text in heads}
    except ValueError as error:
        raise SettingsError(f"--head: {error}") from error
    if file is None:
        return AuditEvidence(frozenset(parsed))
    with _lines(file) as lines:
        found = evidence_in(lines)
    if not found.heads and not found.prunes:
        raise SettingsError(f"--heads: there is no head in {file}: give a log with lines that say {HEAD_EVENT!r}")
    return AuditEvidence(found.heads | parsed, found.prunes)


def _archives(paths: Sequence[Path]) -> tuple[Path, ...]:
    for path in paths:
        try:
            files = [path] if path.is_file() else list(path.glob("*.jsonl"))
            for file in files:
                file.open("rb").close()
        except OSError as error:
            raise BadPath(f"{path} cannot be read: {error.strerror}") from error
        if not files:
            raise BadPath(f"--archive: there is no file of an archive in {path}, whose name ends with .jsonl")
    return tuple(paths)


@contextmanager
def _lines(file: Path) -> Iterator[Iterable[str]]:
    """The lines of a file or of stdin; what is no UTF-8 in it is not what was written."""
    if file == STDIN:
        yield (line.decode(errors="replace") for line in sys.stdin.buffer)
        return
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            yield lines
    except OSError as error:
        raise BadPath(f"{file} cannot be read: {error.strerror}") from error


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"{option}: {text!r} is not a time: write it like 2026-03-01T12:00:00Z") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
