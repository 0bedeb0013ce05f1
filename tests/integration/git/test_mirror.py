"""The mirror itself: what it keeps of rewritten histories, and that a broken one is no answer."""

import shutil
from pathlib import Path

import pytest

from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.builder import LIMITS
from reconciler.sources.fetched_branch import FetchedBranch, fetch_branch
from reconciler.sources.git import GitSource
from reconciler.sources.git_process import DEFAULT_CAPS
from reconciler.sources.git_remote import GitRemote
from reconciler.sources.mirror import Mirror
from tests.fakes.cache import MemoryParseCache
from tests.support.contract import CONTRACT
from tests.support.git import GitRepo

pytestmark = pytest.mark.anyio

DOCUMENT = "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {name: %s}}\n"
KEPT = "refs/reconciler/kept"


def in_mirror(repo: GitRepo, mirror: Mirror, *arguments: str, stdin: str | None = None) -> str:
    return repo.git(f"--git-dir={mirror.folder}", *arguments, stdin=stdin)


def rewritten_often(times: int) -> str:
    """What git fast-import makes commits of: each replaces the one before, and is kept as the mirror keeps it."""
    return "".join(
        f"commit {KEPT}/{number}\nmark :{number + 1}\ncommitter A <a@example.com> {1_700_000_000 + number} +0000\n"
        f"data 1\nx\nfrom {'0' * 40}\n\n"
        for number in range(times)
    )


def test_of_too_many_rewritten_histories_the_newest_are_kept(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "bots")
    mirror = Mirror(tmp_path / "mirror.git", GitRemote.parse(repo.url, "main", insecure=True))
    mirror.ensure(repo.commit({"chatbots/a.yaml": DOCUMENT % "A"}))
    in_mirror(repo, mirror, "fast-import", "--quiet", stdin=rewritten_often(230))
    mirror.ensure(repo.commit({"chatbots/a.yaml": DOCUMENT % "A2"}))
    kept = in_mirror(repo, mirror, "for-each-ref", "--format=%(refname:lstrip=3)", KEPT).split()
    assert sorted(map(int, kept)) == list(range(30, 230))


@pytest.mark.parametrize("damage", ["missing", "damaged"])
async def test_a_history_with_a_hole_is_no_answer_but_a_mirror_to_be_made_anew(tmp_path: Path, damage: str) -> None:
    repo = GitRepo(tmp_path / "bots")
    first, second, third = (repo.commit({"chatbots/a.yaml": DOCUMENT % name}) for name in "ABC")
    folder = tmp_path / "data" / "mirror.git"
    source = GitSource(GitRemote.parse(repo.url, "main", insecure=True), folder, CONTRACT)
    await source.load(third, MemoryParseCache())
    lost = folder / "objects" / second[:2] / second[2:]
    lost.unlink()
    if damage == "damaged":
        lost.write_bytes(b"nonsense")

    assert await source.descends(third, first)
    assert lost.read_bytes() != b"nonsense", "it was fetched again"


@pytest.mark.parametrize("packed", [False, True])
async def test_a_branch_that_is_fetched_without_being_asked_for_is_told_with_what_it_goes_on_from(
    tmp_path: Path, *, packed: bool
) -> None:
    repo = GitRepo(tmp_path / "bots")
    mirror = Mirror(tmp_path / "mirror.git", GitRemote.parse(repo.url, "main", insecure=True))
    first = repo.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    assert fetch_branch(mirror) is None, "there is no mirror yet"
    mirror.ensure(first)
    if packed:
        in_mirror(repo, mirror, "pack-refs", "--all")
    assert fetch_branch(mirror) == FetchedBranch(first, first)
    second = repo.commit({"chatbots/a.yaml": DOCUMENT % "A2"})
    assert fetch_branch(mirror) == FetchedBranch(second, first)
    rewritten = repo.force_push({"chatbots/a.yaml": DOCUMENT % "A3"})
    assert fetch_branch(mirror) == FetchedBranch(rewritten, None)
    assert mirror.has(second), "it may be the good revision"


@pytest.mark.parametrize("damage", ["gone", "broken"])
async def test_a_mirror_that_cannot_be_fetched_into_has_the_remote_asked(tmp_path: Path, damage: str) -> None:
    repo = GitRepo(tmp_path / "bots")
    folder = tmp_path / "data" / "mirror.git"
    source = GitSource(GitRemote.parse(repo.url, "main", insecure=True), folder, CONTRACT)
    await source.load(repo.commit({"chatbots/a.yaml": DOCUMENT % "A"}), MemoryParseCache())
    second = repo.commit({"chatbots/a.yaml": DOCUMENT % "A2"})
    if damage == "gone":
        shutil.rmtree(folder)
    else:
        (folder / "HEAD").write_text("nonsense")
    assert await source.fetch_head() == second
    snapshot = await source.load(second, MemoryParseCache())
    assert [document.chatbot_id for document in snapshot.documents] == ["a"]


async def test_why_a_branch_cannot_be_fetched_is_told_as_exactly_as_why_it_cannot_be_asked_for(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "bots")
    source = GitSource(GitRemote.parse(repo.url, "main", insecure=True), tmp_path / "mirror.git", CONTRACT)
    await source.load(repo.commit({"chatbots/a.yaml": DOCUMENT % "A"}), MemoryParseCache())
    repo.git("branch", "--move", "main", "trunk")
    causes = []
    for ask in (source.head, source.fetch_head):
        with pytest.raises(SourceUnreadable) as failed:
            await ask()
        causes.append((failed.value.cause, str(failed.value)))
    assert causes[0] == causes[1]
    assert causes[0][0] is SourceCause.BRANCH_MISSING


async def test_a_large_file_that_changed_is_refused_by_itself(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "bots")
    source = GitSource(GitRemote.parse(repo.url, "main", insecure=True), tmp_path / "mirror.git", CONTRACT)
    cache = MemoryParseCache()
    first = repo.commit({"chatbots/a.yaml": DOCUMENT % "A", "chatbots/b.yaml": DOCUMENT % "B"})
    await source.load(first, cache)
    for size in (LIMITS.file_bytes + 1, DEFAULT_CAPS.stdout_bytes + 1):
        cache.promote({"a": "chatbots/a.yaml", "b": "chatbots/b.yaml"})
        second = repo.commit({"chatbots/a.yaml": DOCUMENT % f"A{size}", "chatbots/b.yaml": b"#" * size})
        await source.fetch_head()
        changes = await source.load_changes(first, second, cache)
        assert changes is not None
        assert [document.chatbot_id for document in changes.documents] == ["a"]
        (refusal,) = changes.refusals
        assert "larger than" in refusal.message
        first = second
