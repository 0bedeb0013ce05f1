"""The form that trusts the `updatedAt` of a tenant's chatbots again."""

from dataclasses import dataclass, replace

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from reconciler.engine.reconcile.shortcut import turn_shortcut_on
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.dependencies import AdminPage, TheEngine
from reconciler.web.http.schemas import Name
from reconciler.web.tenants.box import ShortcutBox, empty_shortcut_box
from reconciler.web.tenants.schemas import ShortcutRequest
from reconciler.web.ui import templates
from reconciler.web.ui.forms import FormAction, fields_named, parse_form, read_form
from reconciler.web.ui.layout import Layout, layout_for

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ShortcutPage:
    """A form that was refused, with what was typed into it."""

    frame: Layout
    box: ShortcutBox


@router.post(
    "/tenants/{name}/shortcut",
    name="page_tenant_shortcut_on",
    dependencies=[Depends(Audited("tenant.shortcut_on", "tenant/{name}"))],
)
async def shortcut_on(actor: AdminPage, engine: TheEngine, name: Name, request: Request) -> Response:
    """Leave chatbots whose `updatedAt` did not move to the rotation again."""
    form = await read_form(request)
    async with FormAction(engine, request) as action:
        body = parse_form(request, ShortcutRequest, fields_named(form, "reason"))
        await turn_shortcut_on(engine, actor, name, body.reason)
        return RedirectResponse("/sources", 303)
    refused = replace(empty_shortcut_box(actor, name), problem=str(action.refusal), reason=form.get("reason", ""))
    page = ShortcutPage(await layout_for(engine, actor, "sources", ()), refused)
    return templates.page("tenants/shortcut.html", page, action.refusal.status)
