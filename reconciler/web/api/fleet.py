"""The fleet at a glance, its chatbots, and the log of decisions."""

from typing import Annotated

from fastapi import APIRouter, Query

from reconciler.domain.records import Chatbot, Role
from reconciler.engine.context import Actor, Engine
from reconciler.errors import NotFound
from reconciler.ports import AuditFilter, PlanFilter
from reconciler.web import views
from reconciler.web.api.common import API, NOT_MODIFIED, TheEngine, TheSettings, Viewer, listed, refusals
from reconciler.web.asks import AuditQuery, ChatbotQuery, HistoryQuery, Name, TenantQuery
from reconciler.web.overview import overview
from reconciler.web.problems import Code, Problem
from reconciler.web.shapes import AuditShape, ChatbotShape, HistoryShape, ListShape, StatusShape

router = APIRouter(prefix=API)


@router.get(
    "/status",
    name="status",
    tags=["Fleet"],
    summary="The fleet at a glance",
    responses=NOT_MODIFIED | refusals(),
)
async def status(engine: TheEngine, settings: TheSettings, actor: Viewer) -> StatusShape:
    """Counts by sync, direction and reason, open plans, the last run of each source, and the API budget."""
    return views.status(await overview(engine, actor.sources), settings.version)


@router.get(
    "/chatbots",
    name="chatbot_list",
    tags=["Chatbots"],
    summary="Chatbots, by tenant and id",
    responses=NOT_MODIFIED | refusals(Code.INVALID_CURSOR, Code.INVALID_REQUEST),
)
async def chatbot_list(
    engine: TheEngine, actor: Viewer, query: Annotated[ChatbotQuery, Query()]
) -> ListShape[ChatbotShape]:
    """Those of a token limited to sources are what these sources claim."""
    wanted = query.filter(actor.sources)
    return await listed(engine.store.queries.chatbots(wanted, limit=query.limit, cursor=query.cursor), views.chatbot)


@router.get(
    "/chatbots/{chatbot_id}",
    name="chatbot_get",
    tags=["Chatbots"],
    summary="One chatbot",
    responses=NOT_MODIFIED | refusals(Code.NOT_FOUND, Code.AMBIGUOUS_CHATBOT, Code.INVALID_REQUEST),
)
async def chatbot_get(
    engine: TheEngine, actor: Viewer, chatbot_id: Name, query: Annotated[TenantQuery, Query()]
) -> ChatbotShape:
    """An id that two tenants share needs `tenant`."""
    return views.chatbot(await _the_chatbot(engine, actor, chatbot_id, query.tenant))


@router.get(
    "/chatbots/{chatbot_id}/history",
    name="chatbot_history",
    tags=["Chatbots"],
    summary="A chatbot's plans, newest first, and what came of each",
    responses=NOT_MODIFIED
    | refusals(Code.NOT_FOUND, Code.AMBIGUOUS_CHATBOT, Code.INVALID_CURSOR, Code.INVALID_REQUEST),
)
async def chatbot_history(
    engine: TheEngine, actor: Viewer, chatbot_id: Name, query: Annotated[HistoryQuery, Query()]
) -> ListShape[HistoryShape]:
    """Every plan with its approvals and its apply, which is null where there was none."""
    chatbot = await _the_chatbot(engine, actor, chatbot_id, query.tenant)
    queries = engine.store.queries
    wanted = PlanFilter(chatbot=chatbot.id, tenant=chatbot.tenant, visible=actor.sources)
    part = await listed(queries.plans(wanted, limit=query.limit, cursor=query.cursor), lambda plan: plan)
    ids = [plan.id for plan in part.items]
    approvals, applies = await queries.approvals_of(ids), await queries.applies_of(ids)
    items = [
        views.history(plan, approvals.get(plan.id, ()), applies.get(plan.id), engine.policy) for plan in part.items
    ]
    return ListShape(items=items, next_cursor=part.next_cursor)


@router.get(
    "/audit",
    name="audit_list",
    tags=["Audit"],
    summary="Decisions, newest first",
    responses=NOT_MODIFIED | refusals(Code.FORBIDDEN, Code.INVALID_CURSOR, Code.INVALID_REQUEST),
)
async def audit_list(engine: TheEngine, actor: Viewer, query: Annotated[AuditQuery, Query()]) -> ListShape[AuditShape]:
    """The log concerns every source: a token limited to some of them is refused."""
    actor.require(Role.VIEWER)
    wanted = AuditFilter(subject=query.subject, actor=query.actor, action=query.action, after=query.after)
    part = engine.store.queries.audit(wanted, limit=query.limit, cursor=query.cursor)
    return await listed(part, views.audit_entry)


async def _the_chatbot(engine: Engine, actor: Actor, chatbot_id: str, tenant: str | None) -> Chatbot:
    known = await engine.store.queries.chatbots_with_id(chatbot_id)
    found = [each for each in known if actor.sees(each.source) and tenant in (None, each.tenant)]
    match found:
        case []:
            raise NotFound(f"there is no chatbot {chatbot_id!r}")
        case [chatbot]:
            return chatbot
        case _:
            tenants = sorted(each.tenant for each in found)
            detail = f"say which with ?tenant=: {', '.join(tenants)}"
            raise Problem(Code.AMBIGUOUS_CHATBOT, detail, tenants=tenants)
