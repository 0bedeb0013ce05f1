"""Rule 10, said a second time: whatever the plan, the policy and the history, nothing outside of it is automatic."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.auto_apply_rules import (
    AutoApplyHistory,
    AutoApplyVerdict,
    outside_policy,
    refused_by_history,
    rule_of,
    switch_value,
)
from reconciler.domain.direction import DirectedOp, common
from reconciler.domain.entities import Plan
from reconciler.domain.plan import Action, Op, Summary
from reconciler.domain.policy import AutoApply, Policy, Protection
from reconciler.domain.status import Direction
from tests.support.records import a_plan

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SECTIONS = ("skills", "mcpServers", "domains", "core")


def directed(section: str, key: str, action: Action, direction: Direction) -> DirectedOp:
    if section == "core":
        fields = ("name",) if action is Action.UPDATE else ()
        return DirectedOp(Op(section, action, None, {}, {}, fields), direction)
    return DirectedOp(Op(section, action, key, {}, {}, ("body",) if action is Action.UPDATE else ()), direction)


def plan_of(ops: list[DirectedOp], kept: dict[str, Any]) -> Plan:
    return replace(
        a_plan(),
        ops=tuple(ops),
        body={"prune": True, "spec": kept},
        direction=common(each.direction for each in ops),
        summary=Summary.of(each.op for each in ops),
    )


OPS = st.builds(
    directed,
    st.sampled_from(SECTIONS),
    st.sampled_from("abc"),
    st.sampled_from([Action.CREATE, Action.UPDATE, Action.DELETE]),
    st.sampled_from([*Direction] + [Direction.GIT_AHEAD] * 4),
)
PLANS = st.builds(
    plan_of,
    st.lists(OPS, min_size=1, max_size=5),
    st.fixed_dictionaries({section: st.sampled_from([[], [{}]]) for section in SECTIONS}),
)
PROTECTIONS = st.builds(
    Protection, st.sampled_from(["*", "bot_1", "bot_2"]), st.sampled_from(["*", *SECTIONS]), st.sampled_from(["*", "a"])
)
# also what the settings refuse: the rules hold by themselves
POLICIES = st.builds(
    Policy.model_construct,
    auto_apply=st.sampled_from(AutoApply),
    self_heal=st.booleans(),
    max_deletes=st.integers(0, 3),
    protected=st.lists(PROTECTIONS, max_size=1).map(tuple),
)
MOMENTS = st.none() | st.integers(-5, 5).map(lambda days: NOW + timedelta(days=days))
MEMORIES = st.builds(
    AutoApplyHistory, since=MOMENTS, synced_at=MOMENTS, not_applied=st.booleans(), refused=st.booleans()
)


def is_within_the_rules(plan: Plan, policy: Policy, memory: AutoApplyHistory) -> bool:
    """Rule 10 and the documentation, in other words than the program's."""
    ops = [each.op for each in plan.ops]
    creates, updates, deletes = (
        [op for op in ops if op.action is action] for action in (Action.CREATE, Action.UPDATE, Action.DELETE)
    )
    level = {
        AutoApply.NONE: False,
        AutoApply.ADDITIVE: len(creates) == len(ops),
        AutoApply.NO_DELETE: not deletes,
        AutoApply.FULL: len(deletes) <= policy.max_deletes
        and all(op.section != "mcpServers" and plan.body["spec"][op.section] for op in deletes),
    }[policy.auto_apply]
    sides = {each.direction for each in plan.ops}
    one_side = sides == {Direction.GIT_AHEAD} or (policy.self_heal and sides == {Direction.LIVE_AHEAD})
    spared = not any(
        pattern.chatbot in ("*", plan.chatbot_id)
        and pattern.section in ("*", op.section)
        and (pattern.key in ("*", op.key) or (op.section == "core" and op.action is Action.DELETE))
        for pattern in policy.protected
        for op in (*updates, *deletes)
    )
    agreed = memory.since is not None and memory.synced_at is not None and memory.synced_at >= memory.since
    return level and one_side and spared and agreed and not memory.not_applied and not memory.refused


@given(PLANS, POLICIES, MEMORIES)
def test_nothing_outside_the_rules_is_automatic_and_everything_within_is(
    plan: Plan, policy: Policy, memory: AutoApplyHistory
) -> None:
    automatic = outside_policy(plan, policy) is None and refused_by_history(memory) is None
    assert automatic == is_within_the_rules(plan, policy, memory)


@given(PLANS, POLICIES, MEMORIES)
def test_a_wider_setting_never_lets_less_pass(plan: Plan, policy: Policy, memory: AutoApplyHistory) -> None:
    levels = [outside_policy(plan, policy.model_copy(update={"auto_apply": level})) is None for level in AutoApply]
    assert levels == sorted(levels)
    assert refused_by_history(memory) is None or memory != AutoApplyHistory(since=NOW, synced_at=NOW)


@pytest.mark.parametrize(
    ("memory", "why"),
    [
        (AutoApplyHistory(), "does not run with this setting"),
        (AutoApplyHistory(since=NOW), "was not in sync since"),
        (AutoApplyHistory(since=NOW, synced_at=NOW - timedelta(seconds=1)), "was not in sync since"),
        (AutoApplyHistory(since=NOW, synced_at=NOW, not_applied=True), "did not end Applied"),
        (AutoApplyHistory(since=NOW, synced_at=NOW, refused=True), "a person rejected it"),
    ],
)
def test_it_says_which_memory_forbids_it(memory: AutoApplyHistory, why: str) -> None:
    assert why in (refused_by_history(memory) or "")
    assert refused_by_history(AutoApplyHistory(since=NOW, synced_at=NOW)) is None


def test_it_says_what_goes_beyond_the_level() -> None:
    ops = [directed("skills", key, Action.DELETE, Direction.GIT_AHEAD) for key in "ab"]
    ops.append(directed("skills", "c", Action.UPDATE, Direction.GIT_AHEAD))
    plan = plan_of(ops, {"skills": [{}]})
    assert outside_policy(plan, Policy(auto_apply=AutoApply.ADDITIVE)) == "it updates 1 item and it deletes 2 items"
    assert outside_policy(plan, Policy(auto_apply=AutoApply.NO_DELETE)) == "it deletes 2 items"
    assert outside_policy(plan, Policy(auto_apply=AutoApply.FULL, max_deletes=1)) == "it needs overrides.deletes"


PROMPT = "You help the staff of Acme with laptops, accounts and printers, kindly and briefly."
LIFTED: list[tuple[str, Any, Any]] = [
    ("scopes.scopes", [{"id": "a"}, {"id": "b"}], [{"id": "b"}]),
    ("scopes.uiTree", [{"id": "root"}], []),
    ("accessProtection.enabled", True, False),
    ("accessLists.authorizedEmails", ["ann@acme.example"], []),
    ("accessLists.authorizedDomains", ["acme.example"], ["acme.example", "*"]),
    ("core.behavior.systemPrompt", PROMPT, "x"),
    ("core.behavior.systemPrompt", PROMPT, ""),
    ("core.logoUrl", "https://acme.example/logo.svg", None),
    ("telemetry.pseudonymizeIdentifiers", True, False),
]


@pytest.mark.parametrize(("path", "before", "after"), LIFTED)
@pytest.mark.parametrize("level", [AutoApply.NONE, AutoApply.ADDITIVE, AutoApply.NO_DELETE])
def test_an_update_that_takes_something_away_is_beyond_every_level_but_full(
    level: AutoApply, path: str, before: Any, after: Any
) -> None:
    section, _, name = path.partition(".")
    op = Op(section, Action.UPDATE, None, {name: before}, {name: after}, (name,))
    plan = plan_of([DirectedOp(op, Direction.GIT_AHEAD, {name: Direction.GIT_AHEAD})], {section: {name: after}})
    assert path in (outside_policy(plan, Policy(auto_apply=level)) or "")


def test_full_lets_within_the_gate_also_be_lost_what_updates_take_away() -> None:
    op = Op("accessProtection", Action.UPDATE, None, {"enabled": True}, {"enabled": False}, ("enabled",))
    plan = plan_of([DirectedOp(op, Direction.GIT_AHEAD)], {"accessProtection": {"enabled": False}})
    assert outside_policy(plan, Policy(auto_apply=AutoApply.FULL)) is None
    assert outside_policy(plan, Policy(auto_apply=AutoApply.FULL, max_deletes=0)) == "it needs overrides.deletes"


def test_the_switch_knows_each_value_of_both_settings() -> None:
    policies = [
        Policy.model_construct(auto_apply=level, self_heal=healing) for level in AutoApply for healing in (False, True)
    ]
    assert len({switch_value(policy) for policy in policies}) == len(policies)
    assert rule_of(policies[-1]) == "auto_apply = full, self_heal = true"


def test_a_verdict_allows_what_only_waits() -> None:
    assert AutoApplyVerdict(wait="not compared").allows
    assert not AutoApplyVerdict(brake="too many").allows
    assert not AutoApplyVerdict(refusal="deletes").allows
