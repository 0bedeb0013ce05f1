"""The API of tenants."""

from fastapi import APIRouter, Depends

from reconciler.engine.reconcile.shortcut import turn_shortcut_on
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.dependencies import Admin, TheEngine
from reconciler.web.fleet.fleet_status import shown_tenant
from reconciler.web.fleet.schemas import TenantResponse
from reconciler.web.http.problems import Code
from reconciler.web.http.responses import API, refusals
from reconciler.web.http.schemas import Name
from reconciler.web.tenants.schemas import ShortcutRequest

router = APIRouter(prefix=API, tags=["Fleet"])


@router.post(
    "/tenants/{name}/shortcut",
    name="tenant_shortcut_on",
    dependencies=[Depends(Audited("tenant.shortcut_on", "tenant/{name}"))],
    summary="Trust the updatedAt of a tenant's chatbots again",
    responses=refusals(
        Code.FORBIDDEN, Code.NOT_FOUND, Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE
    ),
)
async def tenant_shortcut_on(engine: TheEngine, actor: Admin, name: Name, body: ShortcutRequest) -> TenantResponse:
    """From then on chatbots whose `updatedAt` stands are left to the rotation, where they are not already."""
    record = await turn_shortcut_on(engine, actor, name, body.reason)
    return TenantResponse.of_tenant(await shown_tenant(engine, actor.sources, record))
