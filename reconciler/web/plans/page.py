"""The page of one plan, with the forms of its decisions."""

import re
from dataclasses import dataclass, replace
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from reconciler.engine.apply.request import request_apply
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide import decisions
from reconciler.errors import NotFound
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.dependencies import ApproverPage, TheEngine, TheSettings
from reconciler.web.auth.visibility import visible_plan
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.schemas import Name, RequestModel
from reconciler.web.http.web_settings import WebSettings
from reconciler.web.plans import actions
from reconciler.web.plans.decision_box import TypedDecision
from reconciler.web.plans.ops_view import OpsForm
from reconciler.web.plans.page_view import PageOptions, plan_page, read_plan
from reconciler.web.plans.schemas import ApplyRequest, ApproveRequest, RejectRequest, WithdrawRequest
from reconciler.web.plans.share_page import Reader, frame_around, link_of, readable_plan
from reconciler.web.ui import templates
from reconciler.web.ui.forms import Form, FormAction, FormRefusal, fields_named, parse_form, read_form, require_button
from reconciler.web.ui.paths import plan_path

B = TypeVar("B", bound=RequestModel)

router = APIRouter(include_in_schema=False)

_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


@router.get("/plans/{plan_id}", name="page_plan")
async def plan(reader: Reader, engine: TheEngine, settings: TheSettings, plan_id: Name, request: Request) -> Response:
    """One plan: what is lost first, then every op, then how to decide."""
    record = await readable_plan(engine, reader, plan_id)
    data = await read_plan(engine, reader if isinstance(reader, Actor) else None, record)
    frame = await frame_around(engine, reader)
    options = replace(_options_of(request), shared=link_of(reader))
    return await templates.long_page(
        request, "plans/plan.html", lambda effort: plan_page(frame, data, options, settings.public_url, effort)
    )


def _options_of(request: Request) -> PageOptions:
    """The options in the address of the page; unknown ones are ignored."""
    parameters = request.query_params
    view = OpsForm.UNIFIED if parameters.get("view") == OpsForm.UNIFIED else OpsForm.SIDES
    begin = parameters.get("from", "")
    return PageOptions(view=view, whole="all" in parameters, begin=int(begin) if _NUMBER.fullmatch(begin) else 0)


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form of a plan's page that was sent, and what the answers to it need."""

    request: Request
    engine: Engine
    actor: Actor
    settings: WebSettings
    plan_id: str
    fields: Form

    def action(self) -> FormAction:
        """Around what the form asks for; who does not see the plan gets no page of it either."""
        return FormAction(self.engine, self.request, beyond=(NotFound,))

    def body(self, model: type[B], *names: str) -> B:
        """The named fields, as the API takes them."""
        return parse_form(self.request, model, fields_named(self.fields, *names))

    def done(self) -> Response:
        """Back to the page."""
        return RedirectResponse(plan_path(self.plan_id), 303)

    async def refused(self, refusal: FormRefusal) -> Response:
        """The page again, with why the form was refused and what was typed into it."""
        engine, actor, fields = self.engine, self.actor, self.fields
        data = await read_plan(engine, actor, await visible_plan(engine, actor, self.plan_id))
        frame = replace(await frame_around(engine, actor), page=plan_path(self.plan_id))
        typed = TypedDecision(fields.get("comment", ""), "deletes" in fields, fields.get("reason", ""))
        options = replace(_options_of(self.request), problem=str(refusal), typed=typed)
        return await templates.long_page(
            self.request,
            "plans/plan.html",
            lambda effort: plan_page(frame, data, options, self.settings.public_url, effort),
            refusal.status,
        )


async def _sent_form(
    request: Request, engine: TheEngine, actor: ApproverPage, settings: TheSettings, plan_id: Name
) -> SentForm:
    return SentForm(request, engine, actor, settings, plan_id, await read_form(request))


Sent = Annotated[SentForm, Depends(_sent_form)]


@router.post(
    "/plans/{plan_id}/approve",
    name="page_plan_approve",
    dependencies=[Depends(Audited("plan.approve", "plan/{plan_id}", fingerprint=True))],
)
async def approve(actor: ApproverPage, plan_id: Name, form: Sent) -> Response:
    """Approve exactly what was seen, and have it applied if that is asked for."""
    async with form.action() as action:
        require_button(form.fields)
        await actions.approve(form.engine, actor, plan_id, _approval(form))
        return form.done()
    return await form.refused(action.refusal)


@router.post(
    "/plans/{plan_id}/reject",
    name="page_plan_reject",
    dependencies=[Depends(Audited("plan.reject", "plan/{plan_id}", fingerprint=True))],
)
async def reject(actor: ApproverPage, plan_id: Name, form: Sent) -> Response:
    """Reject the plan."""
    async with form.action() as action:
        require_button(form.fields)
        body = form.body(RejectRequest, "fingerprint", "comment")
        await decisions.reject(form.engine, actor, plan_id, body.fingerprint, comment=body.comment)
        return form.done()
    return await form.refused(action.refusal)


@router.post(
    "/plans/{plan_id}/apply",
    name="page_plan_apply",
    dependencies=[Depends(Audited("plan.apply", "plan/{plan_id}", fingerprint=True))],
)
async def apply(actor: ApproverPage, plan_id: Name, form: Sent) -> Response:
    """Execute an approved plan."""
    async with form.action() as action:
        require_button(form.fields)
        await request_apply(form.engine, actor, plan_id, form.body(ApplyRequest, "fingerprint").fingerprint)
        return form.done()
    return await form.refused(action.refusal)


@router.post(
    "/plans/{plan_id}/withdraw",
    name="page_plan_withdraw",
    dependencies=[Depends(Audited("plan.withdraw", "plan/{plan_id}", fingerprint=True))],
)
async def withdraw(actor: ApproverPage, plan_id: Name, form: Sent) -> Response:
    """Take a rejection back."""
    async with form.action() as action:
        require_button(form.fields)
        body = form.body(WithdrawRequest, "fingerprint", "comment")
        await decisions.withdraw_rejection(form.engine, actor, plan_id, body.fingerprint, comment=body.comment)
        return form.done()
    return await form.refused(action.refusal)


@router.post(
    "/plans/{plan_id}/revoke", name="page_plan_revoke", dependencies=[Depends(Audited("plan.revoke", "plan/{plan_id}"))]
)
async def revoke(actor: ApproverPage, plan_id: Name, form: Sent) -> Response:
    """Take one's own approval back."""
    async with form.action() as action:
        require_button(form.fields)
        await decisions.revoke(form.engine, actor, plan_id)
        return form.done()
    return await form.refused(action.refusal)


def _approval(form: SentForm) -> ApproveRequest:
    sent, fields = form.fields, fields_named(form.fields, "fingerprint", "comment")
    if "deletes" in sent or sent.get("reason", "").strip():
        if "deletes" not in sent or not sent.get("reason", "").strip():
            raise Problem(
                Code.INVALID_REQUEST, "the deletes need both: check what is deleted, and say why that is right"
            )
        fields["overrides"] = {"deletes": True, "reason": sent["reason"]}
    return parse_form(form.request, ApproveRequest, {**fields, "apply": sent.get("apply") == "yes"})
