"""The commit that last changed a document, over a real mirror: hostile texts, no fetching, little work."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.executors import NamedExecutor
from reconciler.sources.commits import CommitLog
from reconciler.sources.git import GitSource
from reconciler.sources.git_remote import GitRemote
from reconciler.sources.mirror import GitLimits, Mirror
from tests.fakes.cache import MemoryParseCache
from tests.support.contract import CONTRACT
from tests.support.git import GitRepo

pytestmark = pytest.mark.anyio

PATH = "chatbots/a.yaml"
DOCUMENT = "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {name: %s}}\n"
KEY = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "bots")


async def loaded(repo: GitRepo, tmp_path: Path, limits: GitLimits | None = None) -> GitSource:
    remote = GitRemote.parse(repo.url, "main", insecure=True)
    source = GitSource(remote, tmp_path / "data" / "mirror.git", CONTRACT, limits)
    await source.load(repo.head, MemoryParseCache())
    return source


def commit_raw(repo: GitRepo, author: bytes, message: bytes, moment: bytes = b"1767268800") -> str:
    """A commit as somebody writes it who does not use git for it."""
    repo.write({PATH: DOCUMENT % len(message)})
    repo.git("add", "--all")
    tree = repo.git("write-tree").strip()
    who = b"%s <a@example.com> %s +0000" % (author, moment)
    raw = b"tree %s\nauthor %s\ncommitter %s\n\n%s" % (tree.encode(), who, who, message)
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        cwd=repo.folder,
        input=raw,
        capture_output=True,
        check=True,
        timeout=60,
    )
    revision = made.stdout.decode().strip()
    repo.git("update-ref", "refs/heads/main", revision)
    return revision


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"\xe2\x80\xaeevil\xe2\x80\xac", "\\u202eevil\\u202c"),
        (b"bell\x07 \x1b[31mred", "bell\\x07 \\x1b[31mred"),
        (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
        (b"not \xff UTF-8", "not \ufffd UTF-8"),
        (b"%H %an %x00 %(trailers)", "%H %an %x00 %(trailers)"),
        (b"use " + KEY.encode(), "use [a GitHub token]"),
        ("Grüße an Zoë 👋".encode(), "Grüße an Zoë 👋"),
        (b"", "The rest is the first then."),
    ],
)
async def test_a_subject_is_shown_as_it_is_and_changes_nothing(
    repo: GitRepo, tmp_path: Path, written: bytes, shown: str
) -> None:
    revision = commit_raw(repo, b"A", written + b"\n\nThe rest is the first then.\n")
    fact = await (await loaded(repo, tmp_path)).last_change(PATH, revision)
    assert fact is not None
    assert (fact.id, fact.subject, fact.at) == (revision, shown, datetime(2026, 1, 1, 12, tzinfo=UTC))


async def test_the_name_of_an_author_is_told_as_carefully(repo: GitRepo, tmp_path: Path) -> None:
    revision = commit_raw(repo, "Zoë \u202e\x1b[2J".encode(), b"x")
    fact = await (await loaded(repo, tmp_path)).last_change(PATH, revision)
    assert fact is not None
    assert fact.author == "Zoë \\u202e\\x1b[2J"


async def told(repo: GitRepo, tmp_path: Path, since: str | None = None) -> list[str]:
    """Who is told to have changed the document, since a revision or last."""
    source = await loaded(repo, tmp_path)
    if since is not None:
        return list(await source.authors(PATH, since, repo.head))
    fact = await source.last_change(PATH, repo.head)
    return [fact.author] if fact else []


def merge(repo: GitRepo, branch: str, author: str, *options: str) -> None:
    repo.git("-c", f"user.name={author}", "merge", "--quiet", "--no-ff", "--no-edit", *options, branch)
    repo.git("commit", "--quiet", "--amend", "--no-edit", f"--author={author} <x@example.com>")


async def test_a_merge_that_takes_a_change_back_is_what_changed_the_document(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit({PATH: DOCUMENT % "A"}, author="Ann")
    repo.git("checkout", "--quiet", "-b", "side")
    repo.commit({"readme.md": "x"}, author="Sid")
    repo.git("checkout", "--quiet", "main")
    agreed = repo.commit({PATH: DOCUMENT % "B"}, author="Mia")
    merge(repo, "side", "Zoe", "--strategy=ort", "--strategy-option=theirs")
    repo.write({PATH: DOCUMENT % "A"})
    repo.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    assert await told(repo, tmp_path) == ["Zoe"]
    assert await told(repo, tmp_path, agreed) == ["Zoe"]


async def test_a_merge_that_takes_back_an_included_file_is_what_changed_the_document(
    repo: GitRepo, tmp_path: Path
) -> None:
    including = "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {prompt: {$file: ../p.md}}}\n"
    repo.commit({PATH: including, "p.md": "one"}, author="Ann")
    repo.git("branch", "side")
    repo.commit({"p.md": "two"}, author="Mia")
    repo.git("checkout", "--quiet", "side")
    repo.commit({"readme.md": "x"}, author="Sid")
    repo.git("checkout", "--quiet", "main")
    merge(repo, "side", "Zoe")
    repo.write({"p.md": "one"})
    repo.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    assert await told(repo, tmp_path) == ["Zoe"]


async def test_a_merge_that_leaves_the_document_alone_did_not_change_it(repo: GitRepo, tmp_path: Path) -> None:
    agreed = repo.commit({PATH: DOCUMENT % "A"}, author="Ann")
    repo.git("checkout", "--quiet", "-b", "side")
    repo.commit({"readme.md": "x"}, author="Sid")
    repo.git("checkout", "--quiet", "main")
    repo.commit({PATH: DOCUMENT % "B"}, author="Mia")
    merge(repo, "side", "Zoe")
    assert await told(repo, tmp_path) == ["Mia"]
    assert await told(repo, tmp_path, agreed) == ["Mia"]


async def test_whoever_wrote_what_was_merged_is_told_beside_who_merged_it(repo: GitRepo, tmp_path: Path) -> None:
    agreed = repo.commit({PATH: DOCUMENT % "A"}, author="Ann")
    repo.commit({PATH: DOCUMENT % "B"}, author="Mia")
    repo.git("checkout", "--quiet", "-b", "side")
    repo.commit({PATH: DOCUMENT % "C"}, author="Sid")
    repo.commit({"readme.md": "x"}, author="Joe")
    repo.git("checkout", "--quiet", "main")
    merge(repo, "side", "Zoe")
    assert await told(repo, tmp_path) == ["Zoe"]
    assert sorted(await told(repo, tmp_path, agreed)) == ["Mia", "Sid", "Zoe"]


async def test_a_revision_that_is_not_here_tells_of_no_authors(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit({PATH: DOCUMENT % "A"}, author="Ann")
    for since in ("0" * 40, "HEAD", "--all", "", "^main"):
        assert await told(repo, tmp_path, since) == []


async def test_authors_are_told_as_carefully_and_each_once(repo: GitRepo, tmp_path: Path) -> None:
    agreed = repo.commit({PATH: DOCUMENT % "A"})
    for number, author in enumerate(("Zoe \u202e", "Ben", "Zoe \u202e", "\u754c" * 300)):
        repo.commit({PATH: DOCUMENT % number}, author=author)
    found = await told(repo, tmp_path, agreed)
    assert sorted(found)[:2] == ["Ben", "Zoe \\u202e"]
    assert len(found) == 3
    assert max(map(len, found)) <= 200


async def test_a_path_is_no_pattern_for_others(repo: GitRepo, tmp_path: Path) -> None:
    path = "chatbots/[ab].yaml"
    own = repo.commit({path: DOCUMENT % "both", PATH: DOCUMENT % "A"})
    other = repo.commit({PATH: DOCUMENT % "A2"})
    fact = await (await loaded(repo, tmp_path)).last_change(path, other)
    assert fact is not None
    assert fact.id == own


@pytest.mark.parametrize("char", ["x", "界", "\u0301"])
async def test_what_is_endless_is_cut(repo: GitRepo, tmp_path: Path, char: str) -> None:
    revision = commit_raw(repo, char.encode() * 100_000, char.encode() * 1_000_000)
    fact = await (await loaded(repo, tmp_path)).last_change(PATH, revision)
    assert fact is not None
    assert max(len(fact.author), len(fact.subject)) <= 200


@pytest.mark.parametrize("moment", [b"0", b"99999999999", b"253402300800", b"18446744073709551615", b"-5"])
async def test_any_time_that_a_commit_states_is_one(repo: GitRepo, tmp_path: Path, moment: bytes) -> None:
    revision = commit_raw(repo, b"A", b"x", moment)
    fact = await (await loaded(repo, tmp_path)).last_change(PATH, revision)
    assert fact is not None
    assert 1970 <= fact.at.year <= 9999


async def test_what_was_told_once_is_told_again_without_git(repo: GitRepo, tmp_path: Path) -> None:
    revision = repo.commit({PATH: DOCUMENT % "A"})
    source = await loaded(repo, tmp_path)
    first = await source.last_change(PATH, revision)
    shutil.rmtree(tmp_path / "data")
    assert first is not None
    assert await source.last_change(PATH, revision) == first


async def test_what_is_remembered_is_bounded_by_its_size(repo: GitRepo, tmp_path: Path) -> None:
    first = repo.commit({PATH: DOCUMENT % "A"})
    for number in range(20):
        revision = repo.commit({PATH: DOCUMENT % f"B{number}"})
    await loaded(repo, tmp_path)
    mirror = Mirror(tmp_path / "data" / "mirror.git", GitRemote.parse(repo.url, "main", insecure=True), GitLimits())
    # some 20 commits take more than 8 KiB, and one less than 1 KiB
    commits = CommitLog(mirror, CONTRACT, NamedExecutor("git"), most_bytes=32 * 1024)
    questions = [(PATH, at) for at in repo.git("rev-list", f"{first}..{revision}").split()]
    known = [await commits.last_change(*question) for question in questions]
    everybody = await commits.authors(PATH, first, revision)
    shutil.rmtree(tmp_path / "data")
    assert None not in known
    assert everybody != ()
    assert await commits.authors(PATH, first, revision) == (), "more than a quarter of all that is remembered"
    assert [await commits.last_change(*question) for question in questions] == known


async def test_what_was_used_longest_ago_is_forgotten_first(repo: GitRepo, tmp_path: Path) -> None:
    revisions = [repo.commit({PATH: DOCUMENT % f"B{number}"}) for number in range(10)]
    await loaded(repo, tmp_path)
    mirror = Mirror(tmp_path / "data" / "mirror.git", GitRemote.parse(repo.url, "main", insecure=True), GitLimits())
    commits = CommitLog(mirror, CONTRACT, NamedExecutor("git"), most_bytes=4 * 1024)
    known = [await commits.last_change(PATH, revision) for revision in revisions]
    shutil.rmtree(tmp_path / "data")
    again = [await commits.last_change(PATH, revision) for revision in revisions]
    kept = sum(fact is not None for fact in again)
    assert 2 < kept < 10
    assert again == [None] * (10 - kept) + known[10 - kept :]


async def test_without_a_mirror_nothing_is_told_and_nothing_is_made(repo: GitRepo, tmp_path: Path) -> None:
    revision = repo.commit({PATH: DOCUMENT % "A"})
    source = await loaded(repo, tmp_path)
    shutil.rmtree(tmp_path / "data")
    assert await source.last_change(PATH, revision) is None
    assert not (tmp_path / "data" / "mirror.git").exists()
    await source.load(revision, MemoryParseCache())
    assert await source.last_change(PATH, revision) is not None, "what could not be told is asked again"


async def test_whoever_looks_does_not_wait_for_git_for_long(repo: GitRepo, tmp_path: Path) -> None:
    revision = repo.commit({PATH: DOCUMENT % "A"})
    await loaded(repo, tmp_path)
    mirror = tmp_path / "data" / "mirror.git"
    # git waits for ever for what a pipe says
    config = mirror / "config"
    config.unlink()
    os.mkfifo(config)
    remote = GitRemote.parse(repo.url, "main", insecure=True)
    source = GitSource(remote, mirror, CONTRACT, GitLimits(look_seconds=0.2))
    assert await source.last_change(PATH, revision) is None
