"""The API that forgets sources, tenants and chatbots that are gone, for admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from reconciler.domain.access import Role
from reconciler.engine.forget import forget_chatbot, forget_source, forget_tenant
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.dependencies import Admin, TheEngine
from reconciler.web.auth.visibility import visible_chatbot
from reconciler.web.forget.schemas import ForgetRequest, ForgottenResponse
from reconciler.web.http.problems import Code
from reconciler.web.http.responses import API, refusals
from reconciler.web.http.schemas import Name, TenantQuery

router = APIRouter(prefix=API)

_COMMON = (
    Code.FORBIDDEN, Code.NOT_FOUND, Code.APPLY_IN_PROGRESS, Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST,
    Code.BODY_TOO_LARGE,
)  # fmt: skip


@router.post(
    "/sources/{name}/forget",
    name="source_forget",
    dependencies=[Depends(Audited("source.forget", "source/{name}"))],
    tags=["Sources"],
    summary="Forget a source that is no longer configured",
    responses=refusals(*_COMMON, Code.STILL_CONFIGURED),
)
async def source_forget(engine: TheEngine, actor: Admin, name: Name, body: ForgetRequest) -> ForgottenResponse:
    """Its documents, suspensions and open plans end. Its chatbots become unmanaged; nothing is done at WizChat."""
    return ForgottenResponse.model_validate(await forget_source(engine, actor, name, body.reason))


@router.post(
    "/tenants/{name}/forget",
    name="tenant_forget",
    dependencies=[Depends(Audited("tenant.forget", "tenant/{name}"))],
    tags=["Fleet"],
    summary="Forget a tenant that is no longer configured",
    responses=refusals(*_COMMON, Code.STILL_CONFIGURED),
)
async def tenant_forget(engine: TheEngine, actor: Admin, name: Name, body: ForgetRequest) -> ForgottenResponse:
    """Its chatbots, and sources that are no longer configured either, go; nothing is done at WizChat."""
    return ForgottenResponse.model_validate(await forget_tenant(engine, actor, name, body.reason))


@router.post(
    "/chatbots/{chatbot_id}/forget",
    name="chatbot_forget",
    dependencies=[Depends(Audited("chatbot.forget", "chatbot/{chatbot_id}"))],
    tags=["Chatbots"],
    summary="Forget a chatbot that no document states and WizChat does not have",
    responses=refusals(*_COMMON, Code.STILL_CLAIMED, Code.CHATBOT_EXISTS, Code.AMBIGUOUS_CHATBOT, Code.CONFLICT),
)
async def chatbot_forget(
    engine: TheEngine, actor: Admin, chatbot_id: Name, query: Annotated[TenantQuery, Query()], body: ForgetRequest
) -> ForgottenResponse:
    """An id that two tenants share needs `tenant`. WizChat is asked whether it has the chatbot."""
    actor.require(Role.ADMIN)  # before it is looked for: only people who may forget it may learn whether it exists
    chatbot = await visible_chatbot(engine, actor, chatbot_id, query.tenant)
    return ForgottenResponse.model_validate(
        await forget_chatbot(engine, actor, chatbot.tenant, chatbot.id, body.reason)
    )
