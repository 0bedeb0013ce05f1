"""`reconciler export`: live chatbots as a folder of documents."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options, output
from reconciler.cli.files import Written, write_files
from reconciler.cli.paths import BadPath
from reconciler.cli.schema import schema_text
from reconciler.domain.layout import Exported, LaidOut, Unwritable, lay_out, slugs
from reconciler.engine.each import Progress
from reconciler.engine.export import FleetExport, export_fleet
from reconciler.render.yaml import document_text
from reconciler.runtime.bootstrap import local
from reconciler.runtime.settings import TenantSettings

SCHEMA_FILE = "chatbot-config.schema"
"""Not ``.json``: in a folder of documents that would be one."""


def export(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="The chatbots to export.")] = None,
    *,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write, usually a repository.")],
    everything: Annotated[bool, typer.Option("--all", help="Export every chatbot that the key may see.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that hold something else.")] = False,
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
    laid_out, unwritable = _laid_out(fleet)
    written = write_files(to, _files(laid_out), force=force)
    output.show(_summary(laid_out, to, written))
    _warn_of_omitted(fleet.exported)
    problems = [f"chatbot {failure.chatbot_id}: {failure.error}" for failure in fleet.failures] + unwritable
    for problem in problems:
        output.complain(problem)
    if problems:
        raise typer.Exit(1)


async def _export(speaker: TenantSettings, ids: list[str] | None, report: Progress) -> FleetExport:
    async with local.local_target(speaker) as target:
        return await export_fleet(target, ids, progress=report)


def _laid_out(fleet: FleetExport) -> tuple[list[LaidOut], list[str]]:
    # the whole fleet's names, so that a file is called the same whichever chatbots are exported with it
    names = slugs((chatbot.id, chatbot.name) for chatbot in fleet.chatbots)
    done: list[LaidOut] = []
    problems: list[str] = []
    for one in fleet.exported:
        try:
            done.append(lay_out(one, names[one.chatbot_id]))
        except Unwritable as error:
            problems.append(f"chatbot {one.chatbot_id}: {error}")
    return done, problems


def _files(laid_out: Sequence[LaidOut]) -> dict[str, str]:
    files = {SCHEMA_FILE: schema_text()} if laid_out else {}
    for one in laid_out:
        files[one.path] = document_text(one.document, schema=f"../{SCHEMA_FILE}")
        files |= one.texts
    return files


def _summary(laid_out: Sequence[LaidOut], to: Path, written: Written) -> str:
    texts = sum(len(one.texts) for one in laid_out)
    return (
        f"Exported {_counted(len(laid_out))} to {to}: {len(laid_out)} documents, {texts} texts "
        f"({written.changed} files written, {written.unchanged} unchanged).\n"
        f"Next: reconciler plan {to}\n"
    )


def _warn_of_omitted(exported: Sequence[Exported]) -> None:
    left_out = Counter(section for one in exported for section in one.omitted)
    for section, count in sorted(left_out.items()):
        output.warn(f"spec.{section} was left out of {_counted(count)}: the API key may not read it")


def _counted(chatbots: int) -> str:
    return "1 chatbot" if chatbots == 1 else f"{chatbots} chatbots"
