from typing import Any

import pytest

from reconciler.domain.direction import DirectedOp, common
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction
from reconciler.render.summary import Tone, overwritten, sentence

GIT, LIVE = Direction.GIT_AHEAD, Direction.LIVE_AHEAD
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


def test_a_plan_is_said_in_one_sentence_with_the_loss_last() -> None:
    ops = (
        delete("domains", "old.acme.example"),
        update("core", None, {"appearance.firstMessage": "Hi"}, {"appearance.firstMessage": "Hello"}),
        update("skills", "refunds", {"mode": "always"}, {"mode": "on_demand"}),
        *(create("skills", name) for name in "abcd"),
    )
    assert said(*ops) == (
        "Changes the first message, changes the skill refunds, adds 4 skills, and deletes the domain old.acme.example."
    )
    assert [part.text for part in sentence(ops) if part.tone is Tone.LOSS] == ["deletes the domain old.acme.example"]


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
    ],
)
def test_how_much_of_a_text_changes_is_said(after: str, expected: str) -> None:
    name = "behavior.systemPrompt"
    assert said(update("core", None, {name: PROMPT}, {name: after})) == expected


def test_a_text_within_an_object_is_found() -> None:
    before, after = ({"behavior": {"systemPrompt": text, "other": 1}} for text in (PROMPT, PROMPT + " Really."))
    assert said(update("core", None, before, after)) == "Changes a few words of the system prompt."


def test_of_many_fields_the_texts_are_named() -> None:
    before = {"a": 1, "b": 1, "c": 1, "prompt": PROMPT}
    after = {"a": 2, "b": 2, "c": 2, "prompt": "Another one."}
    assert said(update("core", None, before, after)) == (
        "Rewrites the prompt, changes the a, and changes 2 other fields of the core settings."
    )


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        ((), "Changes nothing."),
        ((create("skills", "a"), create("skills", "b")), "Adds the skills a and b."),
        ((delete("domains", "a"), delete("domains", "b"), delete("domains", "c")), "Deletes the domains a, b and c."),
        ((create("telemetry", None),), "Sets the telemetry."),
        ((update("telemetry", None, {"level": "full"}, {}),), "Removes the level of the telemetry."),
        ((create("widgets", "w"),), "Adds the item of widgets w."),
    ],
)
def test_items_are_named_or_counted(ops: tuple[DirectedOp, ...], expected: str) -> None:
    assert said(*ops) == expected


def test_the_live_edits_that_are_taken_back_are_told() -> None:
    ops = (
        update("skills", "refunds", {"enabled": False, "mode": "a"}, {"enabled": True, "mode": "b"}, enabled=LIVE),
        create("skills", "gone", LIVE),
        delete("domains", "new.example", LIVE),
        delete("domains", "old.example", GIT),
    )
    assert overwritten(ops) == ("skill refunds, enabled", "skill gone, deleted live", "domain new.example, added live")
