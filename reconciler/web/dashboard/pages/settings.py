"""The settings as the service has them, for admins. It never holds a secret: what arrives here has none in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from reconciler.domain.records import Role
from reconciler.ports import ChangeKind
from reconciler.web import templates
from reconciler.web.api.common import TheEngine, TheSettings
from reconciler.web.dashboard.common import Administering
from reconciler.web.dashboard.frame import Frame, frame_for
from reconciler.web.settings import EffectiveTable

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """Every setting with its value and where it came from.

    Attributes:
        version: Of the program.
        warnings: What is doubtful in them.
    """

    frame: Frame
    version: str
    tables: Sequence[EffectiveTable]
    warnings: Sequence[str]


@router.get("/settings", name="page_settings")
async def settings_page(actor: Administering, engine: TheEngine, settings: TheSettings) -> Response:
    """What the service was told; it concerns every source."""
    actor.require(Role.ADMIN)
    shown = SettingsPage(
        await frame_for(engine, actor, "settings", (ChangeKind.PLAN,)),
        settings.version,
        settings.effective,
        engine.open_claims(),
    )
    return templates.page("settings.html", shown)
