"""View model of the page of one plan: summary, losses, and every op with the side that moved."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import quote

from reconciler.domain.direction import NO_BASELINE, Baseline
from reconciler.domain.entities import Apply, Plan
from reconciler.domain.escaping import escaped
from reconciler.domain.lifecycle import PlanStatus
from reconciler.domain.plan import Action
from reconciler.domain.status import Direction
from reconciler.domain.suspensions import Suspension
from reconciler.engine.context import Actor, Engine
from reconciler.render.ages import Age, age, age_or_none
from reconciler.render.alignment import Effort
from reconciler.render.noops import unchanged_items
from reconciler.render.plan_comparison import PlanComparison, compare_plans
from reconciler.render.plan_summary import SummaryPart, sentence
from reconciler.web.auth.signed_links import SharedLink
from reconciler.web.auth.visibility import chatbot_names, suspensions_of
from reconciler.web.plans.decision_box import (
    NOTHING_TYPED,
    DecisionBox,
    DecisionOption,
    DecisionRules,
    TypedDecision,
    decision_box,
    decision_rules,
)
from reconciler.web.plans.ops_view import MAX_OPS, Losses, OpSection, OpsForm, in_sections, losses_of, op_views
from reconciler.web.ui.git_origin import GitOrigin, git_origin_of
from reconciler.web.ui.layout import Layout
from reconciler.web.ui.paths import plan_path

_VIEWS = {OpsForm.SIDES: "Side by side", OpsForm.UNIFIED: "Unified"}
REPLACED = frozenset(
    {
        PlanStatus.SUPERSEDED,
        PlanStatus.STALE,
        PlanStatus.EXPIRED,
        PlanStatus.FAILED,
        PlanStatus.PARTIALLY_APPLIED,
        PlanStatus.APPLIED_NOT_CONVERGED,
    }
)
"""How plans end that leave something to do: the next one of the chatbot goes on with it."""
_OVERTAKEN = frozenset({PlanStatus.SUPERSEDED, PlanStatus.STALE, PlanStatus.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPageData:
    """Everything that is read for the page.

    Attributes:
        name: The chatbot's, where it is known.
        apply: The plan's latest apply.
        suspension: What stops its apply.
        newer: The plan that took the place of this one.
        now: When it was read.
        baseline: What both sides last agreed on; of an open plan only.
        origin: The place of the document in git, and the commit that last changed it.
    """

    plan: Plan
    rulings: DecisionRules
    origin: GitOrigin
    now: datetime
    name: str | None = None
    apply: Apply | None = None
    suspension: Suspension | None = None
    newer: Plan | None = None
    baseline: Baseline = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """The options of the page.

    Attributes:
        view: How texts are put beside each other.
        whole: Whether much more of long texts is shown.
        begin: How many ops precede the part that is shown.
        problem: What went wrong with what was just sent, or None.
        typed: What that was.
        shared: The link that shows the page to somebody without an account, who can do nothing here; else None.
    """

    view: OpsForm = OpsForm.SIDES
    whole: bool = False
    begin: int = 0
    problem: str | None = None
    typed: TypedDecision = NOTHING_TYPED
    shared: SharedLink | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePart:
    """Which part of a plan's ops a page shows.

    Attributes:
        first: The number of its first op, from 1.
        last: The number of its last op.
        total: How many ops there are.
        before: The address of the part before it, or None.
        after: The address of the part after it, or None.
    """

    first: int
    last: int
    total: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """One plan.

    Attributes:
        name: The chatbot's, or its id.
        planned: When it was made.
        expires: When it expires, unless it is decided on.
        sentence: What the plan does, in parts.
        losses: What it takes away.
        sections: What it does, under headings: what is deleted first.
        part: Which part of it that is; None where it is all.
        unchanged: The items that it leaves as they are in the sections that it changes, in plain words.
        views: How texts can be put beside each other: a title, its address, and whether it is chosen; nothing where
            there are none.
        more: The address of more of what is cut, and what it is; None where there is no more.
        decision: The box in which it is decided on.
        apply: Its latest apply.
        suspension: What stops its apply.
        newer: The plan that took the place of this one.
        since: What changed since, of a plan that another one took the place of.
        origin: The place of the document in git, and the last commit to it where git has moved and it is known.
        commands: What decides by the API instead: titles and command lines.
        options: How texts are compared, and which part is shown.
    """

    frame: Layout
    plan: Plan
    name: str
    planned: Age
    expires: Age | None
    sentence: Sequence[SummaryPart]
    losses: Losses
    sections: Sequence[OpSection]
    part: PagePart | None
    unchanged: Sequence[str]
    views: Sequence[tuple[str, str, bool]]
    more: tuple[str, str] | None
    decision: DecisionBox
    apply: Apply | None
    suspension: Suspension | None
    newer: Plan | None
    since: PlanComparison | None
    origin: GitOrigin
    commands: Sequence[tuple[str, str]]
    options: PageOptions

    @property
    def shared(self) -> SharedLink | None:
        """The link that shows the page, or None."""
        return self.options.shared


def plan_page(frame: Layout, data: PlanPageData, options: PageOptions, public_url: str, effort: Effort) -> PlanPage:
    """Everything that the page of a plan says, comparing its texts as far as the effort suffices."""
    plan = data.plan
    options = replace(options, begin=_begin(options.begin, len(plan.ops)))
    summary = sentence(plan.ops, effort)
    ops = op_views(
        plan.ops,
        data.baseline,
        options.view,
        whole=options.whole,
        effort=effort,
        apply=data.apply,
        begin=options.begin,
    )
    box = decision_box(plan, frame.actor, data.rulings)
    return PlanPage(
        frame=frame,
        plan=plan,
        name=escaped(data.name or plan.chatbot_id),
        planned=age(plan.created_at, data.now),
        expires=age_or_none(plan.expires_at, data.now),
        sentence=summary,
        losses=losses_of(plan.ops, ops, is_open=plan.is_open),
        sections=in_sections(ops),
        part=_part(plan, options),
        unchanged=[escaped(name) for name in unchanged_items(plan.body, plan.bare_ops, plan.summary.noop)],
        views=list(_views(plan, options)) if any(op.texts for op in ops if op.action is Action.UPDATE) else (),
        more=_more(plan, options),
        decision=box,
        apply=data.apply,
        suspension=data.suspension,
        newer=data.newer,
        since=compare_plans(plan, data.newer) if data.newer and plan.status in _OVERTAKEN else None,
        origin=data.origin,
        commands=list(_commands(plan, box, frame.actor, public_url)),
        options=options,
    )


def _begin(requested: int, total: int) -> int:
    """Where the part begins that holds the op after so many; the last part where there are not so many."""
    return min(requested, max(0, total - 1)) // MAX_OPS * MAX_OPS


def _part(plan: Plan, options: PageOptions) -> PagePart | None:
    total, end = len(plan.ops), options.begin + MAX_OPS
    if total <= MAX_OPS:
        return None
    return PagePart(
        first=options.begin + 1,
        last=min(end, total),
        total=total,
        before=_view_url(plan, replace(options, begin=options.begin - MAX_OPS)) if options.begin else None,
        after=_view_url(plan, replace(options, begin=end)) if end < total else None,
    )


def _view_url(plan: Plan, options: PageOptions) -> str:
    """The address at which a plan is looked at so."""
    begin = f"&from={options.begin}" if options.begin else ""
    return f"{_base_url(plan, options)}view={options.view}{begin}{'&all' if options.whole else ''}"


def _views(plan: Plan, options: PageOptions) -> Iterator[tuple[str, str, bool]]:
    for view, title in _VIEWS.items():
        yield title, _view_url(plan, replace(options, view=view, whole=False)), view is options.view


def _more(plan: Plan, options: PageOptions) -> tuple[str, str] | None:
    if not options.whole:
        return _view_url(plan, replace(options, whole=True)), "Show more of it"
    # a link shows no API
    return None if options.shared else (f"/api/v1{plan_path(plan.id)}", "Read all of it as JSON")


def _base_url(plan: Plan, options: PageOptions) -> str:
    """The page's own address, as it was opened, up to where a parameter can be added."""
    return f"{options.shared.path}&" if options.shared else f"{plan_path(plan.id)}?"


def _commands(plan: Plan, box: DecisionBox, actor: Actor | None, public_url: str) -> Iterator[tuple[str, str]]:
    """What to run for each choice that is open; the person says the reason of an override."""
    if actor is None:
        return
    for choice in box.choices:
        if choice.refusal is None:
            yield choice.title, _curl(plan, public_url, choice.call, _request_body(plan, box, choice))


def _request_body(plan: Plan, box: DecisionBox, choice: DecisionOption) -> dict[str, object]:
    if choice.call == "revoke":
        return {}
    approving = choice.call == "approve"
    override = {"overrides": {"deletes": True, "reason": "WHY"}} if approving and box.override else {}
    return {"fingerprint": plan.fingerprint, **override, **({"apply": True} if approving and choice.applies else {})}


def _curl(plan: Plan, public_url: str, call: str, fields: dict[str, object]) -> str:
    url = f"{public_url.rstrip('/')}/api/v1/plans/{quote(plan.id)}/{call}"
    body = f" -H 'Content-Type: application/json' -d '{json.dumps(fields)}'" if fields else ""
    return f'curl -X POST {url} -H "Authorization: Bearer $RECONCILER_TOKEN"{body}'


_GIT_MOVED = (Direction.GIT_AHEAD, Direction.DIVERGED)


async def read_plan(engine: Engine, actor: Actor | None, plan: Plan) -> PlanPageData:
    """Everything that a plan's page says.

    Args:
        engine: The ports.
        actor: Who looks; None for somebody without an account, who is shown this plan alone.
        plan: The plan, which they may see.
    """
    return PlanPageData(
        plan=plan,
        rulings=await decision_rules(engine, actor, plan),
        name=(await chatbot_names(engine, [plan])).get(plan.id),
        apply=(await engine.store.queries.applies_of([plan.id])).get(plan.id),
        suspension=(await suspensions_of(engine, [plan])).get(plan.suspension_id or ""),
        newer=await _newer(engine, actor, plan) if actor is not None else None,
        baseline=await _baseline(engine, plan),
        origin=await _origin(engine, actor, plan),
        now=engine.clock.now(),
    )


async def _newer(engine: Engine, actor: Actor, plan: Plan) -> Plan | None:
    """The plan that took the place of this one; none where the person may not see its source."""
    if plan.status not in REPLACED:
        return None
    return await engine.store.queries.plan_after(plan, actor.sources)


async def _baseline(engine: Engine, plan: Plan) -> Baseline:
    if not plan.is_open:
        return NO_BASELINE
    async with engine.store.read() as uow:
        return await uow.baselines.get(plan.tenant, plan.chatbot_id)


async def _origin(engine: Engine, actor: Actor | None, plan: Plan) -> GitOrigin:
    """The place of the document in git; without links for a reader who only has a link to this plan."""
    moved = any(op.direction in _GIT_MOVED for op in plan.ops)
    async with engine.store.read() as uow:
        chatbot = await uow.chatbots.get(plan.tenant, plan.chatbot_id)
    synced = chatbot.synced_revision if chatbot is not None and chatbot.source == plan.source else None
    origin = await git_origin_of(engine, plan.source, plan.path, plan.revision, synced=synced, with_authors=moved)
    return origin if actor is not None else origin.without_links()
