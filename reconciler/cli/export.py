"""`reconciler export`: write live chatbots as a folder of documents."""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from reconciler.cli import options, output
from reconciler.cli.files import CannotWrite, WrittenFiles, write_files
from reconciler.cli.paths import BadPath, repository_of
from reconciler.cli.schema import schema_text
from reconciler.domain.document import Snapshot
from reconciler.domain.export_losses import losses, second_documents
from reconciler.domain.layout import DOCUMENTS, ChatbotFiles, Exported, Unwritable, lay_out, slugs
from reconciler.domain.sentences import first_few
from reconciler.engine.concurrency import Progress
from reconciler.engine.export import ExportFailure, FleetExport, export_fleet
from reconciler.render.model import MAX_ALIKE
from reconciler.render.yaml_text import document_text
from reconciler.runtime.bootstrap import local
from reconciler.settings.sections import TenantSettings

SCHEMA_FILE = "chatbot-config.schema"
"""Not ``.json``: in a folder of documents that would be one."""

_EVERYTHING: Final = frozenset({"all", "*"})
"""What people give in the place of an id when they mean ``--all``."""


def export(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="The chatbots to export.")] = None,
    *,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write, usually a repository.")],
    everything: Annotated[bool, typer.Option("--all", help="Export every chatbot that the key may see.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that hold something else.")] = False,
    discard: Annotated[
        bool,
        typer.Option("--discard", help="With --force, drop also what no export states, such as labels and comments."),
    ] = False,
    base_url: options.BaseUrl = None,
    api_key_file: options.ApiKeyFile = None,
    tenant: options.Tenant = None,
) -> None:
    """Write live chatbots as documents, long texts as files of their own. Nothing is written at WizChat."""
    if bool(ids) == everything:
        raise typer.BadParameter("name the chatbots to export, or give --all")
    speaker = local.local_tenant(tenant, base_url=base_url, api_key_file=api_key_file)
    with output.progress_bar("Exports") as report:
        fleet = asyncio.run(_export(speaker, ids or None, report))
    if not fleet.chatbots:
        raise BadPath(f"there is no chatbot at {speaker.base_url} that the key may see: create one, or use another key")
    chatbot_files, unwritable = _chatbot_files(fleet)
    files = _files(chatbot_files)
    _refuse_damage(chatbot_files, files, to, discard=discard)
    written = write_files(to, files, force=force or discard)
    if chatbot_files:
        output.show(_summary(chatbot_files, to, written))
    _warn_of_omitted(fleet.exported)
    problems = _problems(fleet.failures) + unwritable
    for problem in problems:
        output.complain(problem)
    if problems:
        raise typer.Exit(1)


async def _export(speaker: TenantSettings, ids: list[str] | None, report: Progress) -> FleetExport:
    async with local.local_target(speaker) as target:
        return await export_fleet(target, ids, progress=report)


def _chatbot_files(fleet: FleetExport) -> tuple[list[ChatbotFiles], list[str]]:
    # the whole fleet's names, so that a file is called the same whichever chatbots are exported with it
    names = slugs((chatbot.id, chatbot.name) for chatbot in fleet.chatbots)
    done: list[ChatbotFiles] = []
    problems: list[str] = []
    for one in fleet.exported:
        try:
            done.append(lay_out(one, names[one.chatbot_id]))
        except Unwritable as error:
            problems.append(f"chatbot {one.chatbot_id}: {error}")
    return done, problems


def _files(chatbot_files: Sequence[ChatbotFiles]) -> dict[str, str]:
    files = {SCHEMA_FILE: schema_text()} if chatbot_files else {}
    for files_of_one in chatbot_files:
        files[files_of_one.path] = document_text(files_of_one.document, schema=f"../{SCHEMA_FILE}")
        files |= files_of_one.texts
    return files


def _refuse_damage(chatbot_files: Sequence[ChatbotFiles], files: Mapping[str, str], to: Path, *, discard: bool) -> None:
    """Refuse to write a second document for a chatbot, or over what no export states.

    Raises:
        CannotWrite: Nothing was written.
    """
    root = repository_of([to], Path.cwd())
    folders = [to] if to.is_dir() else []
    if not folders and not (root / DOCUMENTS).is_dir():
        return
    folder = to.resolve().relative_to(root).as_posix()
    snapshot = local.local_snapshot(root, folders, with_default=True)
    if second := list(second_documents(chatbot_files, snapshot, folder)):
        raise CannotWrite("; ".join(second))
    if not discard and (refusals := list(_lost(chatbot_files, files, snapshot, to, folder))):
        raise CannotWrite(f"{'; '.join(refusals)}: edit by hand what differs, or give --force --discard")


def _lost(
    chatbot_files: Sequence[ChatbotFiles], files: Mapping[str, str], snapshot: Snapshot, to: Path, folder: str
) -> Iterator[str]:
    for exported in chatbot_files:
        old = _text_of(to / exported.path)
        if old is not None and old != files[exported.path]:
            lost = losses(exported, snapshot, folder, old=old, new=files[exported.path])
            if lost:
                yield f"{to / exported.path} would lose {', '.join(lost)}"


def _text_of(path: Path) -> str | None:
    """The text of a file; None where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _summary(chatbot_files: Sequence[ChatbotFiles], to: Path, written: WrittenFiles) -> str:
    texts = sum(len(one.texts) for one in chatbot_files)
    return (
        f"Exported {_counted(len(chatbot_files))} to {to}: {len(chatbot_files)} documents, {texts} texts "
        f"({written.changed} files written, {written.unchanged} unchanged).\n"
        f"Next: reconciler plan {to}\n"
    )


def _problems(failures: Sequence[ExportFailure]) -> list[str]:
    """One line for each kind of failure, with the chatbots that it concerns: an outage is reported once."""
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for failure in failures:
        hint = "; to export every chatbot, give --all" if failure.chatbot_id.lower() in _EVERYTHING else ""
        alike[f"{failure.error}{hint}"].append(failure.chatbot_id)
    return [_problem(ids, message) for message, ids in alike.items()]


def _problem(ids: Sequence[str], message: str) -> str:
    if len(ids) == 1:
        is_named = re.search(rf"\bchatbot '?{re.escape(ids[0])}(?!\w)", message)
        return message if is_named else f"chatbot {ids[0]}: {message}"
    return f"chatbots {first_few(ids[:MAX_ALIKE], len(ids))}: {message}"


def _warn_of_omitted(exported: Sequence[Exported]) -> None:
    left_out = Counter(section for chatbot in exported for section in chatbot.omitted)
    for section, count in sorted(left_out.items()):
        output.warn(f"spec.{section} was left out of {_counted(count)}: the API key may not read it")


def _counted(chatbots: int) -> str:
    return "1 chatbot" if chatbots == 1 else f"{chatbots} chatbots"
