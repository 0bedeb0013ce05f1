"""What the command line reads in a clone is what the service reads of the commit that the clone would make."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.domain.document import Snapshot
from reconciler.sources.checkout import load_checkout
from reconciler.sources.git import GitSource
from reconciler.sources.git_remote import GitRemote
from tests.fakes.cache import MemoryParseCache
from tests.support.contract import CONTRACT
from tests.support.git import GitRepo

pytestmark = pytest.mark.anyio

DOCUMENT = (
    "apiVersion: v1\nkind: ChatbotConfig\nspec:\n  core:\n    behavior: {systemPrompt: {$file: ../prompts/%s.md}}\n"
)
FILES: dict[str, str | bytes] = {
    "chatbots/a.yaml": DOCUMENT % "a",
    "chatbots/b.yaml": DOCUMENT % "b",
    "prompts/a.md": "One\nTwo\n",
    "prompts/b.md": "Drei\nÄpfel\n",
}
Change = Callable[[GitRepo], object]


def cloned(folder: Path, *, config: tuple[str, ...] = (), **more: str | bytes) -> GitRepo:
    """A clone of a repository with these files, checked out under some settings."""
    origin = GitRepo(folder / "origin")
    origin.commit({**FILES, **{name.replace("__", "/"): text for name, text in more.items()}})
    clone = GitRepo(folder / "clone")
    for setting in config:
        clone.git("config", *setting.split("=", 1))
    clone.git("remote", "add", "origin", f"file://{origin.folder}")
    clone.git("fetch", "--quiet", "origin", "main")
    clone.git("checkout", "--quiet", "-B", "main", "FETCH_HEAD")
    return clone


async def committed(repo: GitRepo, folder: Path, *, everything: bool = False) -> Snapshot:
    """What the service reads of the commit that is made of the clone now."""
    repo.git("add", "--all" if everything else "--update")
    repo.git("commit", "--quiet", "--allow-empty", "-m", "All of it")
    remote = GitRemote.parse(repo.url, "main", insecure=True)
    return await GitSource(remote, folder / "data" / "mirror.git", CONTRACT).load(repo.head, MemoryParseCache())


def alike(local: Snapshot, served: Snapshot) -> None:
    assert [(each.chatbot_id, each.digest) for each in local.documents] == [
        (each.chatbot_id, each.digest) for each in served.documents
    ]
    assert [(each.chatbot_id, each.path) for each in local.refusals] == [
        (each.chatbot_id, each.path) for each in served.refusals
    ]


def rewritten(path: str, text: str | bytes) -> Change:
    return lambda repo: repo.write({path: text})


def staged_and_changed(repo: GitRepo) -> None:
    repo.write({"prompts/a.md": "Staged\n"})
    repo.git("add", "prompts/a.md")
    repo.write({"prompts/a.md": "Newer than what is staged\n"})


def staged_and_taken_back(repo: GitRepo) -> None:
    repo.write({"prompts/a.md": "Staged\n"})
    repo.git("add", "prompts/a.md")
    repo.write({"prompts/a.md": FILES["prompts/a.md"]})


def removed(repo: GitRepo) -> None:
    (repo.folder / "prompts/b.md").unlink()


def linked(repo: GitRepo) -> None:
    (repo.folder / "chatbots/b.yaml").unlink()
    (repo.folder / "chatbots/b.yaml").symlink_to("a.yaml")


UNTOUCHED: Change = lambda repo: repo  # noqa: E731 - a value of a table
CLONES: dict[str, tuple[tuple[str, ...], dict[str, str | bytes], Change]] = {
    "as it is": ((), {}, UNTOUCHED),
    "autocrlf": (("core.autocrlf=true",), {}, UNTOUCHED),
    "autocrlf, edited with CRLF": (("core.autocrlf=true",), {}, rewritten("prompts/a.md", "One\r\nThree\r\n")),
    "autocrlf input, edited with CRLF": (("core.autocrlf=input",), {}, rewritten("prompts/a.md", "1\r\n3\r\n")),
    "CRLF in git, autocrlf": (("core.autocrlf=true",), {"prompts__a.md": "One\r\nTwo\r\n"}, UNTOUCHED),
    "CRLF in git, autocrlf, edited": (
        ("core.autocrlf=true",),
        {"prompts__a.md": "One\r\nTwo\r\n"},
        rewritten("prompts/a.md", "One\r\nThree\r\n"),
    ),
    "eol attribute": ((), {".gitattributes": "*.md text eol=crlf\n"}, UNTOUCHED),
    "eol attribute, edited": (
        (),
        {".gitattributes": "*.md text eol=crlf\n"},
        rewritten("prompts/a.md", "One\r\nThree\r\n"),
    ),
    "binary attribute": (
        ("core.autocrlf=true",),
        {".gitattributes": "*.md -text\n"},
        rewritten("prompts/a.md", "One\r\nThree\r\n"),
    ),
    "another encoding on the disk": (
        (),
        {".gitattributes": "prompts/b.md text working-tree-encoding=UTF-16LE-BOM\n"},
        rewritten("prompts/b.md", b"\xff\xfe" + "Birnen\r\nÄpfel\n".encode("utf-16-le")),
    ),
    "a filter": (
        ("filter.up.clean=tr a-z A-Z", "filter.up.smudge=cat"),
        {".gitattributes": "prompts/a.md filter=up\n"},
        rewritten("prompts/a.md", "loud\n"),
    ),
    "staged, and changed again": ((), {}, staged_and_changed),
    "staged, and taken back": ((), {}, staged_and_taken_back),
    "a removed include": ((), {}, removed),
    "a document that is a link now": ((), {}, linked),
    "tracked although ignored": ((), {".gitignore": "prompts/a.md\n"}, rewritten("prompts/a.md", "Mine\n")),
}


@pytest.mark.parametrize(("config", "more", "change"), CLONES.values(), ids=CLONES)
async def test_a_clone_says_what_its_commit_would(
    tmp_path: Path, config: tuple[str, ...], more: dict[str, str | bytes], change: Change
) -> None:
    repo = cloned(tmp_path, config=config)
    if more:  # a second commit at the origin, so that an ignored file may be tracked before
        origin = GitRepo.__new__(GitRepo)
        origin.folder = tmp_path / "origin"
        origin.commit({name.replace("__", "/"): text for name, text in more.items()})
        repo.git("fetch", "--quiet", "origin", "main")
        for name in FILES:
            (repo.folder / name).unlink()
        repo.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    change(repo)
    before = repo.git("status", "--porcelain"), repo.git("ls-files", "--stage"), repo.git("count-objects", "-v")
    local = load_checkout(repo.folder, [], CONTRACT)
    assert before == (
        repo.git("status", "--porcelain"),
        repo.git("ls-files", "--stage"),
        repo.git("count-objects", "-v"),
    )
    assert len(local.documents) + len(local.refusals) == 2
    assert [found.message for found in local.diagnostics if found.severity == "warning"] == []
    alike(local, await committed(repo, tmp_path))


async def test_untracked_files_are_read_and_told(tmp_path: Path) -> None:
    repo = cloned(tmp_path, config=("core.autocrlf=true",))
    repo.write({"chatbots/c.yaml": DOCUMENT % "c", "prompts/c.md": "New\r\n", "other.md": "no document needs it"})
    local = load_checkout(repo.folder, [], CONTRACT)
    assert [each.chatbot_id for each in local.documents] == ["a", "b", "c"]
    assert local.documents[2].spec["core"]["behavior"]["systemPrompt"] == "New\n"
    assert [(found.path, found.severity) for found in local.diagnostics] == [
        ("chatbots/c.yaml", "warning"),
        ("prompts/c.md", "warning"),
    ]
    alike(local, await committed(repo, tmp_path, everything=True))


async def test_ignored_files_are_no_documents_and_cannot_be_included(tmp_path: Path) -> None:
    repo = cloned(tmp_path)
    repo.commit({".gitignore": "prompts/c.md\nlocal/\nchatbots/draft.yaml\n", "chatbots/c.yaml": DOCUMENT % "c"})
    repo.write({"prompts/c.md": "Mine", "chatbots/draft.yaml": DOCUMENT % "a", "local/x.md": "x"})
    repo.write({"chatbots/d.yaml": (DOCUMENT % "d").replace("prompts/d", "local/x")})
    local = load_checkout(repo.folder, [], CONTRACT)
    assert [each.chatbot_id for each in local.documents] == ["a", "b"]
    told = {found.path: found.message for found in local.diagnostics if "ignores" in found.message}
    assert "git ignores this file" in told["chatbots/draft.yaml"]
    for path, included in (("chatbots/c.yaml", "prompts/c.md"), ("chatbots/d.yaml", "local/x.md")):
        assert f'"{included}" is a file that git ignores, so that no commit holds it' in told[path]
    alike(local, await committed(repo, tmp_path, everything=True))


async def test_a_repository_within_the_repository_and_a_large_file_are_told(tmp_path: Path) -> None:
    repo = cloned(tmp_path)
    GitRepo(repo.folder / "chatbots" / "inner").write({"x.yaml": DOCUMENT % "a"})
    repo.write({"chatbots/huge.yaml": "#" * (1024 * 1024 + 1)})
    told = [f"{found.path}: {found.message}" for found in load_checkout(repo.folder, [], CONTRACT).diagnostics]
    for expected in (
        "chatbots/inner: this is a submodule, which is not followed",
        "chatbots/huge.yaml: the file is larger than 1048576 bytes",
    ):
        assert [line for line in told if line.startswith(expected)]


def test_a_repository_without_a_commit_is_read(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "new")
    repo.write(FILES)
    local = load_checkout(repo.folder, [], CONTRACT)
    assert [each.chatbot_id for each in local.documents] == ["a", "b"]
    assert len([found for found in local.diagnostics if "git does not hold this file yet" in found.message]) == 4


def test_what_is_no_work_tree_is_read_as_it_is(tmp_path: Path) -> None:
    for name, text in FILES.items():
        path = tmp_path / "plain" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace("\n", "\r\n").encode() if isinstance(text, str) else text)
    for _ in range(2):
        documents = load_checkout(tmp_path / "plain", [], CONTRACT).documents
        assert documents[0].spec["core"]["behavior"]["systemPrompt"] == "One\r\nTwo\r\n"
        (tmp_path / "plain" / ".git").mkdir(exist_ok=True)  # nor is this one


def test_files_and_folders_can_be_named_in_a_repository(tmp_path: Path) -> None:
    repo = cloned(tmp_path)
    for given in ("chatbots/a.yaml", "chatbots"):
        local = load_checkout(repo.folder, [repo.folder / given], CONTRACT)
        assert local.documents[0].chatbot_id == "a"


def test_a_second_work_tree_is_read_like_the_first(tmp_path: Path) -> None:
    repo = cloned(tmp_path, config=("core.autocrlf=true",))
    repo.git("worktree", "add", "--quiet", str(tmp_path / "second"))
    local = load_checkout(tmp_path / "second", [], CONTRACT)
    assert local.documents[0].spec["core"]["behavior"]["systemPrompt"] == "One\nTwo\n"


def test_a_hook_s_own_index_does_not_lead_astray(tmp_path: Path) -> None:
    repo = cloned(tmp_path, config=("core.autocrlf=true",))
    script = (
        "from pathlib import Path\n"
        "from reconciler.sources.checkout import load_checkout\n"
        "from tests.support.contract import CONTRACT\n"
        f"documents = load_checkout(Path({str(repo.folder)!r}), [], CONTRACT).documents\n"
        "print([each.spec['core']['behavior']['systemPrompt'] for each in documents])\n"
    )
    root = Path(__file__).parents[3]
    hook = repo.folder / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ncd {root} && exec {sys.executable} - >&2 <<'E'\n{script}E\n")
    hook.chmod(0o755)
    repo.write({"prompts/a.md": "Other\r\n"})
    done = subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-a", "-m", "By hand"],
        cwd=repo.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert r"['Other\n', 'Drei\nÄpfel\n']" in done.stderr
