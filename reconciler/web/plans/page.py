"""The page of one plan, and what is decided on it."""

import re
from dataclasses import replace
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from reconciler.engine.context import Actor, Engine
from reconciler.errors import NotFound
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.dependencies import ApproverPage, TheEngine, TheSettings
from reconciler.web.auth.visibility import visible_plan
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.schemas import Name
from reconciler.web.http.web_settings import WebSettings
from reconciler.web.plans import actions
from reconciler.web.plans.decision_box import TypedDecision
from reconciler.web.plans.ops_view import OpsForm
from reconciler.web.plans.page_view import Shown, plan_page, read_plan
from reconciler.web.plans.schemas import ApplyRequest, ApproveRequest, RejectRequest, WithdrawRequest
from reconciler.web.plans.share_page import Reader, frame_around, link_of, readable_plan
from reconciler.web.ui import templates
from reconciler.web.ui.forms import Form, FormAction, FormRefusal, fields_named, parse_form, read_form, require_button
from reconciler.web.ui.paths import plan_path

router = APIRouter(include_in_schema=False)

_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


@router.get("/plans/{plan_id}", name="page_plan")
async def plan(reader: Reader, engine: TheEngine, settings: TheSettings, plan_id: Name, request: Request) -> Response:
    """One plan: what is lost first, then every op, then how to decide."""
    wanted = await readable_plan(engine, reader, plan_id)
    known = await read_plan(engine, reader if isinstance(reader, Actor) else None, wanted)
    frame = await frame_around(engine, reader)
    shown = replace(_looked_at(request), shared=link_of(reader))
    return await templates.long_page(
        request, "plans/plan.html", lambda effort: plan_page(frame, known, shown, settings.public_url, effort)
    )


def _looked_at(request: Request) -> Shown:
    """How the page is looked at; what its address says besides is no reason to show none."""
    asked_for = request.query_params
    view = OpsForm.UNIFIED if asked_for.get("view") == OpsForm.UNIFIED else OpsForm.SIDES
    begin = asked_for.get("from", "")
    return Shown(view=view, whole="all" in asked_for, begin=int(begin) if _NUMBER.fullmatch(begin) else 0)


@router.post(
    "/plans/{plan_id}/approve",
    name="page_plan_approve",
    dependencies=[Depends(Audited("plan.approve", "plan/{plan_id}", fingerprint=True))],
)
async def approve(
    actor: ApproverPage, engine: TheEngine, settings: TheSettings, plan_id: Name, request: Request
) -> Response:
    """Say yes to exactly what was seen, and have it applied if that is asked for."""
    form = await read_form(request)
    async with FormAction(engine, request, beyond=(NotFound,)) as action:
        require_button(form)
        await actions.approve(engine, actor, plan_id, _approval(request, form))
        return RedirectResponse(plan_path(plan_id), 303)
    return await _refused(request, engine, actor, settings, plan_id, form, action.refusal)


@router.post(
    "/plans/{plan_id}/reject",
    name="page_plan_reject",
    dependencies=[Depends(Audited("plan.reject", "plan/{plan_id}", fingerprint=True))],
)
async def reject(
    actor: ApproverPage, engine: TheEngine, settings: TheSettings, plan_id: Name, request: Request
) -> Response:
    """Reject the plan."""
    form = await read_form(request)
    async with FormAction(engine, request, beyond=(NotFound,)) as action:
        require_button(form)
        await actions.reject(
            engine, actor, plan_id, parse_form(request, RejectRequest, fields_named(form, "fingerprint", "comment"))
        )
        return RedirectResponse(plan_path(plan_id), 303)
    return await _refused(request, engine, actor, settings, plan_id, form, action.refusal)


@router.post(
    "/plans/{plan_id}/apply",
    name="page_plan_apply",
    dependencies=[Depends(Audited("plan.apply", "plan/{plan_id}", fingerprint=True))],
)
async def apply(
    actor: ApproverPage, engine: TheEngine, settings: TheSettings, plan_id: Name, request: Request
) -> Response:
    """Execute an approved plan."""
    form = await read_form(request)
    async with FormAction(engine, request, beyond=(NotFound,)) as action:
        require_button(form)
        await actions.apply(
            engine, actor, plan_id, parse_form(request, ApplyRequest, fields_named(form, "fingerprint"))
        )
        return RedirectResponse(plan_path(plan_id), 303)
    return await _refused(request, engine, actor, settings, plan_id, form, action.refusal)


@router.post(
    "/plans/{plan_id}/withdraw",
    name="page_plan_withdraw",
    dependencies=[Depends(Audited("plan.withdraw", "plan/{plan_id}", fingerprint=True))],
)
async def withdraw(
    actor: ApproverPage, engine: TheEngine, settings: TheSettings, plan_id: Name, request: Request
) -> Response:
    """Take a rejection back."""
    form = await read_form(request)
    async with FormAction(engine, request, beyond=(NotFound,)) as action:
        require_button(form)
        body = parse_form(request, WithdrawRequest, fields_named(form, "fingerprint", "comment"))
        await actions.withdraw(engine, actor, plan_id, body)
        return RedirectResponse(plan_path(plan_id), 303)
    return await _refused(request, engine, actor, settings, plan_id, form, action.refusal)


@router.post(
    "/plans/{plan_id}/revoke", name="page_plan_revoke", dependencies=[Depends(Audited("plan.revoke", "plan/{plan_id}"))]
)
async def revoke(
    actor: ApproverPage, engine: TheEngine, settings: TheSettings, plan_id: Name, request: Request
) -> Response:
    """Take one's own approval back."""
    form = await read_form(request)
    async with FormAction(engine, request, beyond=(NotFound,)) as action:
        require_button(form)
        await actions.revoke(engine, actor, plan_id)
        return RedirectResponse(plan_path(plan_id), 303)
    return await _refused(request, engine, actor, settings, plan_id, form, action.refusal)


def _approval(request: Request, form: Form) -> ApproveRequest:
    fields = fields_named(form, "fingerprint", "comment")
    if "deletes" in form or form.get("reason", "").strip():
        if "deletes" not in form or not form.get("reason", "").strip():
            raise Problem(
                Code.INVALID_REQUEST, "the deletes need both: check what is deleted, and say why that is right"
            )
        fields["overrides"] = {"deletes": True, "reason": form["reason"]}
    return parse_form(request, ApproveRequest, {**fields, "apply": form.get("apply") == "yes"})


async def _refused(
    request: Request,
    engine: Engine,
    actor: Actor,
    settings: WebSettings,
    plan_id: str,
    form: Form,
    refusal: FormRefusal,
) -> Response:
    """The page again, with why a form was refused and what was typed into it."""
    known = await read_plan(engine, actor, await visible_plan(engine, actor, plan_id))
    frame = replace(await frame_around(engine, actor), page=plan_path(plan_id))
    typed = TypedDecision(form.get("comment", ""), "deletes" in form, form.get("reason", ""))
    shown = replace(_looked_at(request), problem=str(refusal), typed=typed)
    return await templates.long_page(
        request,
        "plans/plan.html",
        lambda effort: plan_page(frame, known, shown, settings.public_url, effort),
        refusal.status,
    )
