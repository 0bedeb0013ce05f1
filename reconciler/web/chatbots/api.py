"""The API of chatbots."""

from typing import Annotated

from fastapi import APIRouter, Query

from reconciler.web.auth.dependencies import TheEngine, Viewer
from reconciler.web.auth.visibility import suspensions_of, visible_chatbot
from reconciler.web.chatbots.past_plans import past_plans
from reconciler.web.chatbots.schemas import ChatbotQuery, ChatbotResponse, HistoryQuery
from reconciler.web.http.problems import Code
from reconciler.web.http.responses import API, NOT_MODIFIED, checked, listed, refusals
from reconciler.web.http.schemas import ListResponse, Name, TenantQuery
from reconciler.web.plans.schemas import HistoryResponse

router = APIRouter(prefix=API, tags=["Chatbots"])


@router.get(
    "/chatbots",
    name="chatbot_list",
    summary="Chatbots, in the order that is asked for",
    responses=NOT_MODIFIED | refusals(Code.INVALID_CURSOR, Code.INVALID_REQUEST),
)
async def chatbot_list(
    engine: TheEngine, actor: Viewer, query: Annotated[ChatbotQuery, Query()]
) -> ListResponse[ChatbotResponse]:
    """Those of a token limited to sources are what these sources claim."""
    filters = query.filter(actor.sources)
    part = engine.store.queries.chatbots(
        filters, limit=query.limit, cursor=query.cursor, order=query.order, descending=query.descending
    )
    page = await checked(part)
    suspensions = await suspensions_of(engine, page.items)
    return listed(page, lambda chatbot: ChatbotResponse.of_chatbot(chatbot, suspensions))


@router.get(
    "/chatbots/{chatbot_id}",
    name="chatbot_get",
    summary="One chatbot",
    responses=NOT_MODIFIED | refusals(Code.NOT_FOUND, Code.AMBIGUOUS_CHATBOT, Code.INVALID_REQUEST),
)
async def chatbot_get(
    engine: TheEngine, actor: Viewer, chatbot_id: Name, query: Annotated[TenantQuery, Query()]
) -> ChatbotResponse:
    """An id that two tenants share needs `tenant`."""
    chatbot = await visible_chatbot(engine, actor, chatbot_id, query.tenant)
    return ChatbotResponse.of_chatbot(chatbot, await suspensions_of(engine, [chatbot]))


@router.get(
    "/chatbots/{chatbot_id}/history",
    name="chatbot_history",
    summary="A chatbot's plans, newest first, and what came of each",
    responses=NOT_MODIFIED
    | refusals(Code.NOT_FOUND, Code.AMBIGUOUS_CHATBOT, Code.INVALID_CURSOR, Code.INVALID_REQUEST),
)
async def chatbot_history(
    engine: TheEngine, actor: Viewer, chatbot_id: Name, query: Annotated[HistoryQuery, Query()]
) -> ListResponse[HistoryResponse]:
    """Every plan with its approvals and its apply, which is null where there was none."""
    chatbot = await visible_chatbot(engine, actor, chatbot_id, query.tenant)
    page = await checked(past_plans(engine, actor, chatbot, limit=query.limit, cursor=query.cursor))
    suspensions = await suspensions_of(engine, (past.plan for past in page.items))
    return listed(page, lambda past: HistoryResponse.of_past(past, engine.policy, suspensions))
