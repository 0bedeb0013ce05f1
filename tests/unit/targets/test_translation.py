"""Server-owned and unknown fields never reach the domain."""

from datetime import UTC, datetime
from typing import Any

import pytest

from api_client.models import ApplyResult, ChatbotConfigDocument, PublicChatbot
from reconciler.domain.apply_answers import ApplyAnswered, ApplyUnclear
from reconciler.domain.plan import Action
from reconciler.errors import BadAnswer, RequestRefused
from reconciler.targets.storable import DEEPEST
from reconciler.targets.translation import MAX_LISTED, answer_of, body_of, live_chatbots, moment, ops_of

SUMMARY = {"create": 0, "update": 0, "delete": 0, "noop": 0}


def _result(*ops: dict[str, Any], **more: Any) -> ApplyResult:
    return ApplyResult.model_validate(
        {"dryRun": True, "plan": {"ops": list(ops), "summary": SUMMARY}, **more}, extra="allow"
    )


def test_what_the_server_owns_or_the_contract_does_not_know_is_gone() -> None:
    item = {"id": "skill_1", "name": "refunds", "updatedAt": "2026-01-01T00:00:00Z", "futureField": 1, "mode": "always"}
    (op,) = ops_of(_result({"section": "skills", "action": "noop", "key": "refunds", "before": item, "after": item}))
    assert op.before == op.after == {"name": "refunds", "mode": "always"}


def test_core_is_kept_whole_with_its_nulls() -> None:
    (op,) = ops_of(_result({"section": "core", "action": "noop", "before": {"a": {"b": None}}}))
    assert op.before == {"a": {"b": None}}


def test_changed_fields_are_sorted_and_only_an_update_has_them() -> None:
    wire = {"section": "core", "before": {"a": 1, "b": 1}, "after": {"a": 2, "b": 2}, "changedFields": ["b", "a"]}
    update, noop = ops_of(_result({**wire, "action": "update"}, {**wire, "action": "noop"}))
    assert (update.action, update.changed_fields) == (Action.UPDATE, ("a", "b"))
    assert noop.changed_fields == ()


@pytest.mark.parametrize("named", [None, [], ["updatedAt"], ["tools[0].name"]])
def test_an_update_whose_fields_cannot_be_looked_up_is_bound_by_those_that_differ(named: list[str] | None) -> None:
    """Rule 2: else two different live values would have one fingerprint."""
    wire: dict[str, Any] = {"section": "skills", "action": "update", "key": "a", "changedFields": named}
    before, after = {"name": "a", "mode": "always"}, {"name": "a", "mode": "on_demand"}
    (op,) = ops_of(_result({**wire, "before": before, "after": after}))
    assert op.changed_fields == ("mode",)


def test_null_is_not_the_absence_of_a_field() -> None:
    for before, after in (({"a": None}, {}), ({}, {"a": None})):
        (op,) = ops_of(_result({"section": "core", "action": "update", "before": before, "after": after}))
        assert op.changed_fields == ("a",)


def test_one_that_becomes_true_differs() -> None:
    before, after = {"a": 1, "b": 1}, {"a": True, "b": 1}
    (op,) = ops_of(_result({"section": "core", "action": "update", "before": before, "after": after}))
    assert op.changed_fields == ("a",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}, "a.b": 1}),
        ({"a": {"b": 1}, "a.b": 1}, {"a": {"b": 2}, "a.b": 1}),
        ({"a.b": 1}, {"a": {"b": 2}}),
    ],
)
def test_two_fields_of_one_name_are_both_shown(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Rule 2: else the key that holds a dot would hide what changes in the object."""
    wire = {"section": "core", "action": "update", "before": before, "after": after, "changedFields": ["a.b"]}
    (op,) = ops_of(_result(wire))
    assert op.changed_fields == ("a", "a.b")
    assert (op.essence().after or {})["a"] == {"b": 2}


def test_an_answer_that_is_none_to_a_dry_run_is_refused() -> None:
    with pytest.raises(BadAnswer):
        ops_of(ApplyResult.model_validate({"dryRun": False, "plan": {"ops": [], "summary": SUMMARY}}))
    for op, place in (({"section": "skills"}, "skills"), ({}, "an op")):
        with pytest.raises(RequestRefused, match=f"^WizChat stopped the dry run at {place}: no$"):
            ops_of(_result(failed={"op": op, "message": "no"}))


def test_an_answer_that_is_none_to_an_apply_is_unclear() -> None:
    assert isinstance(answer_of(_result()), ApplyUnclear)


def test_an_answer_to_an_apply_that_cannot_be_kept_is_unclear() -> None:
    answer = answer_of(_result(dryRun=False, failed={"op": {"section": "\ud800"}}))
    assert answer == ApplyUnclear("WizChat's answer holds text or a number that cannot be kept (UnicodeEncodeError)")


def test_an_apply_says_what_was_done_and_what_failed() -> None:
    result = _result(
        dryRun=False,
        applied=[{"section": "core", "action": "noop", "noop": True}],
        failed={"op": {"section": "skills", "key": "a"}, "code": "conflict"},
    )
    assert answer_of(result) == ApplyAnswered(
        ({"section": "core", "action": "noop", "noop": True},),
        {"op": {"section": "skills", "key": "a"}, "code": "conflict"},
    )


def test_an_export_is_in_the_contracts_order_and_names_what_was_left_out() -> None:
    config = ChatbotConfigDocument.model_validate(
        {
            "apiVersion": "v1",
            "kind": "ChatbotConfig",
            "spec": {"skills": [{"id": "s", "name": "a"}], "core": {"name": "x", "y": None}, "tomorrow": {}},
            "_omittedSections": ["mcpServers"],
        },
        extra="allow",
    )
    body = body_of(config)
    assert body == {
        "apiVersion": "v1",
        "kind": "ChatbotConfig",
        "spec": {"core": {"name": "x", "y": None}, "skills": [{"name": "a"}]},
        "_omittedSections": ["mcpServers"],
    }
    assert list(body["spec"]) == ["core", "skills"]


@pytest.mark.parametrize("text", [None, "", "yesterday"])
def test_a_time_that_cannot_be_read_is_none(text: str | None) -> None:
    assert moment(text) is None


def test_a_time_without_a_zone_is_utc() -> None:
    assert moment("2026-01-02T03:04:05") == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_that_is_none_in_utc_is_none(text: str) -> None:
    assert moment(text) is None


def _nested(levels: int) -> Any:
    value: Any = "x"
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("levels", [DEEPEST, 300, 950])
@pytest.mark.parametrize("side", ["before", "after"])
def test_what_nests_too_deeply_to_be_written_again_is_refused_and_named(side: str, levels: int) -> None:
    """What runs out of the stack somewhere else takes the comparison of every other chatbot with it."""
    wire = {"section": "core", "action": "update", "before": {"name": "A"}, "after": {"name": "B"}}
    with pytest.raises(BadAnswer, match=f"nested deeper than {DEEPEST} levels, in core"):
        ops_of(_result({**wire, side: {"x": _nested(levels)}}))


def test_what_nests_as_deeply_as_documents_may_twice_over_is_kept() -> None:
    value = _nested(DEEPEST - 4)
    (op,) = ops_of(_result({"section": "core", "action": "create", "after": {"x": value}}))
    assert op.after == {"x": value}


@pytest.mark.parametrize("levels", [DEEPEST, 300, 950])
def test_an_export_that_nests_too_deeply_is_refused(levels: int) -> None:
    spec = {"core": {"name": "A", "x": _nested(levels)}}
    config = ChatbotConfigDocument.model_validate(
        {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": spec}, extra="allow"
    )
    with pytest.raises(BadAnswer, match="WizChat's dashboard"):
        body_of(config)


def test_an_export_that_cannot_be_kept_is_refused() -> None:
    spec = {"skills": [{"name": "a", "body": "\ud800"}]}
    config = ChatbotConfigDocument.model_validate({"apiVersion": "v1", "kind": "ChatbotConfig", "spec": spec})
    with pytest.raises(BadAnswer, match=r"cannot be kept \(UnicodeEncodeError\), in skills"):
        body_of(config)


@pytest.mark.parametrize("levels", [DEEPEST, 300, 950])
def test_an_answer_to_an_apply_that_nests_too_deeply_is_unclear(levels: int) -> None:
    failed = {"op": {"section": "core", "x": _nested(levels)}}
    assert isinstance(answer_of(_result(dryRun=False, failed=failed)), ApplyUnclear)


def _listed(*ids: str, name: str = "Acme") -> list[PublicChatbot]:
    return [PublicChatbot.model_construct(id=each, name=name) for each in ids]


def test_a_chatbot_that_the_list_repeats_is_one() -> None:
    assert [live.id for live in live_chatbots(_listed("a", "b", "a", "b", "A"))] == ["a", "b", "A"]


@pytest.mark.parametrize("chatbot_id", ["", ".", "..", "a\0b", "\ud800", "x" * 201])
def test_an_id_that_can_be_neither_kept_nor_asked_for_is_no_list(chatbot_id: str) -> None:
    with pytest.raises(BadAnswer, match=r"chatbots\.1"):
        live_chatbots(_listed("a", chatbot_id))


def test_a_list_without_end_is_no_list() -> None:
    with pytest.raises(BadAnswer, match=f"{MAX_LISTED} are the limit"):
        live_chatbots(_listed(*map(str, range(MAX_LISTED + 1))))


def test_a_name_that_is_no_text_in_utf8_is_shown_all_the_same() -> None:
    (live,) = live_chatbots(_listed("a", name="Ac\ud800me\0"))
    assert live.name == "Ac?me"
