"""The audit log, for whoever may see all sources."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from reconciler.domain.records import Role
from reconciler.ports import AuditFilter, ChangeKind
from reconciler.web import templates
from reconciler.web.api.common import TheEngine
from reconciler.web.asks import Cursor, Subject, Word
from reconciler.web.dashboard.common import Visitor
from reconciler.web.dashboard.forms import FormQuery
from reconciler.web.dashboard.frame import frame_for
from reconciler.web.dashboard.pages.audit_page import Wanted, audit_page

_SHOWN = 50

router = APIRouter(include_in_schema=False)


class AuditPageQuery(FormQuery):
    """Which decisions; everything given must hold."""

    subject: Subject | None = None
    actor: Word | None = None
    action: Word | None = None
    cursor: Cursor | None = None


@router.get("/audit", name="page_audit_list")
async def audit(actor: Visitor, engine: TheEngine, query: Annotated[AuditPageQuery, Query()]) -> Response:
    """Decisions, newest first. The log concerns every source."""
    actor.require(Role.VIEWER)
    filters = AuditFilter(subject=query.subject, actor=query.actor, action=query.action)
    try:
        part = await engine.store.queries.audit(filters, limit=_SHOWN, cursor=query.cursor)
    except ValueError:
        return RedirectResponse("/audit", 303)
    wanted = Wanted(query.subject or "", query.actor or "", query.action or "")
    frame = await frame_for(engine, actor, "audit", tuple(ChangeKind))
    return templates.page("audit.html", audit_page(frame, part, wanted, query.cursor))
