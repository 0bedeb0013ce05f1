"""The page of the effective settings, for admins, without secrets."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from reconciler.domain.access import Role
from reconciler.domain.events import ChangeKind
from reconciler.web.auth.dependencies import AdminPage, TheEngine, TheSettings
from reconciler.web.http.web_settings import EffectiveTable
from reconciler.web.ui import templates
from reconciler.web.ui.layout import Layout, layout_for

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """Every setting with its value and where it came from.

    Attributes:
        version: Of the program.
        warnings: What is doubtful in them.
    """

    frame: Layout
    version: str
    tables: Sequence[EffectiveTable]
    warnings: Sequence[str]


@router.get("/settings", name="page_settings")
async def settings_page(actor: AdminPage, engine: TheEngine, settings: TheSettings) -> Response:
    """The settings that are in force; it concerns every source."""
    actor.require(Role.ADMIN)
    page = SettingsPage(
        await layout_for(engine, actor, "settings", (ChangeKind.PLAN,)),
        settings.version,
        settings.effective,
        engine.open_claims(),
    )
    return templates.page("settings/settings.html", page)
