"""The mirror itself: what it keeps of rewritten histories, and that a broken one is no answer."""

from pathlib import Path

import pytest

from reconciler.sources.git import GitSource
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
