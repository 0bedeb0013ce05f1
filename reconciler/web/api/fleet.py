"""The fleet at a glance, its chatbots, and the log of decisions."""

from typing import Annotated

from fastapi import APIRouter, Query

from reconciler.domain.records import Role
from reconciler.ports import AuditFilter
from reconciler.web import views
from reconciler.web.api.common import API, NOT_MODIFIED, TheEngine, TheSettings, Viewer, checked, listed, refusals
from reconciler.web.asks import AuditQuery, ChatbotQuery, HistoryQuery, Name, TenantQuery
from reconciler.web.histories import past_plans, suspensions_of, visible_chatbot
from reconciler.web.overview import overview
from reconciler.web.problems import Code
from reconciler.web.shapes import AuditShape, ChatbotShape, HistoryShape, ListShape, StatusShape
from reconciler.web.source_conditions import telling_runs

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
    seen = await overview(engine, actor.sources)
    told = await telling_runs(engine, seen.sources, seen.runs, actor.sees)
    return views.status(seen, told, settings.version)


@router.get(
    "/chatbots",
    name="chatbot_list",
    tags=["Chatbots"],
    summary="Chatbots, in the order that is asked for",
    responses=NOT_MODIFIED | refusals(Code.INVALID_CURSOR, Code.INVALID_REQUEST),
)
async def chatbot_list(
    engine: TheEngine, actor: Viewer, query: Annotated[ChatbotQuery, Query()]
) -> ListShape[ChatbotShape]:
    """Those of a token limited to sources are what these sources claim."""
    wanted = query.filter(actor.sources)
    part = engine.store.queries.chatbots(
        wanted, limit=query.limit, cursor=query.cursor, order=query.order, descending=query.descending
    )
    found = await checked(part)
    stops = await suspensions_of(engine, found.items)
    return listed(found, lambda chatbot: views.chatbot(chatbot, stops))


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
    chatbot = await visible_chatbot(engine, actor, chatbot_id, query.tenant)
    return views.chatbot(chatbot, await suspensions_of(engine, [chatbot]))


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
    chatbot = await visible_chatbot(engine, actor, chatbot_id, query.tenant)
    found = await checked(past_plans(engine, actor, chatbot, limit=query.limit, cursor=query.cursor))
    stops = await suspensions_of(engine, (past.plan for past in found.items))
    return listed(found, lambda past: views.history(past, engine.policy, stops))


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
    return listed(await checked(part), views.audit_entry)
