"""The audit log, for whoever may see all sources."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from reconciler.domain.entities import Role
from reconciler.domain.events import ChangeKind
from reconciler.domain.listing import AuditFilter
from reconciler.web.audit.page_view import AuditFilterForm, audit_page
from reconciler.web.auth.dependencies import TheEngine, ViewerPage
from reconciler.web.http.schemas import Cursor, Subject, Word
from reconciler.web.ui import templates
from reconciler.web.ui.forms import FormQuery
from reconciler.web.ui.layout import layout_for

_SHOWN = 50

router = APIRouter(include_in_schema=False)


class AuditPageQuery(FormQuery):
    """Which decisions; everything given must hold."""

    subject: Subject | None = None
    actor: Word | None = None
    action: Word | None = None
    cursor: Cursor | None = None


@router.get("/audit", name="page_audit_list")
async def audit(actor: ViewerPage, engine: TheEngine, query: Annotated[AuditPageQuery, Query()]) -> Response:
    """Decisions, newest first. The log concerns every source."""
    actor.require(Role.VIEWER)
    filters = AuditFilter(subject=query.subject, actor=query.actor, action=query.action)
    try:
        part = await engine.store.queries.audit(filters, limit=_SHOWN, cursor=query.cursor)
    except ValueError:
        return RedirectResponse("/audit", 303)
    wanted = AuditFilterForm(query.subject or "", query.actor or "", query.action or "")
    frame = await layout_for(engine, actor, "audit", tuple(ChangeKind))
    return templates.page("audit/audit.html", audit_page(frame, part, wanted, query.cursor))
