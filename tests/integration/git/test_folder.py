import os
from pathlib import Path

import pytest

from reconciler.errors import NotFound, SettingsError, SourceUnreadable
from reconciler.sources.folder import load_folder
from tests.support.contract import CONTRACT
from tests.support.git import GitRepo

DOCUMENT = "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {prompt: {$file: %s}}}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    repo = GitRepo(tmp_path / "root")
    repo.write(
        {
            "chatbots/a.yaml": DOCUMENT % "../prompts/a.md",
            "chatbots/deep/b.yml": DOCUMENT % "../../prompts/a.md",
            "other/c.json": '{"apiVersion": "v1", "kind": "ChatbotConfig", "spec": {}}',
            "prompts/a.md": "Hello\n",
        }
    )
    return repo.folder


OUTSIDE = {"other/c.json"}
"""Documents where none are looked for: told of, unless paths are named."""


def ids(root: Path, *paths: str) -> list[str]:
    snapshot = load_folder(root, [root / path for path in paths], CONTRACT)
    assert {found.path for found in snapshot.diagnostics} <= OUTSIDE
    assert snapshot.revision is None
    return [document.chatbot_id for document in snapshot.documents]


def test_without_paths_the_usual_place_is_read(root: Path) -> None:
    assert ids(root) == ["a", "b"]
    (document, _) = load_folder(root, [], CONTRACT).documents
    assert document.spec["core"]["prompt"] == "Hello\n"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["other"], ["c"]),
        (["."], ["a", "b", "c"]),
        (["chatbots/a.yaml", "chatbots"], ["a", "b"]),
        (["chatbots/deep", "other/c.json"], ["b", "c"]),
        (["chatbots/../other"], ["c"]),
    ],
)
def test_files_and_folders_can_be_named(root: Path, paths: list[str], expected: list[str]) -> None:
    assert ids(root, *paths) == expected


def test_what_is_not_there_or_no_document_is_said(root: Path) -> None:
    with pytest.raises(NotFound, match="there is no file or folder"):
        ids(root, "chatbots/none.yaml")
    with pytest.raises(SettingsError, match="is no document"):
        ids(root, "prompts/a.md")
    with pytest.raises(SettingsError, match="lies outside of"):
        ids(root, "../elsewhere")


def test_no_symbolic_link_is_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("CANARY")
    (root / "chatbots/link.yaml").symlink_to(root / "chatbots/a.yaml")
    (root / "linked").symlink_to(outside)
    (root / "chatbots/x.yaml").write_text(DOCUMENT % "../linked/secret.md")
    (root / "chatbots/y.yaml").write_text(DOCUMENT % "../../outside/secret.md")
    snapshot = load_folder(root, [], CONTRACT)
    assert [refusal.path for refusal in snapshot.refusals] == [
        "chatbots/link.yaml",
        "chatbots/x.yaml",
        "chatbots/y.yaml",
    ]
    assert "CANARY" not in repr(snapshot)


def test_a_repository_inside_of_the_repository_is_a_submodule(root: Path) -> None:
    GitRepo(root / "chatbots" / "inner").write({"d.yaml": DOCUMENT % "x"})
    snapshot = load_folder(root, [], CONTRACT)
    assert [document.chatbot_id for document in snapshot.documents] == ["a", "b"]
    assert [found.path for found in snapshot.diagnostics] == ["chatbots/inner", "other/c.json"]
    (root / "chatbots/z.yaml").write_text(DOCUMENT % "inner/d.yaml")
    assert "lies behind a submodule" in load_folder(root, [], CONTRACT).refusals[0].message


def test_two_files_that_claim_one_chatbot_are_both_named(root: Path) -> None:
    (root / "chatbots/deep/a.yaml").write_text(DOCUMENT % "../../prompts/a.md")
    snapshot = load_folder(root, [], CONTRACT)
    assert len(snapshot.refusals) == 2
    assert "chatbots/a.yaml:1 and chatbots/deep/a.yaml:1" in snapshot.refusals[0].message


def told(root: Path, *paths: str) -> list[tuple[str, str]]:
    snapshot = load_folder(root, [root / path for path in paths], CONTRACT)
    return [(found.severity.value, f"{found.path}: {found.message}") for found in snapshot.diagnostics]


def test_what_is_passed_over_is_told(root: Path) -> None:
    (root / "shared").mkdir()
    (root / "chatbots/team").symlink_to("../shared")
    GitRepo(root / "chatbots/inner").write({"d.yaml": DOCUMENT % "x"})
    (root / "chatbots/C.YAML").write_text(DOCUMENT % "x")
    (root / "linked").symlink_to("shared")
    found = told(root)
    assert sorted(severity for severity, _ in found) == ["error", "warning", "warning", "warning"]
    text = "\n".join(sorted(message for _, message in found))
    assert "chatbots/C.YAML: its name differs only in upper and lower case" in text
    assert "other/c.json: this document is not read, as it lies outside of chatbots/**/*.yaml" in text
    assert "chatbots/inner: this is a submodule, which is not followed" in text
    assert "chatbots/team: this is a symbolic link, which is not followed" in text
    assert told(root, "other") == []
    with pytest.raises(SettingsError, match="is a symbolic link, which is not followed: name the folder itself"):
        ids(root, "chatbots/team")


def test_nothing_found_says_what_is_near(root: Path) -> None:
    (root / "chatbots").rename(root / "Chatbots")
    (root / "empty").mkdir()
    (root / "empty/note.txt").write_text("x")
    near = load_folder(root, [], CONTRACT).nothing
    assert near is not None
    assert "Chatbots/a.yaml: its name differs only in upper and lower case" in near
    assert "3 documents in " in near
    beside = load_folder(root, [root / "empty"], CONTRACT).nothing
    assert beside is not None
    assert "no file matches empty/**" in beside
    assert "empty/note.txt with another ending" in beside


def test_files_without_a_document_are_nothing_found(root: Path) -> None:
    (root / "other/c.json").unlink()
    (root / "other/d.yaml").write_text("# later\n")
    nothing = load_folder(root, [root / "other"], CONTRACT).nothing
    assert nothing == "no document is in the files that match other/** (1 of them)"


def test_a_folder_that_cannot_be_read_is_an_error(root: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads every folder")
    (root / "chatbots/deep").chmod(0)
    try:
        with pytest.raises(SourceUnreadable, match="deep cannot be read"):
            load_folder(root, [], CONTRACT)
    finally:
        (root / "chatbots/deep").chmod(0o755)
