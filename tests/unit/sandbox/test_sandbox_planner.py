"""The sandbox's plans: what the contract says about them, and laws that hold for any document."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_client.contract import SECTIONS
from api_client.sandbox import ApiKey, Chatbot, Fleet, default_fleet
from api_client.sandbox.comparison import same
from api_client.sandbox.executor import OpError, execute
from api_client.sandbox.planner import Action, Op, Plan, plan_document
from api_client.sandbox.views import config_document, read_config
from tests.fakes.clock import START

Json = dict[str, Any]
EVERYTHING = ApiKey(name="all", secret="wpk_live_all")


def document(spec: Json, **fields: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": spec, **fields}


def chatbot(spec: Json) -> Chatbot:
    (made,) = Fleet([Chatbot(id="bot_1", config=spec)])
    return made


def plan_of(desired: Json, live: Chatbot) -> Plan:
    return plan_document(desired, read_config(live, START))


def apply_all(desired: Json, live: Chatbot) -> None:
    result = execute(plan_of(desired, live), live, START, lambda _op: None)
    assert result.failed is None


def actions(plan: Plan) -> list[tuple[str, str | None, str]]:
    return [(op.section, op.key, op.action.value) for op in plan.ops]


# Keys with and without dots, the empty key, and values of every kind.
names = st.text("ab._", max_size=4)
scalars = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5]) | st.text("xy\n", max_size=3)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
cores = st.dictionaries(names, values, max_size=4)
skills = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abcd")},
        optional={
            "body": st.text("xy\n", max_size=3) | st.none(),
            "enabled": st.booleans(),
            "id": st.just("skill_theirs"),
            "updatedAt": st.just("2020-01-01T00:00:00.000Z"),
            "linkedServerIds": st.lists(st.sampled_from("mn"), max_size=2),
        },
    ),
    max_size=4,
    unique_by=lambda skill: str(skill["name"]),
)
scopes = st.fixed_dictionaries(
    {},
    optional={
        "defaultSlotId": st.sampled_from(["root", "other"]),
        "scopes": st.lists(
            st.fixed_dictionaries(
                {"id": st.sampled_from("ef")},
                optional={"label": st.text("xy", max_size=2), "authorizedEmailCount": st.integers(0, 3)},
            ),
            max_size=2,
            unique_by=repr,
        ),
    },
)
domains = st.lists(st.sampled_from(["a.example", "b.example"]).map(lambda name: {"domain": name}), unique_by=str)
telemetry = st.fixed_dictionaries({}, optional={"retentionMonths": st.integers(1, 24)})
specs = st.fixed_dictionaries(
    {},
    optional={"core": cores, "skills": skills, "scopes": scopes, "domains": domains, "telemetry": telemetry},
)
documents = st.builds(document, specs, prune=st.booleans())


@given(specs)
def test_the_exported_document_plans_nothing_but_noops(live: Json) -> None:
    bot = chatbot(live)
    exported = config_document(read_config(bot, START), EVERYTHING)
    assert {op.action for op in plan_of(exported, bot).ops} <= {Action.NOOP}


@given(documents, specs)
def test_after_an_apply_the_same_document_plans_nothing_but_noops(desired: Json, live: Json) -> None:
    bot = chatbot(live)
    apply_all(desired, bot)
    assert {op.action for op in plan_of(desired, bot).ops} <= {Action.NOOP}


@given(documents, specs)
def test_the_same_document_and_state_give_the_same_plan(desired: Json, live: Json) -> None:
    config = read_config(chatbot(live), START)
    assert plan_document(desired, config) == plan_document(desired, config)


@given(specs, specs)
def test_without_prune_nothing_is_ever_deleted(desired: Json, live: Json) -> None:
    plan = plan_of(document(desired, prune=False), chatbot(live))
    assert all(op.action is not Action.DELETE for op in plan.ops)


@given(documents, specs)
def test_planning_changes_neither_document_nor_state(desired: Json, live: Json) -> None:
    config = read_config(chatbot(live), START)
    before = repr((desired, config))
    plan_document(desired, config)
    assert repr((desired, config)) == before


@given(documents, specs)
def test_sections_that_are_not_stated_are_never_named(desired: Json, live: Json) -> None:
    assert {op.section for op in plan_of(desired, chatbot(live)).ops} <= desired["spec"].keys()


@given(documents, specs)
def test_ops_carry_the_fields_of_their_action(desired: Json, live: Json) -> None:
    for op in plan_of(desired, chatbot(live)).as_json()["ops"]:
        expected = {
            "create": {"after"},
            "update": {"before", "after", "changedFields"},
            "delete": {"before"},
            "noop": {"before", "after"},
        }[op["action"]]
        assert op.keys() - {"section", "action", "key"} == expected
        assert op.get("changedFields", []) == sorted(set(op.get("changedFields", [])))


def test_every_default_chatbot_exports_to_a_plan_of_noops() -> None:
    for bot in default_fleet():
        exported = config_document(read_config(bot, START), EVERYTHING)
        plan = plan_of(exported, bot)
        assert plan.ops
        assert {op.action for op in plan.ops} == {Action.NOOP}


def test_ops_come_in_the_order_of_sections_and_then_of_keys() -> None:
    live = chatbot({"skills": [{"name": "m"}, {"name": "a"}], "domains": [{"domain": "x.example"}]})
    desired = {
        "domains": [],
        "skills": [{"name": "z"}, {"name": "a", "body": "new"}],
        "core": {"name": "Acme"},
        "mcpServers": [{"name": "crm"}],
    }
    plan = plan_of(document(desired), live)
    assert actions(plan) == [
        ("core", None, "update"),
        ("mcpServers", "crm", "create"),
        ("skills", "a", "update"),
        ("skills", "m", "delete"),
        ("skills", "z", "create"),
        ("domains", "x.example", "delete"),
    ]
    assert plan.as_json()["summary"] == {"create": 2, "update": 2, "delete": 2, "noop": 0}


def test_the_plan_follows_the_sections_of_the_contract() -> None:
    stated: Json = {"skills": [], "telemetry": {}, "scopes": {}, "core": {}, "accessLists": {}}
    sections = [op.section for op in plan_of(document(stated), chatbot({})).ops]
    assert sections == [section for section in SECTIONS if section in stated and section != "skills"]


def test_prune_is_on_unless_it_is_switched_off() -> None:
    live = chatbot({"domains": [{"domain": "old.example"}]})
    assert actions(plan_of(document({"domains": []}), live)) == [("domains", "old.example", "delete")]
    assert actions(plan_of(document({"domains": []}, prune=None), live)) == [("domains", "old.example", "delete")]
    assert actions(plan_of(document({"domains": []}, prune=False), live)) == []


def test_only_stated_fields_are_compared_and_written() -> None:
    live = chatbot({"core": {"name": "Acme", "behavior": {"systemPrompt": "old", "tone": "warm"}}})
    desired = document({"core": {"behavior": {"systemPrompt": "new"}}})
    (op,) = plan_of(desired, live).ops
    assert op.changed_fields == ("behavior.systemPrompt",)
    apply_all(desired, live)
    assert live.section("core") == {"name": "Acme", "behavior": {"systemPrompt": "new", "tone": "warm"}}


def test_arrays_are_compared_and_replaced_as_a_whole() -> None:
    live = chatbot({"accessLists": {"authorizedEmails": ["a@x.example", "b@x.example"]}})
    desired = document({"accessLists": {"authorizedEmails": ["b@x.example", "a@x.example"]}})
    (op,) = plan_of(desired, live).ops
    assert op.changed_fields == ("authorizedEmails",)
    apply_all(desired, live)
    assert live.section("accessLists")["authorizedEmails"] == ["b@x.example", "a@x.example"]


@pytest.mark.parametrize(
    ("stated", "live", "changed"),
    [
        ({"a.b": 1}, {"a.b": 2}, ("a.b",)),
        ({"a.b": {"c": 1}}, {"a.b": {"c": 2}}, ("a.b",)),
        ({"a": {"b.c": 1}}, {"a": {"b.c": 2}}, ("a",)),
        ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 0, "d": 0}}}, ("a.b.c", "a.b.d")),
        ({"a": {"b": 1}}, {"a": 1}, ("a",)),
        ({"a": {}}, {}, ("a",)),
        ({"a": None}, {}, ("a",)),
        ({"a": True}, {"a": 1}, ("a",)),
        ({"a": 1}, {"a": 1.0}, None),
        ({"a": {}}, {"a": {"b": 1}}, None),
    ],
)
def test_changed_fields_name_the_innermost_place(stated: Json, live: Json, changed: tuple[str, ...] | None) -> None:
    (op,) = plan_of(document({"core": stated}), chatbot({"core": live})).ops
    assert op.action is (Action.NOOP if changed is None else Action.UPDATE)
    assert op.changed_fields == (changed or ())


def test_server_owned_fields_in_a_document_never_make_an_op() -> None:
    live = chatbot(
        {
            "skills": [{"id": "skill_1", "name": "a", "source": "manual", "createdAt": "2026-01-01T00:00:00.000Z"}],
            "accessProtection": {"jwtConfig": {"hasSecret": True}},
            "scopes": {"scopes": [{"id": "s", "label": "S", "authorizedEmailCount": 4}]},
        }
    )
    desired = document(
        {
            "skills": [{"id": "skill_2", "name": "a", "source": "imported", "createdAt": "x"}],
            "accessProtection": {"jwtConfig": {"hasSecret": False}},
            "scopes": {"scopes": [{"id": "s", "label": "S", "authorizedEmailCount": 0}]},
        }
    )
    assert {op.action for op in plan_of(desired, live).ops} == {Action.NOOP}


def test_a_write_keeps_what_the_server_owns() -> None:
    live = chatbot(
        {
            "skills": [{"id": "skill_1", "name": "a", "source": "imported"}],
            "scopes": {"scopes": [{"id": "s", "label": "old", "authorizedEmailCount": 4}]},
        }
    )
    apply_all(
        document({"skills": [{"name": "a", "body": "b"}], "scopes": {"scopes": [{"id": "s", "label": "n"}]}}), live
    )
    (skill,) = live.section("skills")
    assert (skill["id"], skill["source"], skill["body"]) == ("skill_1", "imported", "b")
    assert live.section("scopes")["scopes"] == [{"id": "s", "label": "n", "authorizedEmailCount": 4}]


def test_before_and_after_are_the_whole_item_and_a_create_shows_what_is_stated() -> None:
    live = chatbot({"skills": [{"id": "skill_1", "name": "a", "body": "old", "enabled": True}]})
    update, create = plan_of(document({"skills": [{"name": "a", "body": "new"}, {"name": "b"}]}), live).ops
    assert update.before == {"id": "skill_1", "name": "a", "body": "old", "enabled": True}
    assert update.after == {"id": "skill_1", "name": "a", "body": "new", "enabled": True}
    assert create.before is None
    assert create.after == {"name": "b"}


def test_a_created_item_gets_the_fields_of_the_server() -> None:
    live = chatbot({})
    apply_all(document({"skills": [{"name": "a"}], "domains": [{"domain": "x.example"}]}), live)
    (skill,) = live.section("skills")
    assert skill.keys() >= {"id", "createdAt", "updatedAt", "enabled", "mode", "source"}
    assert live.section("domains") == [{"domain": "x.example"}]


def test_execution_stops_at_the_first_failure() -> None:
    live = chatbot({})
    plan = plan_of(document({"core": {"name": "A"}, "skills": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}), live)

    def failure_of(op: Op) -> OpError | None:
        return OpError(409, "conflict", "no") if op.key == "b" else None

    result = execute(plan, live, START, failure_of)
    assert [entry.get("key") for entry in result.applied_json()] == [None, "a"]
    failed = result.failed_json()
    assert failed is not None
    assert (failed["op"]["key"], failed["status"], failed["code"], failed["message"]) == ("b", 409, "conflict", "no")
    assert [skill["name"] for skill in live.section("skills")] == ["a"]


def test_each_change_moves_updated_at_also_when_the_clock_stands_still() -> None:
    live = chatbot({})
    seen = [live.updated_at]
    for name in "abc":
        apply_all(document({"core": {"name": name}}), live)
        seen.append(live.updated_at)
    assert seen == sorted(set(seen))
    apply_all(document({"core": {"name": "c"}}), live)
    assert live.updated_at == seen[-1]


@given(values)
def test_a_value_is_the_same_as_itself(value: Any) -> None:
    assert same(value, value)


@pytest.mark.parametrize(("stated", "live"), [(["a"], ["a", "b"]), (["a", "b"], ["a"]), ([], ["a"]), (["a"], [])])
def test_a_list_that_grew_or_shrank_at_its_end_is_an_update(stated: list[str], live: list[str]) -> None:
    (op,) = plan_of(document({"core": {"tags": stated}}), chatbot({"core": {"tags": live}})).ops
    assert (op.action, op.changed_fields) == (Action.UPDATE, ("tags",))


def test_only_an_op_that_changes_something_can_fail() -> None:
    live = chatbot({"core": {"name": "a"}, "externalApi": {"enabled": False}})
    desired = document({"core": {"name": "a"}, "externalApi": {"enabled": True}})
    refusal = OpError(409, "conflict", "Ordered by the test.")
    result = execute(plan_of(desired, live), live, START, lambda op: refusal if op.section == "core" else None)
    assert result.failed is None
    assert live.config["externalApi"]["enabled"] is True
