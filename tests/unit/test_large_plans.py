"""What is computed of a plan takes as much longer as the plan is larger, and no more."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest

from api_client.models import ApplyResult
from api_client.sandbox.executor import execute
from api_client.sandbox.fleet import EPOCH, Chatbot
from api_client.sandbox.planner import plan_document
from reconciler.domain.apply_answers import read_back
from reconciler.domain.auto_apply_rules import outside_policy
from reconciler.domain.direction import Baseline, DirectedOp, SectionBaseline, advance, direct, settle
from reconciler.domain.entities import Apply, Plan
from reconciler.domain.lifecycle import ApplyStatus
from reconciler.domain.losses import losses, summary
from reconciler.domain.op_outcomes import OpOutcome, op_outcome_counts, op_outcomes
from reconciler.domain.plan import Action, Op, propose
from reconciler.domain.policy import AutoApply, Policy, Protection, protected_items, requirements
from reconciler.domain.status import Direction
from reconciler.executors import is_small
from reconciler.render.model import FleetPlan, PlanView
from reconciler.render.noops import unchanged_items
from reconciler.render.plan_comparison import compare_plans
from reconciler.render.plan_markdown import fleet_markdown
from reconciler.render.plan_summary import overwritten, sentence, taken_away
from reconciler.render.plan_text import plan_text
from reconciler.targets.translation import ops_of
from reconciler.web.plans.ops_view import MAX_OPS, in_sections, losses_of, op_views
from reconciler.web.plans.schemas import SinglePlanResponse
from tests.fakes.clock import START
from tests.support.records import a_plan, an_apply
from tests.support.work import counted

FEW, MANY = 400, 800
MOST_LINES: Final = 20_000_000
GROWTH: Final = 2.2
"""Twice as many ops may take so many times as many lines: what is done once per plan makes it less than 2."""

Make = Callable[[int], Op]


def create(number: int) -> Op:
    return Op("skills", Action.CREATE, f"skill {number}", None, item(number))


def update(number: int) -> Op:
    before, after = item(number), item(number, "quickly")
    return Op("skills", Action.UPDATE, f"skill {number}", before, after, ("body",))


def delete(number: int) -> Op:
    return Op("skills", Action.DELETE, f"skill {number}", item(number), None)


def item(number: int, how: str = "kindly") -> dict[str, Any]:
    return {"name": f"skill {number}", "body": f"Answer {number} {how}.\nBe brief.\n"}


def body(ops: Sequence[Op]) -> dict[str, Any]:
    skills = [op.after for op in ops if op.after is not None]
    return {"apiVersion": "v1", "kind": "ChatbotConfig", "prune": True, "spec": {"skills": skills}}


def baseline(ops: Sequence[Op]) -> Baseline:
    return {"skills": SectionBaseline({op.key or "": op.before or {} for op in ops if op.action is not Action.CREATE})}


def directed(ops: Sequence[Op]) -> tuple[DirectedOp, ...]:
    agreed = baseline(ops)
    return tuple(direct(op, agreed) for op in ops)


def plan_of(ops: Sequence[Op]) -> Plan:
    return a_plan(ops=tuple(DirectedOp(op, Direction.GIT_AHEAD) for op in ops), body=body(ops))


def half_done(ops: Sequence[Op]) -> Apply:
    middle = len(ops) // 2
    failed = {"op": dict(op_outcome_counts(ops[middle])), "message": "no"}
    return an_apply(
        status=ApplyStatus.PARTIALLY_APPLIED, applied=tuple(map(op_outcome_counts, ops[:middle])), failed=failed
    )


def fleet_of(ops: Sequence[Op]) -> FleetPlan:
    plan = plan_of(ops)
    view = PlanView(
        chatbot_id="bot_1", name=None, tenant="acme", path="a.yaml", ops=plan.ops, noops=0, prune=True, fingerprint="f"
    )
    return FleetPlan(plans=(view,), closing="Pending.")


def answer(ops: Sequence[Op]) -> ApplyResult:
    wire = [
        {"section": op.section, "action": op.action, "key": op.key, "before": op.before, "after": op.after}
        for op in ops
    ]
    zeros = dict.fromkeys(("create", "update", "delete", "noop"), 0)
    return ApplyResult.model_validate({"dryRun": True, "plan": {"ops": wire, "summary": zeros}})


def applied_by_sandbox(ops: Sequence[Op]) -> None:
    live = {"skills": [dict(op.before, id="s") for op in ops if op.before is not None]}
    chatbot = Chatbot("bot_1", live, created_at=EPOCH)
    execute(plan_document(body(ops), live), chatbot, START, lambda _: None)


POLICY = Policy(auto_apply=AutoApply.FULL, protected=(Protection.parse("*/skills/none"),))
WORK: dict[str, Callable[[Sequence[Op]], object]] = {
    "advance": lambda ops: advance(baseline(ops), ops, sections=["skills"], prune=True, whole=True),
    "settle": lambda ops: settle(baseline(ops), ops, ops),
    "direct": directed,
    "propose": lambda ops: propose("acme", "bot_1", body(ops), ops),
    "losses": lambda ops: summary(losses(ops)),
    "requirements": lambda ops: requirements(ops, body(ops), POLICY),
    "protected_items": lambda ops: protected_items("bot_1", ops, POLICY),
    "not_within": lambda ops: outside_policy(plan_of(ops), POLICY),
    "read_back": lambda ops: read_back(ops, ops),
    "op_outcomes": lambda ops: op_outcomes(ops, half_done(ops)),
    "sentence": lambda ops: sentence(directed(ops)),
    "taken_away": lambda ops: taken_away(directed(ops)),
    "overwritten": lambda ops: overwritten(directed(ops)),
    "since": lambda ops: compare_plans(plan_of(ops), plan_of(ops[1:])),
    "unchanged": lambda ops: unchanged_items(body(ops), ops[::2], len(ops)),
    "text": lambda ops: plan_text(fleet_of(ops)),
    "markdown": lambda ops: fleet_markdown(fleet_of(ops)),
    "shape": lambda ops: SinglePlanResponse.of_plan_and_apply(plan_of(ops), (), POLICY, {}, half_done(ops)),
    "losses_of": lambda ops: losses_of(directed(ops), (), is_open=True),
    "translate": lambda ops: ops_of(answer(ops)),
    "the sandbox": applied_by_sandbox,
}


def lines(work: Callable[[Sequence[Op]], object], make: Make, count: int) -> int:
    ops = [make(number) for number in range(count)]
    with counted(MOST_LINES) as done:
        work(ops)
    return done.lines


@pytest.mark.parametrize("make", [create, update, delete])
@pytest.mark.parametrize("name", WORK)
def test_twice_the_ops_are_twice_the_work(name: str, make: Make) -> None:
    few, many = (lines(WORK[name], make, count) for count in (FEW, MANY))
    assert many <= GROWTH * few, f"{few} lines of {FEW} ops, {many} of {MANY}"


@pytest.mark.parametrize("make", [create, update, delete])
def test_a_page_shows_a_part_of_very_many_ops_and_every_op_is_in_one(make: Make) -> None:
    ops = directed([make(number) for number in range(2 * MAX_OPS + 1)])
    parts = [op_views(ops, begin=begin) for begin in range(0, len(ops), MAX_OPS)]
    assert [len(part) for part in parts] == [MAX_OPS, MAX_OPS, 1]
    shown = [view for part in parts for view in part]
    assert [view.noun for view in shown] == [f"skill skill {number}" for number in range(len(ops))]
    assert len({view.anchor for view in shown}) == len(ops)
    assert sum(len(section.ops) for section in in_sections(parts[0])) == MAX_OPS


def test_of_a_part_every_op_has_its_own_outcome() -> None:
    ops = [create(number) for number in range(MAX_OPS + 2)]
    apply = replace(
        half_done(ops),
        applied=tuple(map(op_outcome_counts, ops[:MAX_OPS])),
        failed={"op": dict(op_outcome_counts(ops[MAX_OPS]))},
    )
    part = op_views(directed(ops), apply=apply, begin=MAX_OPS)
    assert [view.outcome for view in part] == [OpOutcome.FAILED, OpOutcome.NOT_TRIED]


def test_of_very_many_deletions_all_are_counted() -> None:
    ops = directed([delete(number) for number in range(MAX_OPS + 5)])
    found = losses_of(ops, op_views(ops), is_open=True)
    assert (found.deleted.total, len(found.deleted.shown), found.deleted.others) == (MAX_OPS + 5, MAX_OPS, 5)


@pytest.mark.parametrize(
    ("values", "small"),
    [
        ((), True),
        (({"a": [1, 2, "text"]}, create(1)), True),
        (([0] * 2_000,), False),
        (("a" * 1_000_000,), False),
        (({"spec": {"skills": [item(number) for number in range(1_000)]}},), False),
        (([update(number) for number in range(1_000)],), False),
    ],
)
def test_what_is_small_is_told_by_what_it_holds(values: tuple[Any, ...], small: bool) -> None:  # noqa: FBT001  a case
    assert is_small(*values) is small


def test_to_tell_that_something_is_large_takes_no_longer_the_larger_it_is() -> None:
    work = []
    for count in (10_000, 100_000):
        ops = [create(number) for number in range(count)]
        with counted(MOST_LINES) as done:
            assert not is_small(ops)
        work.append(done.lines)
    assert work[0] == work[1]
