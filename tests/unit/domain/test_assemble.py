from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.assemble import assemble
from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.document import Document, ParsedFile, Refusal
from reconciler.domain.json_values import to_json
from reconciler.domain.status import Reason


def document(chatbot_id: str, path: str = "bots/a.yaml", line: int = 1) -> Document:
    return Document(chatbot_id, path, line, {"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {}})


def invalid(chatbot_id: str | None, path: str = "bots/a.yaml", line: int = 1) -> Refusal:
    return Refusal(chatbot_id, path, Reason.DOCUMENT_INVALID, "it is wrong", line)


def file_of(*claims: Document | Refusal, path: str = "bots/a.yaml") -> ParsedFile:
    return ParsedFile(
        path,
        "b10b",
        {},
        tuple(claim for claim in claims if isinstance(claim, Document)),
        tuple(claim for claim in claims if isinstance(claim, Refusal)),
    )


def test_documents_are_ordered_by_path_and_line() -> None:
    files = [
        file_of(document("c", "z.yaml"), path="z.yaml"),
        file_of(document("b", line=9), document("a", line=2)),
    ]
    snapshot = assemble("f00", files, parsed=1)
    assert [item.chatbot_id for item in snapshot.documents] == ["a", "b", "c"]
    assert (snapshot.revision, snapshot.files, snapshot.parsed) == ("f00", 2, 1)


def test_a_chatbot_claimed_twice_is_refused_at_both_places_and_each_message_names_both() -> None:
    files = [
        file_of(document("x", line=7), document("fine", line=20)),
        file_of(document("x", "b.yaml"), path="b.yaml"),
    ]
    snapshot = assemble("f00", files)
    assert [item.chatbot_id for item in snapshot.documents] == ["fine"]
    assert [(item.path, item.line, item.reason) for item in snapshot.refusals] == [
        ("b.yaml", 1, Reason.CLAIMED_TWICE),
        ("bots/a.yaml", 7, Reason.CLAIMED_TWICE),
    ]
    for message in [item.message for item in snapshot.refusals]:
        assert message == 'the chatbot "x" is claimed twice, at b.yaml:1 and bots/a.yaml:7: keep one of them'
    assert [item.place for item in snapshot.diagnostics] == ["b.yaml:1:1", "bots/a.yaml:7:1"]


def test_an_invalid_document_is_a_rival_of_a_valid_one() -> None:
    snapshot = assemble("f00", [file_of(document("x"), invalid("x", line=5))])
    assert snapshot.documents == ()
    assert {item.reason for item in snapshot.refusals} == {Reason.CLAIMED_TWICE}


def test_documents_without_a_readable_id_are_no_rivals() -> None:
    snapshot = assemble("f00", [file_of(invalid(None), invalid(None, line=5), document("x", line=9))])
    assert len(snapshot.documents) == 1
    assert {item.reason for item in snapshot.refusals} == {Reason.DOCUMENT_INVALID}


@pytest.mark.parametrize("states_id", [True, False])
def test_a_refused_document_keeps_where_its_id_comes_from(*, states_id: bool) -> None:
    by_name = replace(document("a"), states_id=states_id)
    snapshot = assemble("f00", [file_of(by_name), file_of(document("a", "bots/b.yaml"), path="bots/b.yaml")], parsed=2)
    assert [(each.path, each.line, each.states_id) for each in snapshot.refusals] == [
        ("bots/a.yaml", 1, states_id),
        ("bots/b.yaml", 1, True),
    ]


@pytest.mark.parametrize("claim", [document("other_1", line=4), invalid("other_1", line=4)])
def test_a_claim_outside_what_the_source_may_manage_is_refused_alone(claim: Document | Refusal) -> None:
    snapshot = assemble("f00", [file_of(document("support_1"), claim)], allowed=["support_*", "bot_7"])
    assert [item.chatbot_id for item in snapshot.documents] == ["support_1"]
    assert [(item.chatbot_id, item.reason) for item in snapshot.refusals] == [("other_1", Reason.CLAIM_REFUSED)]
    assert "`chatbots` setting" in snapshot.refusals[0].message


@pytest.mark.parametrize(
    ("allowed", "unmatched", "meant"),
    [
        (["support_*"], [], []),
        (["support_1", "other_*"], [], []),
        (["support_*", "bot_7", "sales_*", "bot_7"], ["bot_7", "sales_*"], [None, None]),
        (["suport_*", "other_1"], ["suport_*"], ["support_1"]),
        (["SUPPORT_1", "support_l", "other_1"], ["SUPPORT_1", "support_l"], ["support_1", "support_1"]),
    ],
)
def test_a_limit_that_no_document_is_for_is_warned_of(
    allowed: list[str], unmatched: list[str], meant: list[str | None]
) -> None:
    snapshot = assemble("f00", [file_of(document("support_1"), document("other_1", line=4))], allowed=allowed)
    found = [each for each in snapshot.diagnostics if each.severity is Severity.WARNING]
    assert [each.message.split('"')[1] for each in found] == unmatched
    assert [each.suggestion for each in found] == meant
    assert all(each.path is None and "no document states such a chatbot" in each.message for each in found)


@pytest.mark.parametrize(
    "files",
    [
        [],
        [file_of()],
        [file_of(document("a"), invalid(None, line=4))],
        [file_of(document("a")), file_of(path="b.yaml")],
    ],
)
def test_no_limit_is_warned_of_while_a_document_cannot_be_told(files: list[ParsedFile]) -> None:
    assert assemble("f00", files, allowed=["bot_*", "a"]).diagnostics == ()


def test_a_limit_that_only_a_refused_document_is_for_is_not_warned_of() -> None:
    files = [file_of(document("x", line=7), document("x", line=20), invalid("y", line=30))]
    found = assemble("f00", files, allowed=["x", "y"]).diagnostics
    assert {each.severity for each in found} == {Severity.ERROR}


def test_allowed_patterns_tell_upper_case_from_lower_case() -> None:
    assert assemble("f00", [file_of(document("BOT_1"))], allowed=["bot_*"]).documents == ()


TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
LINE = st.integers(1, 9_999)
DOCUMENTS = st.builds(Document, TEXT, TEXT, LINE, st.dictionaries(TEXT, JSON), st.dictionaries(TEXT, TEXT))
REFUSALS = st.builds(Refusal, st.none() | TEXT, TEXT, st.sampled_from(Reason), TEXT, st.none() | LINE)
DIAGNOSTICS = st.builds(
    Diagnostic,
    st.sampled_from(Severity),
    TEXT,
    *[st.none() | TEXT, st.none() | LINE, st.none() | LINE, st.none() | TEXT, st.none() | TEXT],
)
FILES = st.builds(
    ParsedFile,
    TEXT,
    TEXT,
    st.dictionaries(TEXT, st.none() | TEXT),
    st.lists(DOCUMENTS, max_size=3).map(tuple),
    st.lists(REFUSALS, max_size=3).map(tuple),
    st.lists(DIAGNOSTICS, max_size=3).map(tuple),
)


@given(FILES)
def test_a_parsed_file_survives_the_cache(file: ParsedFile) -> None:
    assert ParsedFile.from_json(to_json(file)) == file


@given(st.lists(FILES, max_size=4))
def test_whatever_is_claimed_is_planned_once_or_refused(files: list[ParsedFile]) -> None:
    snapshot = assemble("f00", files)
    planned = [item.chatbot_id for item in snapshot.documents]
    refused = {item.chatbot_id for item in snapshot.refusals}
    claimed: set[str | None] = {item.chatbot_id for file in files for item in file.documents}
    claimed |= {item.chatbot_id for file in files for item in file.refusals}
    assert len(planned) == len(set(planned))
    assert not refused & set(planned)
    assert refused | set(planned) == claimed


@pytest.mark.parametrize("value", [{}, {"path": "a"}, {**to_json(file_of()), "documents": [{"extra": 1}]}])
def test_what_the_cache_did_not_write_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a parsed file"):
        ParsedFile.from_json(value)
