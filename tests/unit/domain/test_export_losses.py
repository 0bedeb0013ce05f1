"""What an export would destroy: everything that stands in a file and that the live configuration does not know."""

from dataclasses import replace

import pytest

from reconciler.domain.document import Document, Refusal, Snapshot
from reconciler.domain.export_losses import losses, second_documents
from reconciler.domain.layout import ChatbotFiles
from reconciler.domain.status import Reason

PATH = "chatbots/acme.yaml"
ONE = ChatbotFiles("bot_1", PATH, {"spec": {"core": {"name": "Acme"}}})
STANDING = Document("bot_1", PATH, 3, {"spec": {"core": {"name": "old"}}})
ANOTHER = Document("bot_2", PATH, 9, {"spec": {}})
BROKEN = Refusal("bot_2", PATH, Reason.DOCUMENT_INVALID, "no such section", line=9)


def repository(*claims: Document | Refusal) -> Snapshot:
    documents = tuple(claim for claim in claims if isinstance(claim, Document))
    return Snapshot("c" * 40, documents, tuple(claim for claim in claims if isinstance(claim, Refusal)), (), 1, 1)


def lost(
    *claims: Document | Refusal, one: ChatbotFiles = ONE, old: str = "", new: str = "", folder: str = "."
) -> list[str]:
    return losses(one, repository(*claims), folder, old=old, new=new)


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (STANDING, []),
        (replace(STANDING, labels={"team": "a", "kind": "b"}), ["its labels (kind, team)"]),
        (replace(STANDING, body={"prune": False, "spec": {}}), ["prune: false"]),
        (replace(STANDING, body={"prune": True, "spec": {}}), []),
        (
            replace(STANDING, body={"spec": {"skills": [], "core": {}, "domains": []}}),
            ["spec.domains", "spec.skills"],
        ),
        (ANOTHER, ["the document of chatbot bot_2 at line 9"]),
        (BROKEN, ["the document of chatbot bot_2 at line 9"]),
        (replace(BROKEN, chatbot_id=None, line=None), ["a document"]),
        (replace(BROKEN, line=None), ["the document of chatbot bot_2"]),
        (replace(BROKEN, chatbot_id="bot_1"), ["what its document says, which is not valid"]),
        (replace(ANOTHER, path="chatbots/other.yaml"), []),
    ],
)
def test_what_is_lost_of_the_documents_in_the_file(standing: Document | Refusal, expected: list[str]) -> None:
    assert lost(standing) == expected


def test_everything_that_is_lost_is_named_others_first() -> None:
    labelled = replace(STANDING, labels={"team": "a"}, body={"prune": False, "spec": {}})
    assert lost(labelled, ANOTHER, old="# why\n") == [
        "the document of chatbot bot_2 at line 9",
        "its labels (team)",
        "prune: false",
        "a comment",
    ]


def test_an_export_that_says_the_same_loses_nothing_of_it() -> None:
    unpruned = replace(STANDING, body={"prune": False, "spec": {}})
    assert lost(unpruned, one=replace(ONE, document={"prune": False, "spec": {}})) == []
    assert lost(unpruned, one=replace(ONE, document={"prune": True, "spec": {}})) == ["prune: false"]


def test_an_export_without_sections_loses_all_of_them() -> None:
    assert lost(STANDING, one=replace(ONE, document={})) == ["spec.core"]


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        ("# one\na: 1 # two\n", ["2 comments"]),
        ("  # indented\n", ["a comment"]),
        ("a: x#1\nb: '#fff'\n", []),
        ("# yaml-language-server: $schema=x.json\na: 1\n", []),
        ("a: {$file: ../b.md}\nb:\n  $file: 'a.md'\nc: {\"$file\": b.md}\n", ["../b.md", "a.md", "b.md"]),
        ("a: {$file: kept.md}\n", []),
    ],
)
def test_comments_and_includes_are_read_from_the_text(old: str, expected: list[str]) -> None:
    found = lost(old=old, new="z: {$file: kept.md}\n")
    assert [each.removeprefix("the include of ") for each in found] == expected


def test_a_folder_is_part_of_the_path() -> None:
    assert lost(replace(ANOTHER, path=f"fleet/{PATH}"), folder="fleet") == ["the document of chatbot bot_2 at line 9"]
    assert lost(ANOTHER, folder="fleet") == []


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (STANDING, []),
        (ANOTHER, []),
        (
            replace(STANDING, path="b.yaml"),
            ["chatbot bot_1 has a document already, at b.yaml:3: remove that one first"],
        ),
        (
            replace(BROKEN, chatbot_id="bot_1", path="b.yaml", line=None),
            ["chatbot bot_1 has a document already, at b.yaml:1: remove that one first"],
        ),
        (replace(BROKEN, chatbot_id=None, path="b.yaml"), []),
    ],
)
def test_a_document_elsewhere_is_told(claim: Document | Refusal, expected: list[str]) -> None:
    assert list(second_documents([ONE], repository(claim), ".")) == expected


def test_each_document_elsewhere_is_told_whatever_stands_before_it() -> None:
    two = ChatbotFiles("bot_2", "chatbots/two.yaml", {})
    found = second_documents([ONE, two], repository(STANDING, ANOTHER), ".")
    assert [each.split(" has ")[0] for each in found] == ["chatbot bot_2"]


def test_the_same_path_below_the_folder_is_no_second_document() -> None:
    assert list(second_documents([ONE], repository(replace(STANDING, path=f"fleet/{PATH}")), "fleet")) == []
