"""Rule 6: deletes are special. Rule 5: how much may vanish."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.plan import Action, Op
from reconciler.domain.policy import Policy, Protection, protected_items, requirements, vanished_share


def deletes(section: str, count: int) -> list[Op]:
    return [Op(section, Action.DELETE, f"{section}-{n}", before={}) for n in range(count)]


def body(**sections: Any) -> dict[str, Any]:
    return {"spec": sections}


def test_deletes_up_to_the_limit_pass() -> None:
    assert requirements(deletes("skills", 2), body(skills=[{}]), Policy()).delete_override is None


def test_more_deletes_need_an_override_that_prints_count_limit_and_setting() -> None:
    why = requirements(deletes("skills", 3), body(skills=[{}]), Policy()).delete_override
    assert why == "it deletes 3 items, more than policy.max_deletes = 2"


def test_emptying_a_section_needs_an_override() -> None:
    assert requirements(deletes("domains", 1), body(domains=[]), Policy()).delete_override == "it empties domains"


@pytest.mark.parametrize(
    ("number", "names"), [(1, "1 MCP server (mcpServers-0)"), (2, "2 MCP servers (mcpServers-0, mcpServers-1)")]
)
def test_deleting_an_mcp_server_needs_an_override_and_says_why(number: int, names: str) -> None:
    ops = [*deletes("mcpServers", number)[::-1], *deletes("skills", 1)]
    why = requirements(ops, body(mcpServers=[{}], skills=[{}]), Policy(max_deletes=9)).delete_override
    assert why == f"it deletes {names}, whose credentials are not in git: this cannot be undone"


def test_several_reasons_for_an_override_are_told_one_after_the_other() -> None:
    ops = [*deletes("mcpServers", 1), *deletes("domains", 2)]
    why = requirements(ops, body(mcpServers=[{}], domains=[]), Policy()).delete_override
    assert why == (
        "it deletes 3 items, more than policy.max_deletes = 2; it empties domains; it deletes 1 MCP server "
        "(mcpServers-0), whose credentials are not in git: this cannot be undone"
    )


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE])
def test_creates_and_updates_never_need_one(action: Action) -> None:
    ops = [Op("mcpServers", action, f"s{n}") for n in range(9)]
    assert requirements(ops, body(mcpServers=[]), Policy()).delete_override is None


def emptied_section(section: str, before: dict[str, Any]) -> Op:
    after = {name: [] for name in before}
    return Op(section, Action.UPDATE, None, before, after, tuple(sorted(before)))


def test_what_updates_take_away_counts_against_the_same_limit() -> None:
    emails = {"authorizedEmails": ["a", "b", "c"]}
    op = Op("accessLists", Action.UPDATE, None, emails, {"authorizedEmails": ["c"]}, ("authorizedEmails",))
    kept = body(skills=[{}], accessLists={"authorizedEmails": ["c"]})
    assert requirements([op], kept, Policy()).delete_override is None
    why = requirements([op, *deletes("skills", 1)], kept, Policy()).delete_override
    assert why == (
        "it deletes 1 item and removes 2 entries from accessLists.authorizedEmails: 3 losses, "
        "more than policy.max_deletes = 2"
    )


def test_a_list_within_a_section_that_is_emptied_needs_an_override() -> None:
    op = emptied_section("scopes", {"scopes": [{"id": "a"}]})
    why = requirements([op], body(scopes={"scopes": [], "defaultScopeLabel": "All"}), Policy()).delete_override
    assert why == "it empties scopes.scopes"


def test_a_section_that_is_left_with_nothing_needs_an_override() -> None:
    op = emptied_section("accessLists", {"authorizedEmails": ["a"]})
    why = requirements([op], body(accessLists={"authorizedEmails": [], "authorizedDomains": []}), Policy())
    assert why.delete_override == "it empties accessLists"


def test_a_protection_that_is_lifted_counts() -> None:
    op = Op("accessProtection", Action.UPDATE, None, {"enabled": True}, {"enabled": False}, ("enabled",))
    kept = body(accessProtection={"enabled": False})
    assert requirements([op], kept, Policy(max_deletes=0)).delete_override == (
        "it lifts the protection accessProtection.enabled: 1 loss, more than policy.max_deletes = 0"
    )
    assert requirements([op], kept, Policy(delete_approvals=3)).approvals == 3


@given(st.sets(st.text(max_size=3)), st.sets(st.text(max_size=3)))
def test_the_vanished_share_lies_between_0_and_1_and_is_0_when_nothing_is_gone(before: set[str], now: set[str]) -> None:
    share = vanished_share(before - now, len(before))
    assert 0 <= share <= 1
    assert (share == 0) == (before <= now)
    assert vanished_share(before - (before | now), len(before)) == 0


def test_a_plan_that_deletes_may_need_more_people() -> None:
    policy = Policy(approvals=1, delete_approvals=3)
    assert requirements(deletes("skills", 1), body(skills=[{}]), policy).approvals == 3
    assert requirements([Op("skills", Action.UPDATE, "a")], body(skills=[{}]), policy).approvals == 1
    assert requirements(deletes("skills", 1), body(skills=[{}]), Policy(approvals=2)).approvals == 2


def protected(op: Op, *patterns: str) -> list[str]:
    policy = Policy(protected=tuple(Protection.parse(pattern) for pattern in patterns))
    return [str(item) for item in protected_items("bot_vip", [op], policy)]


REFUNDS = Op("skills", Action.UPDATE, "refunds", changed_fields=("body",))
TONE = Op("core", Action.UPDATE, None, changed_fields=("behavior.tone",))


@pytest.mark.parametrize(
    ("op", "pattern", "said"),
    [
        (Op("skills", Action.DELETE, "refunds"), "*/skills/refunds", 'skills "refunds" (*/skills/refunds)'),
        (REFUNDS, "bot_*/skills/*", 'skills "refunds" (bot_*/skills/*)'),
        (TONE, "*/core/behavior.*", 'core "behavior.tone" (*/core/behavior.*)'),
        (Op("core", Action.DELETE, None), "*/core/name", "core (*/core/name)"),
    ],
)
def test_protected_is_what_a_pattern_covers(op: Op, pattern: str, said: str) -> None:
    assert protected(op, pattern) == [said]


@pytest.mark.parametrize(
    ("op", "pattern"),
    [
        (Op("skills", Action.CREATE, "refunds"), "*/*/*"),
        (Op("skills", Action.NOOP, "refunds"), "*/*/*"),
        (Op("skills", Action.DELETE, "refunds"), "*/skills/Refunds"),
        (Op("skills", Action.DELETE, "refunds"), "other/*/*"),
        (Op("core", Action.UPDATE, None, changed_fields=("name",)), "*/core/behavior.*"),
        # in a section with keys the key is the item's, never a field's
        (Op("skills", Action.UPDATE, "refunds", changed_fields=("body",)), "*/skills/body"),
    ],
)
def test_what_no_pattern_covers_and_what_is_created_is_not_protected(op: Op, pattern: str) -> None:
    assert protected(op, pattern) == []


@pytest.mark.parametrize("text", ["", "skills", "*/skills", "/skills/a", "a//b", "a/b/"])
def test_a_pattern_has_three_parts(text: str) -> None:
    with pytest.raises(ValueError, match="chatbot/section/key"):
        Protection.parse(text)


def test_what_follows_the_section_is_the_key_whatever_it_holds() -> None:
    assert Protection.parse("*/skills/a/b") == Protection("*", "skills", "a/b")


def test_a_name_is_protected_however_its_accents_are_written() -> None:
    composed, apart = "caf\u00e9", "cafe\u0301"
    for key, pattern in ((composed, apart), (apart, composed)):
        assert protected(Op("skills", Action.DELETE, key), f"*/skills/{pattern}") != []
        assert protected(Op("skills", Action.DELETE, key), f"*/skills/{pattern}*") != []
        field = Op("core", Action.UPDATE, None, {key: 1}, {key: 2}, (key,))
        assert protected(field, f"*/core/{pattern}") != []
    assert protected(Op("skills", Action.DELETE, "cafe"), f"*/skills/{composed}") == []


def test_a_bracket_in_a_key_is_a_bracket() -> None:
    item = Op("skills", Action.DELETE, "vip [prod]")
    assert protected(item, "*/skills/vip [prod]") == ['skills "vip [prod]" (*/skills/vip [prod])']
    assert protected(item, "*/skills/*[prod]") != []
    assert protected(Op("skills", Action.DELETE, "vip p"), "*/skills/vip [prod]") == []


def test_the_vanished_share_is_one_of_what_was_there_however_much_is_new() -> None:
    assert vanished_share({"a", "b"} - {"c", "d", "e", "f", "g"}, 2) == 1
    assert vanished_share({"a", "b"} - {"b", "c", "d", "e"}, 2) == 0.5


@pytest.mark.parametrize("pattern", ["*/core/behavior.tone", "*/core/name", "*/core/aiConfig.model"])
def test_every_changed_field_of_an_op_is_held_against_what_is_protected(pattern: str) -> None:
    changed = ("behavior.tone", "name", "aiConfig.model")
    assert len(protected(Op("core", Action.UPDATE, None, changed_fields=changed), pattern)) == 1
