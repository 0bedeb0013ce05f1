"""`reconciler plan`: show what an apply of the documents on disk would do, using dry runs only."""

import asyncio
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from reconciler.cli import options, output
from reconciler.cli.fleet_plan import fleet_plan
from reconciler.cli.paths import BadPath, nothing_found, refuse_warnings, repository_of
from reconciler.domain.diagnostics import Severity
from reconciler.domain.document import Snapshot
from reconciler.domain.pass_forecast import CallRate, forecast_pass
from reconciler.engine.concurrency import Progress
from reconciler.engine.local_plan import LocalPlan, plan_locally
from reconciler.render.model import FleetPlan
from reconciler.render.plan_json import fleet_json
from reconciler.render.plan_markdown import fleet_markdown
from reconciler.render.plan_text import plan_text
from reconciler.runtime.bootstrap import local
from reconciler.settings.sections import TenantSettings

LONG_PASS_S: Final = 10.0
"""Dry runs that take as long are announced."""


class PlanFormat(StrEnum):
    """How a plan is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def plan(
    paths: options.Paths = None,
    *,
    chatbot: Annotated[
        list[str] | None, typer.Option("--chatbot", metavar="ID", help="Plan this chatbot only; may be repeated.")
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 when the plan changes anything.")
    ] = False,
    form: Annotated[PlanFormat, typer.Option("--format", help="How to print the plan.")] = PlanFormat.TEXT,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Also save the plan, as JSON, for `reconciler apply`.")
    ] = None,
    strict: options.Strict = False,
    base_url: options.BaseUrl = None,
    api_key_file: options.ApiKeyFile = None,
    tenant: options.Tenant = None,
) -> None:
    """Show what an apply of the documents would do. Nothing is written, and a read key is enough."""
    settings = local.local_settings(base_url=base_url, api_key_file=api_key_file)
    speaker = settings.tenant(tenant)
    snapshot = _snapshot(paths or [])
    if strict:
        refuse_warnings(snapshot)
    _announce(speaker, snapshot, chatbot or [])
    with output.progress_bar("Dry runs") as report:
        made = asyncio.run(_plan(speaker, snapshot, chatbot or [], report))
    fleet = fleet_plan(made, speaker.name, settings.policy)
    if out is not None:
        _save(out, fleet_json(fleet))
    output.show(_printed(fleet, form))
    if not fleet.is_complete:
        output.complain(f"the plan is incomplete: {fleet.shortfall}")
    raise typer.Exit(_exit_code(fleet, detailed=detailed_exitcode))


def _snapshot(paths: list[Path]) -> Snapshot:
    snapshot = local.local_snapshot(repository_of(paths, Path.cwd()), paths)
    if snapshot.nothing:
        raise BadPath(nothing_found(snapshot))
    for found in snapshot.passed_over:
        if found.severity is Severity.WARNING:
            output.warn(found.in_one_sentence)
    return snapshot


def _announce(speaker: TenantSettings, snapshot: Snapshot, chatbots: Collection[str]) -> None:
    """Say beforehand what many dry runs take."""
    calls = sum(not chatbots or document.chatbot_id in chatbots for document in snapshot.documents)
    rate = CallRate(speaker.requests_per_minute, speaker.concurrency, daily=speaker.daily_budget)
    forecast = forecast_pass(calls, rate)
    if forecast.seconds >= LONG_PASS_S:
        output.inform(f"dry runs: {forecast.text}")


async def _plan(speaker: TenantSettings, snapshot: Snapshot, chatbots: list[str], report: Progress) -> LocalPlan:
    async with local.local_target(speaker) as target:
        return await plan_locally(target, snapshot, tenant=speaker.name, chatbots=chatbots, progress=report)


def _printed(fleet: FleetPlan, form: PlanFormat) -> str:
    match form:
        case PlanFormat.TEXT:
            return plan_text(fleet, colour=output.in_colour())
        case PlanFormat.JSON:
            return fleet_json(fleet)
        case PlanFormat.MARKDOWN:
            return fleet_markdown(fleet)


def _exit_code(fleet: FleetPlan, *, detailed: bool) -> int:
    if detailed and fleet.plans:
        return 2
    return 0 if fleet.is_complete else 1


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadPath(f"{path} cannot be written: {error.strerror}") from error
