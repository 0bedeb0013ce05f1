"""Which chatbots a revision that is not whole still speaks for."""

import pytest

from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.document import Document, Refusal, Snapshot
from reconciler.domain.kept_documents import keep_missing
from reconciler.domain.status import Reason

TEAM, ALONE = "chatbots/team.yaml", "chatbots/deep/alone.yaml"
KNOWN = {"a": TEAM, "b": TEAM, "c": ALONE}


def document(chatbot_id: str, path: str = TEAM, *, states_id: bool = True) -> Document:
    return Document(chatbot_id, path, 3, {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {}}, {}, states_id)


def refusal(chatbot_id: str | None, path: str = TEAM, reason: Reason = Reason.DOCUMENT_INVALID) -> Refusal:
    return Refusal(chatbot_id, path, reason, f"{path}:7:2 it is wrong", 7)


def snapshot(*claims: Document | Refusal, unread: tuple[Diagnostic, ...] = ()) -> Snapshot:
    documents = tuple(claim for claim in claims if isinstance(claim, Document))
    refusals = tuple(claim for claim in claims if isinstance(claim, Refusal))
    return Snapshot("f00", documents, refusals, unread, 2, 2, unread)


def claimed(found: Snapshot) -> dict[str | None, Reason]:
    return {each.chatbot_id: each.reason for each in found.refusals}


def test_what_is_whole_stays_as_it_is() -> None:
    for whole in (snapshot(document("a"), document("b"), document("c", ALONE)), snapshot(document("a"))):
        assert keep_missing(whole, KNOWN) == whole


@pytest.mark.parametrize("reason", [Reason.DOCUMENT_INVALID, Reason.CLAIMED_TWICE, Reason.CLAIM_REFUSED])
def test_a_refusal_stands_for_the_chatbots_of_its_own_file_alone(reason: Reason) -> None:
    found = keep_missing(snapshot(refusal("a", reason=reason)), KNOWN)
    assert claimed(found) == {"a": reason, "b": Reason.DOCUMENT_INVALID}
    (kept,) = [each for each in found.refusals if each.chatbot_id == "b"]
    assert (kept.path, kept.line) == (TEAM, 7)
    assert kept.message.endswith(f"{TEAM}:7:2 it is wrong")


@pytest.mark.parametrize(("place", "kept"), [(ALONE, {"c"}), ("chatbots/deep", {"c"}), ("chatbots/dee", set())])
def test_a_place_where_nothing_was_read_stands_for_what_was_there_and_becomes_an_error(
    place: str, kept: set[str]
) -> None:
    unread = Diagnostic(Severity.WARNING, "nothing is here", place, 1, 1)
    found = keep_missing(snapshot(document("a"), document("b"), unread=(unread,)), KNOWN)
    assert set(claimed(found)) == kept
    assert [each.severity for each in found.diagnostics] == [Severity.ERROR if kept else Severity.WARNING]


def test_a_claim_by_the_file_s_name_does_not_take_the_place_of_a_stated_one() -> None:
    found = keep_missing(snapshot(document("a"), document("b"), document("alone", ALONE, states_id=False)), KNOWN)
    assert [each.chatbot_id for each in found.documents] == ["a", "b"]
    assert claimed(found) == {None: Reason.DOCUMENT_INVALID, "c": Reason.DOCUMENT_INVALID}
    (told,) = found.diagnostics
    assert (told.place, told.pointer, '"c"' in told.message) == (f"{ALONE}:3:1", "metadata.chatbotId", True)


def test_a_file_that_spoke_for_many_names_three_of_them() -> None:
    known = dict.fromkeys("dcba", ALONE)
    found = keep_missing(snapshot(document("alone", ALONE, states_id=False)), known)
    assert 'the file spoke for "a" or "b" or "c" before, not for "alone"' in found.diagnostics[0].message


def test_a_claim_by_the_file_s_name_stands_where_it_stood_before_or_where_nothing_is_missing() -> None:
    by_name = document("alone", ALONE, states_id=False)
    assert keep_missing(snapshot(by_name), {"alone": ALONE}).documents == (by_name,)
    assert keep_missing(snapshot(by_name, document("c")), KNOWN).documents[0] == by_name
    assert keep_missing(snapshot(by_name), {}).documents == (by_name,)
