"""What stands beside the documents that are read, and looks as if it were to be read, is told."""

import pytest

from reconciler.domain.assemble import assemble
from reconciler.domain.diagnostics import Severity
from reconciler.domain.document import Snapshot
from reconciler.domain.status import Reason
from reconciler.sources.file_tree import DEFAULT_PATHS
from reconciler.sources.loader import load_tree, select
from reconciler.sources.unmatched_files import with_surroundings
from tests.fakes.source import MemoryTree
from tests.support.contract import CONTRACT

PATH = "chatbots/acme.yaml"
DOCUMENT = "apiVersion: v1\nkind: ChatbotConfig\nspec: {}\n"
MISNAMED = "its name differs only in upper and lower case from what is read as a document: rename it"


def seen(files: dict[str, str], globs: tuple[str, ...] = DEFAULT_PATHS, *, tells_outside: bool = True) -> Snapshot:
    tree = MemoryTree(files, {})
    loaded = load_tree(tree, select(tree, globs), CONTRACT, {})
    return with_surroundings(assemble(None, loaded.files), tree, globs, tells_outside=tells_outside)


@pytest.mark.parametrize("name", ["chatbots/b.YAML", "chatbots/b.Yml", "chatbots/b.JSON", "Chatbots/b.yaml"])
def test_a_document_whose_name_differs_in_case_is_refused(name: str) -> None:
    text = '{"apiVersion":"v1","kind":"ChatbotConfig","spec":{}}' if name.endswith("JSON") else DOCUMENT
    found = seen({PATH: DOCUMENT, name: text})
    (refusal,) = found.refusals
    assert (refusal.path, refusal.reason, refusal.chatbot_id) == (name, Reason.DOCUMENT_INVALID, None)
    assert refusal.message == f"{name}:1:1 {MISNAMED}"
    assert [(each.severity, each.path) for each in found.unread] == [(Severity.ERROR, name)]
    assert len(found.documents) == 1


def test_another_file_whose_name_differs_in_case_is_told_and_refuses_nothing() -> None:
    found = seen({PATH: DOCUMENT, "chatbots/Values.YAML": "a: 1\n"})
    assert [(each.severity, each.message) for each in found.passed_over] == [(Severity.WARNING, MISNAMED)]
    assert found.refusals == ()


def test_documents_outside_of_what_is_read_are_told_also_where_others_are_read() -> None:
    others = {f"bots/{name}.yaml": DOCUMENT for name in "abcde"}
    found = seen({PATH: DOCUMENT, **others, "deploy/service.yaml": "kind: Service\n", "package.json": "{}"})
    (told,) = found.passed_over
    assert (told.severity, told.path) == (Severity.WARNING, "bots/a.yaml")
    assert "and so do 4 more (bots/b.yaml, bots/c.yaml, bots/d.yaml and 1 more)" in told.message
    assert told in found.diagnostics
    assert (found.unread, found.refusals, found.nothing) == ((), (), None)


@pytest.mark.parametrize(
    "name",
    ["b.yaml.txt", "b.yml~", "b.yaml.bak", "#b.json#", ".b.yaml.swp", "b.yaml_", "b.yam", "b.ymal", "b.jsonc",
     "b.YAML.txt", "b.yaml (1)"],
)  # fmt: skip
def test_a_document_whose_name_ends_nearly_right_is_told_also_where_others_are_read(name: str) -> None:
    for tells_outside in (True, False):
        found = seen({PATH: DOCUMENT, f"chatbots/{name}": DOCUMENT}, tells_outside=tells_outside)
        (told,) = found.passed_over
        assert (told.severity, told.path) == (Severity.WARNING, f"chatbots/{name}")
        assert "as its name does not end with .yaml, .yml, .json: rename it, or move it away" in told.message
        assert told in found.diagnostics
        assert (len(found.documents), found.refusals, found.nothing) == (1, (), None)


def test_several_such_documents_are_one_warning() -> None:
    found = seen({PATH: DOCUMENT, **{f"chatbots/{name}.yaml~": DOCUMENT for name in "abcde"}})
    (told,) = found.passed_over
    assert "and neither are 4 more (chatbots/b.yaml~, chatbots/c.yaml~, chatbots/d.yaml~ and 1 more)" in told.message


@pytest.mark.parametrize("name", ["b.md", "b.txt", "b", "b.xml", "b.toml", "b.yaml.d/c.md", "b.js"])
def test_another_file_that_speaks_of_documents_is_none(name: str) -> None:
    assert seen({PATH: DOCUMENT, f"chatbots/{name}": DOCUMENT}).passed_over == ()


@pytest.mark.parametrize("path", ["chatbots/b.yaml.txt", "docs/b.yaml~", "chatbots/drafts/b.yml~"])
def test_a_name_that_ends_nearly_right_is_nothing_elsewhere_or_without_a_document(path: str) -> None:
    text = "kind: Service\n" if path == "chatbots/b.yaml.txt" else DOCUMENT
    globs = ("chatbots/**/*.yaml", "chatbots/**/*.yml", "!chatbots/drafts/")
    assert seen({PATH: DOCUMENT, path: text}, globs).passed_over == ()


def test_of_very_many_files_outside_the_first_are_looked_at_and_the_warning_says_so() -> None:
    files = {f"other/{number:04}.yaml": "a: 1\n" for number in range(2_000)}
    found = seen({PATH: DOCUMENT, "bots/a.yaml": DOCUMENT, **files})
    (told,) = found.passed_over
    assert told.path == "bots/a.yaml"
    assert "; of 2001 files there only 2000 were looked at: move it" in told.message

    files.popitem()
    (told,) = seen({PATH: DOCUMENT, "zzz/a.yaml": DOCUMENT, **files}).passed_over
    assert told.path == "zzz/a.yaml", "beyond the first 200"
    assert "looked at" not in told.message


def test_a_schema_and_prose_about_documents_are_no_documents() -> None:
    schema = '{"properties": {"kind": {"const": "ChatbotConfig"}}}'
    assert seen({PATH: DOCUMENT, "docs/schema.json": schema, "README.md": DOCUMENT}).passed_over == ()


def test_what_may_be_another_sources_is_not_told() -> None:
    files = {PATH: DOCUMENT, "bots/a.yaml": DOCUMENT, "chatbots/b.YAML": DOCUMENT}
    found = seen(files, tells_outside=False)
    assert [each.path for each in found.passed_over] == ["chatbots/b.YAML"]


def test_where_nothing_is_read_one_sentence_tells_all() -> None:
    found = seen({"bots/a.yaml": DOCUMENT, "chatbots/b.YAML": DOCUMENT})
    assert "1 document in bots/" in str(found.nothing)
    assert found.refusals == ()
    assert [each.path for each in found.passed_over] == ["chatbots/b.YAML"]
