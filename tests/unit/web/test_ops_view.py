"""What a plan's page shows of each op."""

from dataclasses import replace
from typing import Any

from reconciler.domain.direction import DirectedOp, SectionBaseline
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.web.plans.ops_view import OpsForm, in_sections, op_views

GIT, LIVE, BOTH, UNKNOWN = Direction.GIT_AHEAD, Direction.LIVE_AHEAD, Direction.DIVERGED, Direction.UNKNOWN
LONG = "A text that is too long to be shown in a table, as prompts are."


def update(before: dict[str, Any], after: dict[str, Any], **sides: Direction) -> DirectedOp:
    names = tuple(sorted({*before, *after}))
    return DirectedOp(
        Op("core", Action.UPDATE, None, before, after, names), GIT, {**dict.fromkeys(names, GIT), **sides}
    )


def delete(section: str, key: str) -> DirectedOp:
    return DirectedOp(Op(section, Action.DELETE, key, {"name": key, "url": LONG}, None), GIT)


def agreed(side: Direction, baseline: dict[str, SectionBaseline] | None = None) -> str:
    (view,) = op_views([update({"status": "live"}, {"status": "git"}, status=side)], baseline or {})
    return view.rows[0].agreed


def test_deletes_come_first_and_stand_apart() -> None:
    views = op_views([update({"a": 1}, {"a": 2}), delete("domains", "x"), delete("mcpServers", "crm")])
    assert [section.title for section in in_sections(views)] == ["Deleted", "Core settings"]
    assert [view.noun for view in views] == ["domain x", "MCP server crm", "core settings"]
    assert len({view.anchor for view in views}) == 3


def test_a_deleted_server_is_said_to_be_irreversible() -> None:
    domain, server = op_views([delete("domains", "x"), delete("mcpServers", "crm")])
    assert domain.note is None
    assert server.note is not None
    assert "cannot be undone" in server.note


def test_a_delete_shows_all_that_is_lost_taken_apart() -> None:
    before = {"name": "crm", "description": "crm", "auth": {"type": "oauth", "clientId": "c"}, "instructions": LONG}
    (view,) = op_views([DirectedOp(Op("mcpServers", Action.DELETE, "crm", before, None), GIT)])
    assert [(row.name, row.live) for row in view.rows] == [
        ("auth.clientId", "c"),
        ("auth.type", "oauth"),
        ("description", "crm"),
    ]
    assert [text.name for text in view.texts] == ["instructions"]


def test_a_text_is_cut_only_when_more_of_it_differs_than_is_shown() -> None:
    cut = {}
    for lines in (3_000, 3_001):
        (view,) = op_views([update({"prompt": LONG}, {"prompt": LONG + "\nx" * (lines - 1)})], view=OpsForm.UNIFIED)
        cut[lines] = (view.texts[0].change.is_cut, len(view.texts[0].change.lines))
    assert cut == {3_000: (False, 3_000), 3_001: (True, 3_000)}


def test_the_side_that_did_not_move_still_has_what_was_agreed() -> None:
    assert agreed(GIT) == "live"
    assert agreed(LIVE) == "git"
    assert agreed(UNKNOWN) == "not known"


def test_where_both_moved_only_the_baseline_knows() -> None:
    assert agreed(BOTH) == "not known"
    assert agreed(BOTH, {"core": SectionBaseline({"": {"status": "before"}})}) == "before"
    assert agreed(BOTH, {"core": SectionBaseline({"": {}})}) == "(not set)"


def test_an_object_is_taken_apart_down_to_what_differs() -> None:
    before, after = ({"behavior": {"prompt": prompt, "same": 1, "n": n}} for prompt, n in ((LONG, 1), (LONG + "!", 2)))
    (view,) = op_views([update(before, after, behavior=LIVE)])
    assert [(text.name, text.direction) for text in view.texts] == [("behavior.prompt", LIVE)]
    assert [(row.name, row.live, row.after) for row in view.rows] == [("behavior.n", "1", "2")]


def test_texts_come_before_nested_values() -> None:
    (view,) = op_views([update({"a": [{"x": LONG}], "z": LONG}, {"a": [{"x": 1, "y": LONG}], "z": LONG + "!"})])
    assert [text.name for text in view.texts] == ["z", "a"]


def test_a_view_is_filled_alone() -> None:
    op = update({"p": LONG}, {"p": LONG + "!"})
    (sides,), (unified,) = op_views([op]), op_views([op], view=OpsForm.UNIFIED)
    assert (bool(sides.texts[0].change.rows), bool(sides.texts[0].change.lines)) == (True, False)
    assert (bool(unified.texts[0].change.rows), bool(unified.texts[0].change.lines)) == (False, True)


def test_a_long_text_is_cut_unless_all_of_it_is_asked_for() -> None:
    op = update({"p": "a\n" * 5000}, {"p": "b\n" * 5000})
    (part,), (whole,) = op_views([op], view=OpsForm.UNIFIED), op_views([op], view=OpsForm.UNIFIED, whole=True)
    assert (part.texts[0].change.is_cut, whole.texts[0].change.is_cut) == (True, False)
    assert len(whole.texts[0].change.lines) > len(part.texts[0].change.lines)


def test_many_texts_share_what_is_shown() -> None:
    fields = {f"p{number}": "word " * 20_000 for number in range(30)}
    (view,) = op_views([update(fields, {name: text + "!" * 50_000 for name, text in fields.items()})])
    shown = sum(len(piece.text) for text in view.texts for row in text.change.rows for piece in row.right or ())
    assert shown < 500_000
    assert all(text.change.is_cut for text in view.texts)


def test_where_both_sides_moved_a_text_each_move_is_shown_by_itself() -> None:
    op = update({"p": LONG + " Said live."}, {"p": LONG + " Said in git."}, p=BOTH)
    (known,) = op_views([op], {"core": SectionBaseline({"": {"p": LONG}})}, OpsForm.UNIFIED)
    live, git = ("".join(piece.text for line in move.lines for piece in line) for move in known.texts[0].moves)
    assert ("Said live." in live, "Said in git." in live) == (True, False)
    assert ("Said live." in git, "Said in git." in git) == (False, True)


def test_whose_words_are_whose_is_not_told_where_it_is_not_known() -> None:
    op = update({"p": LONG + "a"}, {"p": LONG + "b"}, p=BOTH)
    (unknown,) = op_views([op])
    (one_side,) = op_views([replace(op, fields={"p": GIT})], {"core": SectionBaseline({"": {"p": LONG}})})
    assert (unknown.texts[0].moves, one_side.texts[0].moves) == ((), ())
