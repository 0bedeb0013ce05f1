from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.direction import DirectedOp, common
from reconciler.domain.escaping import is_unseen
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.render.plan_summary import SummaryTone, overwritten, sentence, side_unknown, taken_away

GIT, LIVE, BOTH, UNKNOWN = Direction.GIT_AHEAD, Direction.LIVE_AHEAD, Direction.DIVERGED, Direction.UNKNOWN
ON, OFF = True, False
PROMPT = "You help the customers of Acme with their orders. Be brief, be kind, and never promise a date."


def update(
    section: str, key: str | None, before: dict[str, Any], after: dict[str, Any], **sides: Direction
) -> DirectedOp:
    names = tuple(sorted({*before, *after}))
    fields = {name: sides.get(name, GIT) for name in names}
    return DirectedOp(Op(section, Action.UPDATE, key, before, after, names), common(fields.values()), fields)


def create(section: str, key: str | None, side: Direction = GIT) -> DirectedOp:
    return DirectedOp(Op(section, Action.CREATE, key, None, {"name": key}), side)


def delete(section: str, key: str | None, side: Direction = GIT) -> DirectedOp:
    return DirectedOp(Op(section, Action.DELETE, key, {"name": key}, None), side)


def said(*ops: DirectedOp) -> str:
    return "".join(part.text for part in sentence(ops))


def core(name: str, before: Any, after: Any, side: Direction = GIT) -> DirectedOp:
    return field("core", None, name, before, after, side)


def field(section: str, key: str | None, name: str, before: Any, after: Any, side: Direction = GIT) -> DirectedOp:
    """An update of one field; an absent value is `...`."""
    old, new = ({} if value is ... else {name: value} for value in (before, after))
    return DirectedOp(Op(section, Action.UPDATE, key, old, new, (name,)), side, {name: side})


def lost(*ops: DirectedOp) -> list[str]:
    return [part.text for part in sentence(ops) if part.tone is SummaryTone.LOSS]


def test_a_server_at_another_host_is_named_as_a_loss_in_the_sentence_and_the_list() -> None:
    moved = field("mcpServers", "crm", "url", "https://crm.acme.example/mcp", "https://other.example/mcp")
    assert said(moved) == "Points the URL of the MCP server crm elsewhere."
    assert taken_away([moved]) == ("points the URL of the MCP server crm elsewhere",)
    emptied = [core(f"field{number}", "x", "") for number in range(5)]
    assert lost(*emptied, moved)[0] == "Points the URL of the MCP server crm elsewhere"


def test_a_plan_is_said_in_one_sentence_with_the_loss_last() -> None:
    ops = (
        delete("domains", "old.acme.example"),
        update("core", None, {"appearance.firstMessage": "Hi"}, {"appearance.firstMessage": "Hello"}),
        update("skills", "refunds", {"mode": "always"}, {"mode": "on_demand"}),
        *(create("skills", name) for name in "abcd"),
    )
    assert said(*ops) == (
        "Changes the first message from “Hi” to “Hello”, "
        "changes the mode of the skill refunds from “always” to “on_demand”, adds 4 skills, "
        "and deletes the domain old.acme.example."
    )
    assert lost(*ops) == ["deletes the domain old.acme.example"]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (PROMPT.replace("brief", "short"), "Changes a few words of the system prompt."),
        (
            PROMPT.replace("Be brief, be kind, and never", "Take your time; always"),
            "Rewrites parts of the system prompt.",
        ),
        ("Something else altogether that nobody has read before, and more of it.", "Rewrites the system prompt."),
        (PROMPT.replace(" ", "  "), "Changes only blanks in the system prompt."),
        (" ".join(reversed(PROMPT.split())), "Rewrites the system prompt."),
        (f"{PROMPT} {PROMPT} {PROMPT}", "Adds to the system prompt."),
        (PROMPT.partition(",")[0], "Cuts from the system prompt."),
        ("x " * 120_000, "Changes the system prompt."),
    ],
)
def test_how_much_of_a_text_changes_is_said(after: str, expected: str) -> None:
    name = "behavior.systemPrompt"
    assert said(update("core", None, {name: PROMPT}, {name: after})) == expected


def test_a_text_within_an_object_is_found() -> None:
    before, after = ({"behavior": {"systemPrompt": text, "other": 1}} for text in (PROMPT, PROMPT + " Really."))
    assert said(update("core", None, before, after)) == "Adds to the system prompt."


def test_of_many_fields_the_texts_are_named() -> None:
    before = {"a": 1, "b": 1, "c": 1, "prompt": PROMPT}
    after = {"a": 2, "b": 2, "c": 2, "prompt": "Another one."}
    assert said(update("core", None, before, after)) == (
        "Changes the a from 1 to 2, changes the b from 1 to 2, changes the c from 1 to 2, and rewrites the prompt."
    )


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        ((), "Changes nothing."),
        ((create("skills", "a"), create("skills", "b")), "Adds the skills a and b."),
        ((delete("domains", "a"), delete("domains", "b"), delete("domains", "c")), "Deletes the domains a, b and c."),
        ((create("telemetry", None),), "Sets the telemetry."),
        (
            (create("telemetry", None, LIVE), create("skills", "a", LIVE)),
            "Puts back the telemetry and puts back the skill a.",
        ),
        ((update("telemetry", None, {"level": "full"}, {}),), "Removes the level of the telemetry."),
        ((create("widgets", "w"),), "Adds the item of widgets w."),
    ],
)
def test_items_are_named_or_counted(ops: tuple[DirectedOp, ...], expected: str) -> None:
    assert said(*ops) == expected


@pytest.mark.parametrize(
    ("op", "clause"),
    [
        (core("behavior.systemPrompt", PROMPT, ""), "empties the system prompt"),
        (core("behavior.systemPrompt", PROMPT, " \n\u200b"), "empties the system prompt"),
        (core("behavior.systemPrompt", PROMPT, None), "removes the system prompt"),
        (core("behavior.systemPrompt", PROMPT, ...), "removes the system prompt"),
        (core("behavior", {"systemPrompt": PROMPT, "a": 1}, {"a": 1}), "removes the system prompt"),
        (core("behavior", {"systemPrompt": PROMPT}, None), "removes the behavior"),
        (core("behavior.systemPrompt", PROMPT, "", LIVE), "empties the system prompt"),
        (core("logoUrl", "https://acme.example/logo.svg", ""), "empties the logo"),
        (core("aiConfig.temperature", 0, None), "removes the temperature"),
        (
            field("accessLists", None, "authorizedEmails", ["a@acme.example"], []),
            "empties the authorized emails of the access lists",
        ),
        (field("scopes", None, "scopes", [{"id": "a"}], []), "empties the knowledge scopes"),
        (field("skills", "refunds", "body", PROMPT, ""), "empties the body of the skill refunds"),
        (field("telemetry", None, "level", "full", ...), "removes the level of the telemetry"),
        (field("accessProtection", None, "enabled", ON, ...), "no longer says whether access protection is on"),
        (core("aiConfig.webSearchEnabled", OFF, None), "no longer says whether the web search is on"),
    ],
)
def test_what_an_update_empties_is_said_as_a_loss(op: DirectedOp, clause: str) -> None:
    assert said(op) == f"{clause[0].upper()}{clause[1:]}."
    assert lost(op) == [f"{clause[0].upper()}{clause[1:]}"]
    assert taken_away((op,)) == (clause,)


@pytest.mark.parametrize(
    "op",
    [
        core("logoUrl", "", None),
        core("logoUrl", None, "https://acme.example/logo.svg"),
        core("topics", [], ...),
        core("aiConfig.temperature", 0.7, 0),
        core("aiConfig.inlineCitations", ON, OFF),
        create("skills", "a"),
        delete("skills", "a"),
        DirectedOp(Op("skills", Action.NOOP, "a", {"body": "x"}, {"body": "x"}), Direction.IN_SYNC),
    ],
)
def test_what_was_empty_or_still_says_something_is_not_emptied(op: DirectedOp) -> None:
    assert taken_away((op,)) == ()


def test_what_is_emptied_is_told_in_the_order_of_the_ops() -> None:
    ops = (
        delete("domains", "old.example"),
        field("skills", "b", "body", PROMPT, ""),
        update("core", None, {"a": "x", "b": [1], "c": 1}, {"a": "", "b": [], "c": 2}),
        field("skills", "a", "mode", "always", None),
    )
    assert taken_away(ops) == (
        "empties the body of the skill b",
        "empties the a",
        "empties the b",
        "removes the mode of the skill a",
    )


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (field("skills", "refunds", "enabled", ON, OFF), "Switches the skill refunds off."),
        (field("skills", "refunds", "enabled", OFF, ON), "Switches the skill refunds on."),
        (field("skills", "refunds", "enabled", OFF, ON, LIVE), "Switches the skill refunds back on."),
        (field("mcpServers", "crm", "enabled", ON, OFF), "Switches the MCP server crm off."),
        (field("externalApi", None, "enabled", ON, OFF), "Switches the external API off."),
        (field("accessProtection", None, "enabled", OFF, ON), "Switches access protection on."),
        (field("accessProtection", None, "enabled", ..., ON), "Switches access protection on."),
        (core("enabled", ON, OFF), "Switches the chatbot off."),
        (core("salesAgentEnabled", OFF, ON), "Switches the sales agent on."),
        (core("aiConfig.webSearchEnabled", ON, OFF), "Switches the web search off."),
        (core("behavior.handover.enabled", ON, OFF), "Switches the handover off."),
        (core("requireAuth", OFF, ON), "Switches the sign-in requirement on."),
        (core("aiConfig.inlineCitations", ON, OFF), "Changes the inline citations from yes to no."),
    ],
)
def test_a_switch_is_said_to_be_switched(op: DirectedOp, expected: str) -> None:
    assert said(op) == expected
    assert lost(op) == []


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (field("accessProtection", None, "enabled", ON, OFF), "Switches access protection off"),
        (field("accessProtection", None, "enabled", ON, OFF, LIVE), "Switches access protection back off"),
        (field("accessProtection", None, "enabled", ..., OFF), "Switches access protection off"),
        (core("requireAuth", ON, OFF), "Switches the sign-in requirement off"),
        (
            field("accessProtection", None, "jwtConfig", {"enabled": True}, {"enabled": False}),
            "Switches the JWT config of the access protection off",
        ),
        (
            field("accessProtection", None, "enabled", ON, "no"),
            "Changes the on/off switch of the access protection from yes to “no”",
        ),
        (
            field("telemetry", None, "level", "anonymized", "full"),
            "Changes the level of the telemetry from “anonymized” to “full”",
        ),
        (
            field("telemetry", None, "retentionMonths", 6, 3),
            "Changes the retention months of the telemetry from 6 to 3",
        ),
        (
            field("accessLists", None, "authorizedDomains", ["acme.example"], ["acme.example", "*"]),
            "Opens the authorized domains of the access lists to everybody",
        ),
        (field("skills", "a", "requireAuth", ON, OFF), "Switches the sign-in requirement of the skill a off"),
    ],
)
def test_a_protection_that_is_lifted_is_a_loss(op: DirectedOp, expected: str) -> None:
    assert said(op) == f"{expected}."
    assert lost(op) == [expected]
    assert taken_away((op,)) == (f"{expected[0].lower()}{expected[1:]}",)


@pytest.mark.parametrize(
    ("before", "after", "clause"),
    [
        (["a", "b"], ["b"], "removes a from the authorized emails of the access lists"),
        (["a", "b", "c"], ["c"], "removes a and b from the authorized emails of the access lists"),
        (list("abcdef"), ["f"], "removes 5 entries from the authorized emails of the access lists"),
        (["a"], ["b"], "removes a from the authorized emails of the access lists"),
    ],
)
def test_what_is_gone_from_a_list_is_named(before: list[str], after: list[str], clause: str) -> None:
    assert taken_away((field("accessLists", None, "authorizedEmails", before, after),)) == (clause,)


def test_a_loss_within_an_entry_of_a_list_says_of_which_one() -> None:
    scopes = [{"id": "billing", "requireAuth": True}], [{"id": "billing", "requireAuth": False}]
    op = field("scopes", None, "scopes", *scopes)
    assert taken_away((op,)) == ("lifts the protection scopes.scopes[billing].requireAuth",)
    assert lost(op) == ["Lifts the protection scopes.scopes[billing].requireAuth"]


def test_items_switched_alike_are_said_together() -> None:
    ops = [
        field("skills", "a", "enabled", ON, OFF),
        field("skills", "b", "enabled", OFF, ON),
        field("skills", "c", "enabled", ON, OFF),
        *(field("mcpServers", name, "enabled", OFF, ON, LIVE) for name in "abcd"),
    ]
    assert said(*ops) == (
        "Switches the skills a and c off, switches the skill b on, and switches 4 MCP servers back on."
    )


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (core("aiConfig.temperature", 0.7, 0.1), "Changes the temperature from 0.7 to 0.1."),
        (core("aiConfig.temperature", ..., 0.1), "Sets the temperature to 0.1."),
        (core("status", "", "active"), "Sets the status to “active”."),
        (core("status", "active", "inactive", BOTH), "Changes the status from “active” to “inactive”."),
        (core("status", "active", "inactive", UNKNOWN), "Changes the status from “active” to “inactive”."),
        (core("status", "12", 12), "Changes the status from “12” to 12."),
        (core("name", "a" * 24, "b"), f"Changes the name from “{'a' * 24}” to “b”."),
        (core("name", "a" * 25, "b"), "Changes the name."),
        (core("name", "a\nb", "b"), "Changes the name."),
        (core("name", "a\u202eb", "b"), "Changes the name from “a\\u202eb” to “b”."),
        (core("name", "\u202e" * 9 + "a", "b"), "Changes the name."),
        (core("name", "a", "a "), "Changes only blanks in the name."),
        (core("seed", 10**30, 1), "Changes the seed."),
        (core("topics", ["a"], ["b"]), "Changes the topics."),
        (
            field("telemetry", None, "retentionMonths", 12, 24),
            "Changes the retention months of the telemetry from 12 to 24.",
        ),
        (field("skills", "a", "mode", "x", "y"), "Changes the mode of the skill a from “x” to “y”."),
    ],
)
def test_short_values_are_told(op: DirectedOp, expected: str) -> None:
    assert said(op) == expected


def test_values_are_not_told_of_many_fields() -> None:
    few = update("core", None, {"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2, "c": 2})
    many = update("core", None, dict.fromkeys("abcd", 1), dict.fromkeys("abcd", 2))
    assert said(few) == "Changes the a from 1 to 2, changes the b from 1 to 2, and changes the c from 1 to 2."
    assert said(many) == "Changes the a, changes the b, and changes 2 other fields of the core settings."
    others = [update(name, None, {"a": 1, "b": 1}, {"a": 2, "b": 2}) for name in ("telemetry", "externalApi")]
    assert " from " not in said(few, *others)


def test_a_long_prompt_is_weighed_however_many_short_fields_change_with_it() -> None:
    before = " ".join(f"word{number}" for number in range(9000))
    after = before.replace("word7 ", "other ").replace("word6000 ", "another ")
    many = {f"f{number}": 1 for number in range(99)}
    op = update("core", None, {**many, "prompt": before}, {**dict.fromkeys(many, 2), "prompt": after})
    assert said(op).startswith("Changes a few words of the prompt, changes the f0, and changes 98 other fields")


def test_of_a_single_item_with_few_fields_they_are_told() -> None:
    one = update("skills", "a", {"mode": "x", "body": PROMPT}, {"mode": "y", "body": "Another one."})
    three = update("skills", "b", dict.fromkeys("xyz", 1), dict.fromkeys("xyz", 2))
    assert said(one) == "Changes the mode of the skill a from “x” to “y” and rewrites the body of the skill a."
    assert said(three) == "Changes the skill b."
    assert said(one, three) == "Changes the skills a and b and rewrites the body of the skill a."


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (core("aiConfig.temperature", 0.7, 0.1, LIVE), "Puts the temperature back from 0.7 to 0.1."),
        (core("behavior.firstMessage", "Hi " * 9, "Hello " * 7, LIVE), "Puts back the first message."),
        (core("behavior.firstMessage", "", "Hello", LIVE), "Puts back the first message."),
        (core("p", PROMPT.replace("brief", "short"), PROMPT, LIVE), "Puts back a few words of the p."),
        (core("p", "Nobody has read this before, and nobody will read it again.", PROMPT, LIVE), "Puts back the p."),
        (core("p", f"{PROMPT} ", PROMPT, LIVE), "Puts back only blanks in the p."),
        (core("p", PROMPT.replace("brief", "short"), PROMPT, BOTH), "Changes a few words of the p."),
        (core("behavior", {"tone": "a"}, {"tone": "b"}, LIVE), "Puts the tone back from “a” to “b”."),
        (
            update("core", None, dict.fromkeys("abcd", 1), dict.fromkeys("abcd", 2), **dict.fromkeys("abcd", LIVE)),
            "Puts back the a, puts back the b, and puts back 2 other fields of the core settings.",
        ),
    ],
)
def test_a_live_edit_is_said_to_be_taken_back(op: DirectedOp, expected: str) -> None:
    assert said(op) == expected


def test_items_whose_live_edits_are_taken_back_are_told_apart_from_those_that_git_changes() -> None:
    ops = (
        field("skills", "a", "mode", "x", "y", LIVE),
        field("skills", "b", "mode", "x", "y"),
        update("skills", "c", {"mode": "x", "body": "x"}, {"mode": "y", "body": "y"}, mode=LIVE),
    )
    assert said(*ops) == "Changes the skills b and c and puts back the skill a."


def test_where_both_sides_moved_in_several_sections_all_is_one_sentence() -> None:
    ops = (
        delete("mcpServers", "crm"),
        field("accessLists", None, "authorizedEmails", ["a@acme.example"], []),
        field("accessProtection", None, "enabled", ON, OFF),
        update(
            "core", None, {"status": "a", "prompt": PROMPT}, {"status": "b", "prompt": f"{PROMPT} Really."}, status=LIVE
        ),
        update("skills", "refunds", {"enabled": False, "body": PROMPT}, {"enabled": True, "body": ""}, enabled=LIVE),
        create("skills", "new"),
    )
    assert said(*ops) == (
        "Adds to the prompt, puts the status back from “a” to “b”, switches the skill refunds back on, "
        "adds the skill new, switches access protection off, empties the authorized emails of the access lists, "
        "empties the body of the skill refunds, and deletes the MCP server crm."
    )
    assert lost(*ops) == [
        "switches access protection off",
        "empties the authorized emails of the access lists",
        "empties the body of the skill refunds",
        "deletes the MCP server crm",
    ]


def test_of_many_losses_each_protection_is_named() -> None:
    ops = [
        update(
            "core",
            None,
            {**dict.fromkeys("abc", "x"), "requireAuth": True},
            {**dict.fromkeys("abc", ""), "requireAuth": False},
        ),
        field("accessProtection", None, "enabled", ON, OFF),
        field("skills", "a", "requireAuth", ON, OFF),
    ]
    assert said(*ops) == (
        "Switches the sign-in requirement off, switches access protection off, "
        "switches the sign-in requirement of the skill a off, and empties or removes 3 other fields."
    )
    assert said(ops[0]) == "Switches the sign-in requirement off, empties the a, and empties or removes 2 other fields."


def test_an_update_whose_fields_are_not_known_is_still_said() -> None:
    ops = (
        DirectedOp(Op("skills", Action.UPDATE, "a"), UNKNOWN),
        DirectedOp(Op("core", Action.UPDATE), UNKNOWN),
    )
    assert said(*ops) == "Changes the core settings and changes the skill a."


@pytest.mark.parametrize(
    ("section", "name", "expected"),
    [
        ("accessLists", "authorizedEmails", "Changes the authorized emails of the access lists."),
        ("accessLists", "allowedEmbedDomains", "Changes the allowed embed domains of the access lists."),
        ("scopes", "scopes", "Changes the knowledge scopes."),
        ("scopes", "uiTree", "Changes the UI tree of the knowledge scopes."),
        ("core", "mcpServerIds", "Changes the MCP server IDs."),
        ("core", "HTTPServer", "Changes the http server."),
        ("core", "snake_case", "Changes the snake case."),
        ("core", "my-fieldName", "Changes the my-field name."),
        ("someSection", "x", "Changes the x of the some section."),
    ],
)
def test_names_are_said_as_words(section: str, name: str, expected: str) -> None:
    assert said(field(section, None, name, ["a"], ["b"])) == expected


@given(
    st.text(max_size=9),
    st.sampled_from(["core", "skills", "accessProtection"]),
    *[st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=9), st.lists(st.text(max_size=2)))] * 2,
    st.sampled_from(Direction),
)
def test_whatever_is_in_a_document_the_sentence_shows_it_and_is_whole(
    name: str, section: str, before: Any, after: Any, side: Direction
) -> None:
    op = field(section, name if section == "skills" else None, name, before, after, side)
    for text in (said(op), *taken_away((op,)), *overwritten((op,))):
        assert not any(map(is_unseen, text))
    assert said(op).endswith(".")
    assert bool(taken_away((op,))) <= bool(lost(op))


def test_the_live_edits_that_are_taken_back_are_told() -> None:
    ops = (
        update("skills", "refunds", {"enabled": False, "mode": "a"}, {"enabled": True, "mode": "b"}, enabled=LIVE),
        create("skills", "gone", LIVE),
        delete("domains", "new.example", LIVE),
        delete("domains", "old.example", GIT),
        core("aiConfig.temperature", 0.7, 0.1, LIVE),
        core("behavior", {"systemPrompt": "a", "tone": "x"}, {"systemPrompt": "b", "tone": "x"}, BOTH),
        core("status", "a", "b", UNKNOWN),
        field("accessLists", None, "authorizedEmails", ["a"], [], LIVE),
        field("scopes", None, "scopes", [{"id": "a"}], [], LIVE),
    )
    assert overwritten(ops) == (
        "skill refunds: enabled",
        "skill gone, deleted live",
        "domain new.example, added live",
        "temperature",
        "system prompt",
        "access lists: authorized emails",
        "knowledge scopes",
    )


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (create("skills", "a", UNKNOWN), True),
        (create("skills", "a", GIT), False),
        (core("status", "a", "b", UNKNOWN), True),
        (core("status", "a", "b", BOTH), False),
        (DirectedOp(Op("core", Action.UPDATE, None, {}, {}, ("a", "b")), BOTH, {"a": BOTH, "b": UNKNOWN}), True),
        (DirectedOp(Op("core", Action.NOOP), UNKNOWN), False),
    ],
)
def test_whether_the_side_is_unknown_is_told(op: DirectedOp, expected: bool) -> None:  # noqa: FBT001  a table
    assert side_unknown((create("skills", "other"), op)) is expected
