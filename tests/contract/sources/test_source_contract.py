"""What every `ports.Source` does: the same cases over git and over the fake that the engine's tests use."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest

from reconciler.domain.status import Reason
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.ports import Source
from reconciler.sources.git import GitSource
from reconciler.sources.git_remote import GitRemote
from tests.fakes.cache import MemoryParseCache
from tests.fakes.source import FakeSource
from tests.support.contract import CONTRACT
from tests.support.git import GitRepo

pytestmark = pytest.mark.anyio

DOCUMENT = "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {name: %s}}\n"
INCLUDING = "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {prompt: {$file: %s}}}\n"
ALLOWED = ("a", "b", "c", "x*")


class Branch(Protocol):
    """A branch that the tests write, and the source that reads it."""

    @property
    def source(self) -> Source: ...
    def commit(self, files: Mapping[str, str | bytes], *, remove: tuple[str, ...] = (), author: str = "A") -> str: ...
    def force_push(self, files: Mapping[str, str]) -> str: ...


class GitBranch:
    def __init__(self, folder: Path) -> None:
        self.repo = GitRepo(folder / "repo")
        remote = GitRemote.parse(self.repo.url, "main", allowed=ALLOWED, insecure=True)
        self.source: Source = GitSource(remote, folder / "data" / "mirror.git", CONTRACT)

    def commit(self, files: Mapping[str, str | bytes], *, remove: tuple[str, ...] = (), author: str = "A") -> str:
        return self.repo.commit(files, remove=remove, author=author)

    def force_push(self, files: Mapping[str, str]) -> str:
        return self.repo.force_push(files)


class FakeBranch:
    def __init__(self) -> None:
        self.fake = FakeSource(allowed=ALLOWED)
        self.source: Source = self.fake

    def commit(self, files: Mapping[str, str | bytes], *, remove: tuple[str, ...] = (), author: str = "A") -> str:
        if not self.fake.has_commits:
            return self.fake.commit(files, author=author)
        return self.fake.amend(files, remove=remove, author=author)

    def force_push(self, files: Mapping[str, str]) -> str:
        return self.fake.force_push(files)


@pytest.fixture(params=["git", "fake"])
def branch(request: pytest.FixtureRequest, tmp_path: Path) -> Branch:
    return GitBranch(tmp_path) if request.param == "git" else FakeBranch()


async def test_the_head_is_the_last_commit(branch: Branch) -> None:
    first = branch.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    assert await branch.source.head() == first
    second = branch.commit({"chatbots/a.yaml": DOCUMENT % "A2"})
    assert await branch.source.head() == second != first


async def test_a_head_that_is_fetched_at_once_is_the_last_commit_too(branch: Branch) -> None:
    cache = MemoryParseCache()
    first = branch.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    assert await branch.source.fetch_head() == first
    await branch.source.load(first, cache)
    assert await branch.source.fetch_head() == first
    cache.promote({"a": "chatbots/a.yaml"})
    second = branch.commit({"chatbots/a.yaml": DOCUMENT % "A2", "chatbots/b.yaml": DOCUMENT % "B"})
    assert await branch.source.fetch_head() == second
    changes = await branch.source.load_changes(first, second, cache)
    assert changes is not None
    assert [document.chatbot_id for document in changes.documents] == ["a", "b"]
    cache.promote({"a": "chatbots/a.yaml", "b": "chatbots/b.yaml"})
    rewritten = branch.force_push({"chatbots/a.yaml": DOCUMENT % "A3"})
    assert await branch.source.fetch_head() == rewritten
    assert await branch.source.load_changes(second, rewritten, cache) is None


async def test_of_a_repository_without_commits_nothing_is_fetched(branch: Branch) -> None:
    with pytest.raises(SourceUnreadable) as failed:
        await branch.source.fetch_head()
    assert failed.value.cause is SourceCause.REPOSITORY_EMPTY


async def test_a_revision_says_what_it_said_when_it_was_made(branch: Branch) -> None:
    first = branch.commit({"chatbots/a.yaml": DOCUMENT % "A", "chatbots/b.yaml": INCLUDING % "../p.md", "p.md": "P\n"})
    branch.commit({"p.md": "changed"}, remove=("chatbots/a.yaml",))
    cache = MemoryParseCache()
    snapshot = await branch.source.load(first, cache)
    assert (snapshot.revision, snapshot.files, snapshot.parsed) == (first, 2, 2)
    assert [document.chatbot_id for document in snapshot.documents] == ["a", "b"]
    assert cache.bodies[snapshot.documents[1].digest]["spec"] == {"core": {"prompt": "P\n"}}


async def test_only_what_changed_is_parsed(branch: Branch) -> None:
    cache = MemoryParseCache()
    revisions = [
        branch.commit({"chatbots/a.yaml": DOCUMENT % "A", "chatbots/b.yaml": INCLUDING % "../p.md", "p.md": "P"}),
        branch.commit({"readme.md": "unrelated"}),
        branch.commit({"chatbots/a.yaml": DOCUMENT % "A2"}),
        branch.commit({"p.md": "P2"}),
    ]
    assert [(await branch.source.load(revision, cache)).parsed for revision in revisions] == [2, 0, 1, 1]


async def test_what_is_refused_is_refused_from_the_cache_too(branch: Branch) -> None:
    cache = MemoryParseCache()
    revision = branch.commit({"chatbots/a.yaml": "spec: [", "chatbots/b.yaml": DOCUMENT % "B"})
    first, second = await branch.source.load(revision, cache), await branch.source.load(revision, cache)
    assert (first.parsed, second.parsed) == (2, 0)
    assert first.refusals == second.refusals
    assert first.diagnostics == second.diagnostics
    assert [(item.path, item.reason) for item in second.refusals] == [("chatbots/a.yaml", Reason.DOCUMENT_INVALID)]


async def test_claims_are_judged_over_all_files(branch: Branch) -> None:
    revision = branch.commit(
        {
            "chatbots/a.yaml": DOCUMENT % "A",
            "chatbots/x1.yaml": DOCUMENT % "X",
            "chatbots/more/x1.yaml": DOCUMENT % "X",
            "chatbots/foreign.yaml": DOCUMENT % "F",
        }
    )
    snapshot = await branch.source.load(revision, MemoryParseCache())
    assert [document.chatbot_id for document in snapshot.documents] == ["a"]
    assert [(item.chatbot_id, item.reason) for item in snapshot.refusals] == [
        ("foreign", Reason.CLAIM_REFUSED),
        ("x1", Reason.CLAIMED_TWICE),
        ("x1", Reason.CLAIMED_TWICE),
    ]


async def test_descent_is_told_and_a_rewritten_history_has_none(branch: Branch) -> None:
    first = branch.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    second = branch.commit({"chatbots/a.yaml": DOCUMENT % "A2"})
    assert await branch.source.descends(second, first)
    assert not await branch.source.descends(first, second)
    rewritten = branch.force_push({"chatbots/a.yaml": DOCUMENT % "R"})
    assert await branch.source.head() == rewritten
    assert not await branch.source.descends(rewritten, second)
    assert not await branch.source.descends(rewritten, "0" * 40)
    assert (await branch.source.load(second, MemoryParseCache())).documents[0].name == "A2"


async def test_emptied_paths_leave_a_revision_without_documents(branch: Branch) -> None:
    branch.commit({"chatbots/a.yaml": DOCUMENT % "A", "readme.md": "x"})
    revision = branch.commit({}, remove=("chatbots/a.yaml",))
    snapshot = await branch.source.load(revision, MemoryParseCache())
    assert (snapshot.documents, snapshot.refusals, snapshot.files) == ((), (), 0)
    assert snapshot.nothing is not None
    assert "chatbots/**/*.yaml" in snapshot.nothing


async def test_what_is_near_is_told_where_nothing_matches(branch: Branch) -> None:
    revision = branch.commit({"bots/a.yaml": DOCUMENT % "A", "ci.yml": "on: push", "chatbots/b.yaml.txt": "x"})
    snapshot = await branch.source.load(revision, MemoryParseCache())
    assert snapshot.nothing is not None
    for near in ("1 document in bots/", "1 other YAML or JSON file in the root", "chatbots/b.yaml.txt with another"):
        assert near in snapshot.nothing
    revision = branch.commit({"chatbots/b.yaml": DOCUMENT % "B"})
    assert (await branch.source.load(revision, MemoryParseCache())).nothing is None


async def test_a_file_is_read_as_it_was_at_a_revision(branch: Branch) -> None:
    hostile = b"fine\r\n\xff\xfe\x00 \xe2\x80\xae end"
    first = branch.commit({"chatbots/a.yaml": DOCUMENT % "A", "b.bin": hostile, "*.yaml": "a star"})
    second = branch.commit({"chatbots/a.yaml": DOCUMENT % "A2"}, remove=("b.bin",))
    await branch.source.load(second, MemoryParseCache())

    assert await branch.source.text("chatbots/a.yaml", first) == DOCUMENT % "A"
    assert await branch.source.text("chatbots/a.yaml", second) == DOCUMENT % "A2"
    assert await branch.source.text("b.bin", first) == "fine\r\n\ufffd\ufffd\x00 \u202e end"
    assert await branch.source.text("*.yaml", first) == "a star"
    assert await branch.source.text("b.bin", second) is None


@pytest.mark.parametrize("path", ["", ".", "chatbots", "chatbots/", "../a", "/etc/passwd", ":/chatbots/a.yaml", "-z"])
async def test_what_is_no_file_of_the_revision_has_no_text(branch: Branch, path: str) -> None:
    revision = branch.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    await branch.source.load(revision, MemoryParseCache())
    assert await branch.source.text(path, revision) is None


@pytest.mark.parametrize("revision", ["", "HEAD", "main", "--help", "0" * 40])
async def test_what_is_no_commit_known_here_has_no_text(branch: Branch, revision: str) -> None:
    await branch.source.load(branch.commit({"chatbots/a.yaml": DOCUMENT % "A"}), MemoryParseCache())
    assert await branch.source.text("chatbots/a.yaml", revision) is None


async def test_a_file_larger_than_a_document_may_be_has_no_text(branch: Branch) -> None:
    files = {"most": "x" * 1024 * 1024, "more": "x" * (1024 * 1024 + 1)}
    revision = branch.commit(files)
    await branch.source.load(revision, MemoryParseCache())
    assert [await branch.source.text(path, revision) is None for path in files] == [False, True]


async def test_a_text_is_not_fetched_for(tmp_path: Path) -> None:
    branch = GitBranch(tmp_path)
    known = branch.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    assert await branch.source.text("chatbots/a.yaml", known) is None
    await branch.source.load(known, MemoryParseCache())
    later = branch.commit({"chatbots/a.yaml": DOCUMENT % "A2"})
    assert await branch.source.text("chatbots/a.yaml", known) is not None
    assert await branch.source.text("chatbots/a.yaml", later) is None


async def test_a_symbolic_link_has_no_text(tmp_path: Path) -> None:
    branch = GitBranch(tmp_path)
    branch.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    branch.repo.add_entry("120000", "link", "chatbots/a.yaml")
    revision = branch.repo.commit_staged()
    await branch.source.load(revision, MemoryParseCache())
    assert await branch.source.text("link", revision) is None


async def test_a_repository_without_commits_is_a_cause_of_its_own(branch: Branch) -> None:
    with pytest.raises(SourceUnreadable) as raised:
        await branch.source.head()
    assert raised.value.cause is SourceCause.REPOSITORY_EMPTY


async def test_a_commit_that_is_nowhere_is_a_cause_of_its_own(branch: Branch) -> None:
    branch.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    with pytest.raises(SourceUnreadable) as raised:
        await branch.source.load("0" * 40, MemoryParseCache())
    assert raised.value.cause is SourceCause.HISTORY_REWRITTEN


async def test_the_last_change_of_a_document_is_the_commit_that_changed_it_or_what_it_includes(branch: Branch) -> None:
    files = {"chatbots/a.yaml": DOCUMENT % "A", "chatbots/b.yaml": INCLUDING % "../p.md", "p.md": "P"}
    revisions = [
        branch.commit(files),
        branch.commit({"chatbots/a.yaml": DOCUMENT % "A2"}),
        branch.commit({"p.md": "P2"}),
        branch.commit({"readme.md": "unrelated"}),
    ]
    await branch.source.load(revisions[-1], MemoryParseCache())

    async def told(path: str) -> list[int | None]:
        facts = [await branch.source.last_change(path, revision) for revision in revisions]
        return [revisions.index(fact.id) if fact else None for fact in facts]

    assert await told("chatbots/a.yaml") == [0, 1, 1, 1]
    assert await told("chatbots/b.yaml") == [0, 0, 2, 2]
    assert await told("chatbots/none.yaml") == [None] * 4


async def test_all_who_changed_a_document_since_a_revision_are_told(branch: Branch) -> None:
    files = {"chatbots/a.yaml": DOCUMENT % "A", "chatbots/b.yaml": INCLUDING % "../p.md", "p.md": "P"}
    first = branch.commit(files, author="Ann")
    branch.commit({"p.md": "P2"}, author="Ben")
    second = branch.commit({"chatbots/a.yaml": DOCUMENT % "A2"}, author="Cem")
    branch.commit({"readme.md": "unrelated"}, author="Dot")
    last = branch.commit({"chatbots/b.yaml": (INCLUDING % "../p.md") + "\n"}, author="Eve")
    await branch.source.load(last, MemoryParseCache())

    authors = branch.source.authors
    assert sorted(await authors("chatbots/b.yaml", first, last)) == ["Ben", "Eve"]
    assert list(await authors("chatbots/b.yaml", second, last)) == ["Eve"]
    assert list(await authors("chatbots/a.yaml", first, last)) == ["Cem"]
    assert list(await authors("chatbots/a.yaml", second, last)) == []
    assert list(await authors("chatbots/a.yaml", last, first)) == []
    assert list(await authors("chatbots/none.yaml", first, last)) == []
    assert list(await authors("chatbots/a.yaml", "0" * 40, last)) == []
    assert list(await authors("chatbots/a.yaml", first, "0" * 40)) == []


async def test_the_last_change_tells_who_and_why(branch: Branch) -> None:
    revision = branch.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    await branch.source.load(revision, MemoryParseCache())
    fact = await branch.source.last_change("chatbots/a.yaml", revision)
    assert fact is not None
    assert (fact.author, fact.subject, fact.at.utcoffset()) == ("A", "Change", timedelta(0))


@pytest.mark.parametrize("revision", ["0" * 40, "main", "HEAD", "--all", "", "a" * 39, "x" * 40])
async def test_the_last_change_at_a_revision_that_is_not_here_is_not_told(branch: Branch, revision: str) -> None:
    here = branch.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    await branch.source.load(here, MemoryParseCache())
    assert await branch.source.last_change("chatbots/a.yaml", revision) is None


@pytest.mark.parametrize("path", ["*", "chatbots/*", ":(glob)**", ":/", ":!x", "--all", ".", "..", "/", "chatbots", ""])
async def test_a_path_is_taken_by_its_letters(branch: Branch, path: str) -> None:
    revision = branch.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    await branch.source.load(revision, MemoryParseCache())
    assert await branch.source.last_change(path, revision) is None


async def test_the_fake_fails_as_it_is_told_until_it_recovers() -> None:
    fake = FakeSource({"chatbots/a.yaml": DOCUMENT % "A"})
    fake.fail(SourceCause.UNREACHABLE)
    with pytest.raises(SourceUnreadable) as raised:
        await fake.head()
    assert raised.value.cause is SourceCause.UNREACHABLE
    fake.recover()
    assert await fake.head() == fake.tip


async def known_at(branch: Branch, revision: str) -> MemoryParseCache:
    """What is known once a revision was loaded whole, and its claims stand."""
    cache = MemoryParseCache()
    snapshot = await branch.source.load(revision, cache)
    cache.promote({document.chatbot_id: document.path for document in snapshot.documents})
    return cache


async def test_of_a_change_only_what_it_concerns_is_read_and_told(branch: Branch) -> None:
    files = {"chatbots/a.yaml": DOCUMENT % "A", "chatbots/b.yaml": INCLUDING % "../p.md", "p.md": "P\n"}
    first = branch.commit({**files, "chatbots/c.yaml": DOCUMENT % "C"})
    cache = await known_at(branch, first)
    second = branch.commit({"p.md": "Other\n", "README.md": "unrelated"}, remove=("chatbots/c.yaml",))
    snapshot = await branch.source.load_changes(first, second, cache)
    assert snapshot is not None
    assert (snapshot.revision, snapshot.files, snapshot.parsed, snapshot.about) == (second, 2, 1, {"b", "c"})
    assert [document.chatbot_id for document in snapshot.documents] == ["b"]
    cache.promote({"a": "chatbots/a.yaml", "b": "chatbots/b.yaml"})
    whole = await branch.source.load(second, MemoryParseCache())
    unchanged = await branch.source.load_changes(second, second, cache)
    assert unchanged is not None
    assert (unchanged.parsed, unchanged.diagnostics, unchanged.files) == (0, whole.diagnostics, whole.files)
    assert whole.documents[1].digest == snapshot.documents[0].digest


async def test_a_document_that_another_no_longer_claims_too_is_told_without_being_read_again(branch: Branch) -> None:
    stated = "metadata: {chatbotId: a}\n"
    first = branch.commit({"chatbots/a.yaml": DOCUMENT % "A", "chatbots/b.yaml": DOCUMENT % "B" + stated})
    cache = MemoryParseCache()
    refused = await branch.source.load(first, cache)
    assert [refusal.reason for refusal in refused.refusals] == [Reason.CLAIMED_TWICE] * 2
    cache.promote({"a": "chatbots/a.yaml"})
    second = branch.commit({}, remove=("chatbots/b.yaml",))
    snapshot = await branch.source.load_changes(first, second, cache)
    assert snapshot is not None
    assert ([document.chatbot_id for document in snapshot.documents], snapshot.parsed) == (["a"], 0)
    assert cache.bodies[snapshot.documents[0].digest]["spec"] == {"core": {"name": "A"}}
    assert snapshot.diagnostics == (await branch.source.load(second, MemoryParseCache())).diagnostics


async def test_what_is_not_known_well_enough_is_loaded_whole(branch: Branch) -> None:
    first = branch.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    second = branch.commit({"chatbots/a.yaml": DOCUMENT % "A2"})
    assert await branch.source.load_changes(first, second, MemoryParseCache()) is None
    cache = await known_at(branch, first)
    assert await branch.source.load_changes(second, second, cache) is None, "these are another tree's files"
    cache.rows.clear()
    assert await branch.source.load_changes(first, second, cache) is None, "they were deleted"
    cache = await known_at(branch, second)
    rewritten = branch.force_push({"chatbots/a.yaml": DOCUMENT % "A3"})
    assert await branch.source.load_changes(second, rewritten, cache) is None, "it does not descend from the good one"
