"""What is known of a write key after reads and applies with it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.domain.apply_answers import ApplyAnswer, ApplyAnswered, ApplyRefused, ApplyUnclear, NotSent
from reconciler.domain.write_key import (
    MissingRight,
    WriteKey,
    WriteKeyState,
    concerns_key,
    write_key_sentence,
    write_key_warnings,
)
from tests.fakes.clock import START

BOT = "bot_1"
LATER = START + timedelta(minutes=1)
NEW = WriteKey(key_id="key_1")
SKILLS = ApplyRefused("insufficient_scope", "No.", "skills:write", ("skills",))
SECURITY = ApplyRefused("insufficient_scope", "No.", "security:write", ("accessLists", "telemetry"))
UNNAMED = ApplyRefused("insufficient_scope", "No.")
HIDDEN = ApplyRefused("chatbot_not_in_key_scope", "No.")
REFUSED = ApplyRefused("invalid_api_key", "No.")


def after(
    key: WriteKey, *answers: ApplyAnswer, sections: tuple[str, ...] = ("core", "skills"), bot: str = BOT
) -> WriteKey:
    for answer in answers:
        key = key.after_apply(bot, sections, answer, START)
    return key


def wrote(*sections: str, **failed: Any) -> ApplyAnswered:
    done = tuple({"section": section, "action": "update"} for section in sections)
    return ApplyAnswered(done, failed or None)


def test_a_read_tells_whether_the_key_is_taken_and_nothing_of_what_it_may_write() -> None:
    taken = NEW.after_read(START, refused=False)
    assert (taken.state, taken.since) == (WriteKeyState.ACCEPTED, START)
    assert "known only at the first apply" in write_key_sentence("acme", taken)
    assert write_key_warnings("acme", taken) == ()
    refused = taken.after_read(LATER, refused=True)
    assert (refused.is_refused, refused.since) == (True, LATER)
    (warning,) = write_key_warnings("acme", refused)
    assert "write_api_key" in warning
    assert refused.after_read(START, refused=True) == refused, "it is refused since then"
    assert refused.after_read(LATER, refused=False).state is WriteKeyState.ACCEPTED


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (None, "WizChat has not been asked yet whether it takes the write key: wait for the first run."),
        (
            WriteKeyState.REFUSED,
            (
                "WizChat refuses the write key, so nothing can be applied: put a valid one in write_api_key "
                "(WIZCHAT_WRITE_API_KEY) of tenant acme and start the service again; once it is put right at WizChat, "
                "refresh a source of the tenant."
            ),
        ),
        (
            WriteKeyState.ACCEPTED,
            "WizChat takes the write key; whether it may write is known only at the first apply.",
        ),
        (WriteKeyState.PROVEN, "An apply with the write key was carried out."),
    ],
)
def test_what_is_known_of_a_key_is_a_sentence(state: WriteKeyState | None, sentence: str) -> None:
    assert write_key_sentence("acme", replace(NEW, state=state)) == sentence


def test_an_apply_proves_the_key_until_it_is_refused() -> None:
    proven = after(NEW, wrote("core"))
    assert proven.state is WriteKeyState.PROVEN
    assert proven.after_read(LATER, refused=False) == proven
    assert after(proven, REFUSED).is_refused
    assert after(proven, replace(REFUSED, code="unauthorized")).is_refused


@pytest.mark.parametrize(
    "answer",
    [NotSent("no"), ApplyUnclear("lost"), ApplyRefused("bad_request", "no"), ApplyAnswered(()), wrote(code="conflict")],
)
def test_what_says_nothing_of_the_key_changes_nothing(answer: ApplyAnswer) -> None:
    assert after(NEW, answer) == NEW
    assert not concerns_key(answer)


def test_an_op_that_did_nothing_proves_nothing() -> None:
    nothing = ApplyAnswered(
        ({"section": "core", "action": "noop"}, {"section": "skills", "action": "update", "noop": True})
    )
    assert after(after(NEW, UNNAMED), nothing) == after(NEW, UNNAMED)


@pytest.mark.parametrize(
    ("answer", "bot", "sections", "concerned"),
    [
        (SKILLS, BOT, {"skills"}, True),
        (SKILLS, "bot_2", {"core", "skills"}, True),
        (SKILLS, BOT, {"core"}, False),
        (SECURITY, BOT, {"telemetry"}, True),
        (UNNAMED, "bot_2", {"core"}, True),
        (UNNAMED, BOT, {"domains"}, False),
        (HIDDEN, BOT, {"domains"}, True),
        (HIDDEN, "bot_2", {"core", "skills"}, False),
    ],
)
def test_a_refusal_is_remembered_for_what_needs_the_same(
    answer: ApplyAnswer, bot: str, sections: set[str], *, concerned: bool
) -> None:
    key = after(NEW, answer, answer)
    assert concerns_key(answer)
    assert len(key.missing) == 1, "the same is remembered once"
    assert bool(key.missing_for(bot, sections)) is concerned


@pytest.mark.parametrize(
    ("answer", "done", "bot", "left"),
    [
        (SKILLS, ("skills",), "bot_2", ()),
        (SKILLS, ("core",), BOT, ("skills",)),
        (SECURITY, ("telemetry",), BOT, ()),
        (UNNAMED, ("core",), BOT, ("skills",)),
        (UNNAMED, ("skills", "core"), BOT, ()),
        (HIDDEN, ("domains",), BOT, ()),
    ],
)
def test_an_apply_that_wrote_it_ends_what_is_remembered(
    answer: ApplyAnswer, done: tuple[str, ...], bot: str, left: tuple[str, ...]
) -> None:
    key = after(after(NEW, answer), wrote(*done), bot=bot)
    assert key.state is WriteKeyState.PROVEN
    assert tuple(section for right in key.missing for section in right.sections) == left


def test_a_chatbot_that_the_key_may_not_use_is_not_proven_by_another() -> None:
    assert after(after(NEW, HIDDEN), wrote("core"), bot="bot_2").missing == after(NEW, HIDDEN).missing


def test_an_op_that_is_refused_half_way_tells_its_section_only() -> None:
    stopped = wrote("core", code="insufficient_scope", op={"section": "skills", "action": "create"})
    key = after(NEW, stopped)
    assert key.missing == (MissingRight(sections=("skills",), since=START),)
    assert key.state is WriteKeyState.PROVEN
    assert concerns_key(stopped)


def test_what_is_missing_is_said_with_what_to_do() -> None:
    sentences = [after(NEW, answer).missing[0].sentence("acme") for answer in (SKILLS, UNNAMED, HIDDEN)]
    assert sentences == [
        f"WizChat refused the last apply of {what} of tenant acme."
        for what in (
            "spec.skills, because the write key lacks the scope skills:write: add it to the write key",
            "spec.core, spec.skills, because the write key lacks a write scope: add it to the write key",
            "the chatbot bot_1, because the write key may not use it: add the chatbot to the write key",
        )
    ]
