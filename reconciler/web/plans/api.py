"""The API of plans, decisions and applies."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response, status

from reconciler.domain.entities import Plan
from reconciler.domain.suspensions import Suspension
from reconciler.engine.apply.request import request_apply
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide import decisions
from reconciler.engine.decide.decisions import Decision, ItemResult
from reconciler.errors import NotKept
from reconciler.web.auth.audit_policies import Audited, kept_body
from reconciler.web.auth.dependencies import Approver, TheEngine, Viewer
from reconciler.web.auth.visibility import suspensions_of, visible_plan
from reconciler.web.http.content_negotiation import negotiate
from reconciler.web.http.problems import Code, problem_of_error
from reconciler.web.http.render_pool import RenderPool
from reconciler.web.http.responses import API, NOT_MODIFIED, answer_about, checked, listed, refusals
from reconciler.web.http.schemas import ListResponse, Name
from reconciler.web.plans import actions
from reconciler.web.plans.render_cache import RenderCache
from reconciler.web.plans.rendering import StoredPlan, identity, markdown, stored_plan, text
from reconciler.web.plans.schemas import (
    ApplyRequest,
    ApplyResponse,
    ApproveRequest,
    DecidedResponse,
    DecideRequest,
    DecisionsResponse,
    PlanQuery,
    PlanResponse,
    RejectRequest,
    SinglePlanResponse,
    WithdrawRequest,
)

router = APIRouter(prefix=API, tags=["Plans"])

_DECISION = (
    Code.FORBIDDEN, Code.NOT_FOUND, Code.FINGERPRINT_MISMATCH, Code.PLAN_CLOSED, Code.APPLY_IN_PROGRESS,
    Code.CONCURRENT_CHANGE, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE,
)  # fmt: skip
_APPLY = (
    Code.PLAN_NOT_APPROVED, Code.PROTECTED, Code.READ_ONLY, Code.WRITE_KEY_REFUSED, Code.SUSPENDED, Code.SOURCE_UNKNOWN,
)  # fmt: skip
JSON, MARKDOWN, TEXT = "application/json", "text/markdown", "text/plain"
_RENDERINGS: dict[str, Any] = {media: {"schema": {"type": "string"}} for media in (MARKDOWN, TEXT)}

_STANDING: dict[int | str, dict[str, Any]] = {
    200: {"description": "The apply that already stands.", "model": ApplyResponse}
}


@router.get(
    "/plans",
    name="plan_list",
    summary="Plans, newest first",
    responses=NOT_MODIFIED | refusals(Code.INVALID_CURSOR, Code.INVALID_REQUEST),
)
async def plan_list(
    engine: TheEngine, actor: Viewer, query: Annotated[PlanQuery, Query()]
) -> ListResponse[PlanResponse]:
    """Without their ops; `GET /plans/{plan_id}` has them."""
    queries = engine.store.queries
    filters = query.filter(frozenset(query.status) or None, actor.sources)
    part = await checked(queries.plans(filters, limit=query.limit, cursor=query.cursor))
    approvals = await queries.approvals_of([plan.id for plan in part.items])
    suspensions = await suspensions_of(engine, part.items)
    return listed(part, lambda plan: PlanResponse.of_plan(plan, approvals.get(plan.id, ()), engine.policy, suspensions))


@router.get(
    "/plans/{plan_id}",
    name="plan_get",
    summary="One plan with its ops, as JSON, markdown or text",
    response_model=SinglePlanResponse,
    responses=NOT_MODIFIED
    | {200: {"content": _RENDERINGS}}
    | refusals(Code.NOT_FOUND, Code.NOT_ACCEPTABLE, Code.INVALID_REQUEST),
)
async def plan_get(engine: TheEngine, actor: Viewer, plan_id: Name, request: Request) -> Response:
    """`Accept` chooses between `application/json`, `text/markdown` and `text/plain`."""
    chosen = negotiate(request.headers.get("accept"), (JSON, MARKDOWN, TEXT))
    plan = await visible_plan(engine, actor, plan_id)
    if chosen == JSON:
        return await _single(engine, plan)
    return Response(await _rendered(request, await stored_plan(engine, plan), chosen), media_type=chosen)


async def _rendered(request: Request, stored: StoredPlan, media_type: str) -> bytes:
    """A plan to be read by people, made at most once as long as it stays as it is."""
    cache: RenderCache = request.app.state.rendered
    pool: RenderPool = request.app.state.renderings
    render, key = markdown if media_type == MARKDOWN else text, identity(stored, media_type)
    cached = cache.get(key)
    if cached is not None:
        return cached
    return await pool.render(request, lambda effort: cache.get_or_make(key, lambda: render(stored, effort)))


@router.post(
    "/plans/decide",
    name="plan_decide",
    dependencies=[Depends(Audited("plan.decide", None))],
    summary="Decide about many plans at once",
    responses=refusals(Code.FORBIDDEN, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE),
)
async def plan_decide(engine: TheEngine, actor: Approver, body: DecideRequest) -> DecisionsResponse:
    """Each item is decided by itself, and has its own result and audit entry; one refusal stops no other."""
    results = await actions.decide_all(engine, actor, body)
    suspensions = await suspensions_of(engine, (result.decision.plan for result in results if result.decision))
    return DecisionsResponse(items=[_decided(engine, result, suspensions) for result in results])


@router.post(
    "/plans/{plan_id}/approve",
    name="plan_approve",
    dependencies=[Depends(Audited("plan.approve", "plan/{plan_id}", fingerprint=True))],
    summary="Say yes to exactly what was seen",
    response_model=SinglePlanResponse,
    responses=refusals(*_DECISION, Code.DELETE_OVERRIDE_REQUIRED, *_APPLY),
)
async def plan_approve(
    engine: TheEngine,
    actor: Approver,
    plan_id: Name,
    body: Annotated[ApproveRequest, Depends(kept_body(ApproveRequest))],
) -> Response:
    """The same again answers with what already stands. With `apply`, `apply_id` names the apply that was queued."""
    decision = await actions.approve(engine, actor, plan_id, body)
    return await _decision(engine, decision)


@router.post(
    "/plans/{plan_id}/reject",
    name="plan_reject",
    dependencies=[Depends(Audited("plan.reject", "plan/{plan_id}", fingerprint=True))],
    summary="Say no",
    response_model=SinglePlanResponse,
    responses=refusals(*_DECISION),
)
async def plan_reject(
    engine: TheEngine, actor: Approver, plan_id: Name, body: Annotated[RejectRequest, Depends(kept_body(RejectRequest))]
) -> Response:
    """The same proposal is not offered again until something else came in between."""
    decision = await decisions.reject(engine, actor, plan_id, body.fingerprint, comment=body.comment)
    return await _decision(engine, decision)


@router.post(
    "/plans/{plan_id}/withdraw",
    name="plan_withdraw",
    dependencies=[Depends(Audited("plan.withdraw", "plan/{plan_id}", fingerprint=True))],
    summary="Take a rejection back",
    response_model=SinglePlanResponse,
    responses=refusals(*_DECISION),
)
async def plan_withdraw(
    engine: TheEngine,
    actor: Approver,
    plan_id: Name,
    body: Annotated[WithdrawRequest, Depends(kept_body(WithdrawRequest))],
) -> Response:
    """The plan stays closed; an equal one is offered at once, without approvals. The same again changes nothing."""
    decision = await decisions.withdraw_rejection(engine, actor, plan_id, body.fingerprint, comment=body.comment)
    return await _decision(engine, decision)


@router.post(
    "/plans/{plan_id}/revoke",
    name="plan_revoke",
    dependencies=[Depends(Audited("plan.revoke", "plan/{plan_id}"))],
    summary="Take back one's own approval",
    response_model=SinglePlanResponse,
    responses=refusals(*_DECISION),
)
async def plan_revoke(engine: TheEngine, actor: Approver, plan_id: Name) -> Response:
    """Also the policy's. Possible until an apply was asked for."""
    decision = await decisions.revoke(engine, actor, plan_id)
    return await _decision(engine, decision)


@router.post(
    "/plans/{plan_id}/apply",
    name="plan_apply",
    dependencies=[Depends(Audited("plan.apply", "plan/{plan_id}", fingerprint=True))],
    summary="Execute an approved plan",
    status_code=status.HTTP_202_ACCEPTED,
    responses=_STANDING | refusals(*_DECISION, *_APPLY),
)
async def plan_apply(
    engine: TheEngine,
    actor: Approver,
    plan_id: Name,
    body: Annotated[ApplyRequest, Depends(kept_body(ApplyRequest))],
    response: Response,
) -> ApplyResponse:
    """Everything is checked again at the last moment. The same again answers 200 with the apply that stands."""
    plan = await visible_plan(engine, actor, plan_id)
    apply = await request_apply(engine, actor, plan_id, body.fingerprint)
    if apply.id == plan.apply_id:
        response.status_code = status.HTTP_200_OK
    return ApplyResponse.model_validate(apply)


@router.get(
    "/applies/{apply_id}",
    name="apply_get",
    summary="One apply",
    response_model=ApplyResponse,
    responses=NOT_MODIFIED | refusals(Code.NOT_FOUND, Code.INVALID_REQUEST),
)
async def apply_get(engine: TheEngine, actor: Viewer, apply_id: Name) -> Response:
    """One attempt to execute an approved plan; poll it until `finished_at` is set."""
    apply = await engine.store.queries.apply(apply_id)
    if apply is None or not await _sees(engine, actor, apply.plan_id):
        raise NotKept("apply", apply_id)
    return await answer_about(engine, partial(ApplyResponse.model_validate, apply), apply)


async def _sees(engine: Engine, actor: Actor, plan_id: str) -> bool:
    if actor.sources is None:
        return True
    plan = await engine.store.queries.plan(plan_id)
    return plan is not None and actor.sees(plan.source)


async def _single(engine: Engine, plan: Plan) -> Response:
    approvals = await engine.store.queries.approvals_of([plan.id])
    applies = await engine.store.queries.applies_of([plan.id])
    suspensions = await suspensions_of(engine, [plan])
    done = applies.get(plan.id)
    make = partial(
        SinglePlanResponse.of_plan_and_apply, plan, approvals.get(plan.id, ()), engine.policy, suspensions, done
    )
    return await answer_about(engine, make, plan, done)


async def _decision(engine: Engine, made: Decision) -> Response:
    suspensions = await suspensions_of(engine, [made.plan])
    make = partial(SinglePlanResponse.of_plan_and_apply, made.plan, made.approvals, engine.policy, suspensions)
    return await answer_about(engine, make, made.plan)


def _decided(engine: Engine, result: ItemResult, suspensions: Mapping[str, Suspension]) -> DecidedResponse:
    decision, error = result.decision, result.error
    return DecidedResponse.of(
        result.item,
        plan=PlanResponse.of_plan(decision.plan, decision.approvals, engine.policy, suspensions) if decision else None,
        problem=problem_of_error(error) if error else None,
    )
