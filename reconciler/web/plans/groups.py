"""The page of one change on many chatbots, where each plan is decided by its own fingerprint."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from reconciler.domain.access import Role
from reconciler.domain.direction import DirectedOp, common
from reconciler.domain.entities import Plan
from reconciler.domain.events import ChangeKind
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.listing import Page, PlanFilter
from reconciler.domain.sentences import listed
from reconciler.engine.conditions import current_requirements, currently_protected
from reconciler.engine.context import Actor, Engine
from reconciler.engine.decide.decisions import ItemResult
from reconciler.render.alignment import Effort
from reconciler.render.plan_summary import SummaryPart, sentence
from reconciler.web.auth.audit_policies import Audited
from reconciler.web.auth.dependencies import ApproverPage, TheEngine, ViewerPage
from reconciler.web.auth.visibility import chatbot_names
from reconciler.web.http.problems import Code, Problem
from reconciler.web.http.schemas import MAX_PAGE, Name
from reconciler.web.plans import actions
from reconciler.web.plans.ops_view import Losses, OpSection, in_sections, losses_of, op_views
from reconciler.web.plans.schemas import DecideRequest
from reconciler.web.ui import templates
from reconciler.web.ui.forms import FormAction, parse_form, read_lists, require_button
from reconciler.web.ui.layout import Layout, layout_for
from reconciler.web.ui.paths import group_path

WATCH: Sequence[ChangeKind] = (ChangeKind.PLAN,)
_OTHER_FIELDS = 10

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A chatbot that the change waits on.

    Attributes:
        name: The chatbot's, or its id.
        item: What is sent when it is chosen: the plan and the fingerprint that was seen.
        refusal: Why it cannot be decided together with the others, or None.
        is_chosen: Whether it is ticked.
    """

    plan: Plan
    name: str
    item: str
    refusal: str | None
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """What came of one item.

    Attributes:
        plan_id: The plan.
        name: The chatbot's, or its id; the plan's where neither is known.
        status: The plan's status now; None when the decision was refused.
        is_applying: Whether its apply was requested, too: its page shows the outcome.
        problem: Why it was refused, or None.
    """

    plan_id: str
    name: str
    status: PlanStatus | None
    is_applying: bool
    problem: str | None


@dataclass(frozen=True, slots=True)
class GroupPage:
    """The same change on many chatbots.

    Attributes:
        change: What it is found by.
        members: The chatbots that it waits on.
        more: Whether there are more than are shown.
        sentence: What it does, in parts.
        losses: What it takes away, from each of them.
        sections: What it does, under headings.
        others: How many ops are not shown.
        may_decide: Whether the person may decide about any of them.
        outcomes: What came of what was just sent.
        problem: What went wrong with it as a whole, or None.
        comment: What was sent.
    """

    frame: Layout
    change: str
    members: Sequence[GroupMember]
    more: bool
    sentence: Sequence[SummaryPart]
    losses: Losses
    sections: Sequence[OpSection]
    others: int
    may_decide: bool
    outcomes: Sequence[GroupOutcome] = ()
    problem: str | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class _SentDecision:
    """What the page says of what was just sent.

    Attributes:
        results: What came of each item.
        chosen: The items that were sent, which stay ticked where they still wait; None before anything was sent.
    """

    results: Sequence[ItemResult] = ()
    chosen: Collection[str] | None = None
    problem: str | None = None
    comment: str = ""
    status: int = 200


@router.get("/plans/groups/{change}", name="page_plan_group")
async def group(actor: ViewerPage, engine: TheEngine, change: Name, request: Request) -> Response:
    """One change, and the chatbots that it waits on."""
    return await _page(request, engine, actor, change, _SentDecision())


@router.post("/plans/decide", name="page_plan_decide", dependencies=[Depends(Audited("plan.decide", None))])
async def decide(actor: ApproverPage, engine: TheEngine, request: Request) -> Response:
    """Decide about the chosen plans; each is decided by itself, and what came of it is shown."""
    form = await read_lists(request, MAX_PAGE + _OTHER_FIELDS)
    change, chosen = _first(form, "change"), form.get("item", [])
    sent = None
    async with FormAction(engine, request) as action:
        require_button(form)
        sent = _SentDecision(await actions.decide_all(engine, actor, _parsed(request, form)), chosen)
    if sent is None:
        refusal, comment = action.refusal, _first(form, "comment")
        sent = _SentDecision(chosen=chosen, problem=str(refusal), comment=comment, status=refusal.status)
    return await _page(request, engine, actor, change, sent)


def _parsed(request: Request, form: Mapping[str, list[str]]) -> DecideRequest:
    """What the form asks for. Its buttons say what, and whether the applies follow."""
    chosen = [item.partition(" ") for item in form.get("item", [])]
    if not chosen:
        raise Problem(Code.INVALID_REQUEST, "choose at least one chatbot")
    decision, _, applies = _first(form, "decision").partition(" ")
    items = [{"plan_id": plan_id, "fingerprint": fingerprint} for plan_id, _, fingerprint in chosen]
    comment = _first(form, "comment").strip()
    return parse_form(
        request, DecideRequest, {"decision": decision, "items": items, "comment": comment, "apply": applies == "apply"}
    )


def _first(form: Mapping[str, list[str]], name: str) -> str:
    return form.get(name, [""])[0]


async def _page(request: Request, engine: Engine, actor: Actor, change: str, sent: _SentDecision) -> Response:
    filters = PlanFilter(change=change, status={PlanStatus.PENDING}, visible=actor.sources)
    part: Page[Plan] = (
        await engine.store.queries.plans(filters, limit=MAX_PAGE, cursor=None) if change else Page((), None)
    )
    decided = [plan for result in sent.results if (plan := await _plan_of(engine, actor, result))]
    names = await chatbot_names(engine, [*part.items, *decided])
    frame = await _frame(engine, actor, change, sent)
    titles = {plan.id: names.get(plan.id, plan.chatbot_id) for plan in (*part.items, *decided)}
    members = [await _member(engine, actor, plan, titles[plan.id], sent.chosen) for plan in part.items]
    members.sort(key=lambda member: (member.name.casefold(), member.plan.id))
    more = part.next_cursor is not None
    return await templates.long_page(
        request,
        "plans/plan_group.html",
        lambda effort: group_page(frame, change, members, sent, titles, effort, more=more),
        sent.status,
    )


async def _plan_of(engine: Engine, actor: Actor, result: ItemResult) -> Plan | None:
    """The plan that a result is about, also where it was refused; None where the person may not see it."""
    if result.decision:
        return result.decision.plan
    plan = await engine.store.queries.plan(result.item.plan_id)
    return plan if plan and actor.sees(plan.source) else None


async def _frame(engine: Engine, actor: Actor, change: str, sent: _SentDecision) -> Layout:
    """What came of a decision is at no address, and follows nothing; a form that was refused follows its page."""
    frame = await layout_for(engine, actor, "plans", () if sent.results else WATCH)
    return replace(frame, page=group_path(change)) if sent.problem else frame


def group_page(
    frame: Layout,
    change: str,
    members: Sequence[GroupMember],
    sent: _SentDecision,
    titles: Mapping[str, str],
    effort: Effort,
    *,
    more: bool = False,
) -> GroupPage:
    """Everything that the page of a group says; `titles` has the chatbots' names by their plans."""
    ops = _common_ops([member.plan for member in members])
    summary = sentence(ops, effort)
    shown = op_views(ops, effort=effort)
    return GroupPage(
        frame=frame,
        change=change,
        members=members,
        more=more,
        sentence=summary,
        losses=losses_of(ops, shown, is_open=True),
        sections=in_sections(shown),
        others=len(ops) - len(shown),
        may_decide=any(member.refusal is None for member in members),
        outcomes=[_outcome(result, titles) for result in sent.results],
        problem=sent.problem,
        comment=sent.comment,
    )


def _outcome(result: ItemResult, titles: Mapping[str, str]) -> GroupOutcome:
    plan_id, decided = result.item.plan_id, result.decision
    return GroupOutcome(
        plan_id=plan_id,
        name=titles.get(plan_id, plan_id),
        status=decided.plan.status if decided else None,
        is_applying=bool(decided and decided.apply),
        problem=str(result.error) if result.error else None,
    )


def _common_ops(plans: Sequence[Plan]) -> Sequence[DirectedOp]:
    """The ops that all plans share, with the side that moved on all of them together."""
    if not plans:
        return ()
    return [
        DirectedOp(
            op=ops[0].op,
            direction=common(op.direction for op in ops),
            fields={name: common(op.fields.get(name, op.direction) for op in ops) for name in ops[0].fields},
        )
        for ops in zip(*(plan.ops for plan in plans), strict=True)
    ]


async def _member(engine: Engine, actor: Actor, plan: Plan, name: str, chosen: Collection[str] | None) -> GroupMember:
    item, refusal = f"{plan.id} {plan.fingerprint}", await _refusal(engine, actor, plan)
    return GroupMember(plan, name, item, refusal, not refusal and (chosen is None or item in chosen))


async def _refusal(engine: Engine, actor: Actor, plan: Plan) -> str | None:
    """Why a plan cannot be decided together with others."""
    if refused := actor.refusal(Role.APPROVER, plan.source):
        return refused
    protected = listed([str(item) for item in await currently_protected(engine, plan)])
    if protected:
        return f"policy.protected covers {protected}"
    override = (await current_requirements(engine, plan)).delete_override
    return f"decide it by itself, because {override}" if override else None
