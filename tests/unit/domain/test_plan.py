"""Rule 2: what was seen is what is sent, without what moves by itself."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.plan import Action, Op, Summary, body_for, propose
from tests.support.json_values import json_objects

DESIRED: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ChatbotConfig",
    "spec": {
        "core": {"name": "Acme", "behavior": {"systemPrompt": "new"}},
        "skills": [{"name": "refunds", "body": "b"}],
        "domains": [],
    },
}
NOOP = Op("skills", Action.NOOP, "refunds", before={"name": "refunds"}, after={"name": "refunds"})
UPDATE = Op(
    "core",
    Action.UPDATE,
    before={"name": "Acme", "behavior": {"systemPrompt": "old", "tone": "warm"}},
    after={"name": "Acme", "behavior": {"systemPrompt": "new", "tone": "warm"}},
    changed_fields=("behavior.systemPrompt",),
)
DELETE = Op("domains", Action.DELETE, "old.example", before={"domain": "old.example"})


def fingerprint_of(*ops: Op, tenant: str = "acme", chatbot: str = "bot_1", desired: Any = DESIRED) -> str:
    proposal = propose(tenant, chatbot, desired, ops)
    assert proposal is not None
    return proposal.fingerprint


def test_only_sections_with_an_op_that_is_not_noop_are_sent() -> None:
    proposal = propose("acme", "bot_1", DESIRED, [NOOP, UPDATE])
    assert proposal is not None
    assert proposal.body["spec"] == {"core": DESIRED["spec"]["core"]}
    assert proposal.noops == 1
    assert proposal.summary == Summary(update=1, noop=1)


def test_prune_is_sent_only_when_the_plan_deletes() -> None:
    assert body_for(DESIRED, [UPDATE])["prune"] is False
    assert body_for(DESIRED, [UPDATE, DELETE])["prune"] is True


def test_all_noop_proposes_nothing() -> None:
    assert propose("acme", "bot_1", DESIRED, [NOOP]) is None


def test_what_moves_by_itself_does_not_move_the_fingerprint() -> None:
    moved = replace(
        UPDATE, before={**(UPDATE.before or {}), "counter": 7}, after={**(UPDATE.after or {}), "counter": 7}
    )
    assert fingerprint_of(UPDATE) == fingerprint_of(moved)
    assert fingerprint_of(UPDATE) == fingerprint_of(UPDATE, NOOP)


def test_everything_that_was_seen_moves_the_fingerprint() -> None:
    other_value = replace(UPDATE, before={"behavior": {"systemPrompt": "older"}})
    seen = {
        fingerprint_of(UPDATE),
        fingerprint_of(UPDATE, tenant="other"),
        fingerprint_of(UPDATE, chatbot="bot_2"),
        fingerprint_of(other_value),
        fingerprint_of(UPDATE, DELETE),
        fingerprint_of(DELETE, UPDATE),
        fingerprint_of(UPDATE, desired={**DESIRED, "spec": {**DESIRED["spec"], "core": {"name": "Other"}}}),
    }
    assert len(seen) == 7


def test_the_body_of_a_proposal_proposes_itself_again() -> None:
    """The re-check dry-runs the body to be sent: with the same ops, it must give the same fingerprint."""
    proposal = propose("acme", "bot_1", DESIRED, [NOOP, UPDATE, DELETE])
    assert proposal is not None
    again = propose("acme", "bot_1", proposal.body, [UPDATE, DELETE])
    assert again is not None
    assert (again.fingerprint, again.body) == (proposal.fingerprint, proposal.body)


@given(json_objects(), json_objects())
def test_the_essence_of_an_essence_is_itself(before: dict[str, Any], after: dict[str, Any]) -> None:
    op = Op("core", Action.UPDATE, before=before, after=after, changed_fields=tuple(sorted(set(before) | set(after))))
    assert op.essence().essence() == op.essence()


@given(st.lists(st.sampled_from(list(Action)), max_size=20))
def test_the_summary_counts_every_op(actions: list[Action]) -> None:
    assert sum(Summary.of(Op("core", action) for action in actions)) == len(actions)
