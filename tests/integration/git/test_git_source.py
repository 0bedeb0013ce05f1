"""The git source over real remotes: what it sees, what it refuses, and that it tells causes apart."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.demo.git_http import GitHttpServer
from reconciler.domain.status import Reason
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.git import GitSource
from reconciler.sources.git_remote import GitRemote
from reconciler.sources.mirror import GitLimits
from tests.fakes.cache import MemoryParseCache
from tests.support.contract import CONTRACT
from tests.support.git import GitRepo, free_port, git_daemon
from tests.support.http_server import Answer, http_server

pytestmark = pytest.mark.anyio

DOCUMENT = "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {name: %s}}\n"
INCLUDING = "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {prompt: {$file: %s}}}\n"


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    repo = GitRepo(tmp_path / "served" / "bots")
    repo.commit({"chatbots/a.yaml": DOCUMENT % "A", "chatbots/b.yaml": DOCUMENT % "B"})
    return repo


@pytest.fixture(params=["file", "daemon"])
def url(request: pytest.FixtureRequest, repo: GitRepo) -> Iterator[str]:
    if request.param == "file":
        yield repo.url
        return
    with git_daemon(repo.folder.parent) as base:
        yield f"{base}/bots"


def source_of(url: str, tmp_path: Path, branch: str | None = "main", limits: GitLimits | None = None) -> GitSource:
    remote = GitRemote.parse(url, branch, insecure=True)
    return GitSource(remote, tmp_path / "data" / "mirror.git", CONTRACT, limits)


async def cause_of(source: GitSource, revision: str | None = None) -> tuple[SourceCause, str]:
    with pytest.raises(SourceUnreadable) as raised:
        await (source.load(revision, MemoryParseCache()) if revision else source.head())
    return raised.value.cause, str(raised.value)


@pytest.mark.parametrize("branch", ["main", None])
async def test_documents_are_read_over_a_real_remote(
    url: str, repo: GitRepo, tmp_path: Path, branch: str | None
) -> None:
    source = source_of(url, tmp_path, branch)
    revision = await source.head()
    snapshot = await source.load(revision, MemoryParseCache())
    assert revision == repo.head == snapshot.revision
    assert [(item.chatbot_id, item.name) for item in snapshot.documents] == [("a", "A"), ("b", "B")]
    assert not list((tmp_path / "data").rglob("*.yaml")), "a mirror is never a checkout"


async def test_documents_that_no_source_reads_are_told_and_another_sources_are_not(
    repo: GitRepo, tmp_path: Path
) -> None:
    repo.commit({"bots/c.yaml": DOCUMENT % "C", "chatbots/d.YAML": DOCUMENT % "D"})
    remote = GitRemote.parse(repo.url, "main", insecure=True)
    assert (remote.repository_name, GitRemote.parse("git@h.example:team/Bots.git").repository_name) == ("bots", "bots")
    passed_over = []
    for number, each in enumerate((remote, replace(remote, is_shared=True))):
        source = GitSource(each, tmp_path / f"{number}.git", CONTRACT)
        snapshot = await source.load(repo.head, MemoryParseCache())
        assert [refusal.path for refusal in snapshot.refusals] == ["chatbots/d.YAML"]
        passed_over.append([found.path for found in snapshot.passed_over])
        await source.close()
    assert passed_over == [["chatbots/d.YAML", "bots/c.yaml"], ["chatbots/d.YAML"]]


async def test_what_is_unchanged_is_not_parsed_again(url: str, repo: GitRepo, tmp_path: Path) -> None:
    cache, source = MemoryParseCache(), source_of(url, tmp_path)
    repo.commit({"chatbots/c.yaml": INCLUDING % "../c.md", "c.md": "one"})
    parsed = [(await source.load(repo.head, cache)).parsed, (await source.load(repo.head, cache)).parsed]
    repo.commit({"chatbots/a.yaml": DOCUMENT % "A2"})
    parsed.append((await source.load(repo.head, cache)).parsed)
    repo.commit({"c.md": "two", "unrelated.txt": "x"})
    last = await source_of(url, tmp_path).load(repo.head, cache)
    assert [*parsed, last.parsed] == [3, 0, 1, 1]
    assert cache.bodies[last.documents[2].digest]["spec"]["core"]["prompt"] == "two"


async def test_a_file_that_is_gone_is_forgotten(repo: GitRepo, tmp_path: Path) -> None:
    cache, source = MemoryParseCache(), source_of(repo.url, tmp_path)
    await source.load(repo.head, cache)
    repo.commit(remove=["chatbots/b.yaml"])
    await source.load(repo.head, cache)
    assert list(cache.rows) == ["chatbots/a.yaml"]


async def test_an_older_revision_can_still_be_read(url: str, repo: GitRepo, tmp_path: Path) -> None:
    source, first = source_of(url, tmp_path), repo.head
    second = repo.commit({"chatbots/a.yaml": DOCUMENT % "A2"})
    assert (await source.load(second, MemoryParseCache())).documents[0].name == "A2"
    assert (await source.load(first, MemoryParseCache())).documents[0].name == "A"
    assert await source.descends(second, first)
    assert not await source.descends(first, second)
    assert await source.descends(first, first)
    assert not await source.descends(first, "0" * 40)


async def test_a_rewritten_history_does_not_descend_and_the_old_revision_stays_readable(
    url: str, repo: GitRepo, tmp_path: Path
) -> None:
    source, good = source_of(url, tmp_path), repo.commit({"chatbots/a.yaml": DOCUMENT % "good"})
    await source.load(good, MemoryParseCache())
    rewritten = repo.force_push({"chatbots/a.yaml": DOCUMENT % "rewritten"})
    assert await source.head() == rewritten
    assert not await source.descends(rewritten, good)
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--prune=now", "--quiet")
    mirror = tmp_path / "data" / "mirror.git"
    repo.git(f"--git-dir={mirror}", "gc", "--prune=now", "--quiet")
    assert (await source.load(good, MemoryParseCache())).documents[0].name == "good"


async def test_a_commit_that_is_nowhere_is_told_from_a_failure(url: str, tmp_path: Path) -> None:
    cause, message = await cause_of(source_of(url, tmp_path), "0" * 40)
    assert cause is SourceCause.HISTORY_REWRITTEN
    assert "no longer there" in message


async def test_emptied_paths_are_a_revision_like_any_other(url: str, repo: GitRepo, tmp_path: Path) -> None:
    source = source_of(url, tmp_path)
    repo.commit(remove=["chatbots/a.yaml", "chatbots/b.yaml"])
    snapshot = await source.load(await source.head(), MemoryParseCache())
    assert (snapshot.documents, snapshot.files) == ((), 0)


async def test_a_vanished_branch_names_those_that_exist(url: str, repo: GitRepo, tmp_path: Path) -> None:
    source = source_of(url, tmp_path)
    await source.head()
    repo.git("branch", "--move", "trunk")
    cause, message = await cause_of(source)
    assert cause is SourceCause.BRANCH_MISSING
    assert message.endswith('the branch "main" does not exist: set the source\'s branch to one of trunk, or restore it')


@pytest.mark.parametrize("prefix", ["refs/heads/", "heads/", "origin/", "remotes/origin/", "refs/remotes/mine/"])
async def test_a_prefix_that_is_no_part_of_the_branch_is_named(url: str, tmp_path: Path, prefix: str) -> None:
    cause, message = await cause_of(source_of(url, tmp_path, f"{prefix}main"))
    assert cause is SourceCause.BRANCH_MISSING
    assert message.endswith(
        f'the branch "{prefix}main" does not exist: set the source\'s branch to "main", without "{prefix}"'
    )


async def test_a_prefix_is_not_blamed_where_the_rest_is_no_branch(url: str, tmp_path: Path) -> None:
    _, message = await cause_of(source_of(url, tmp_path, "origin/trunk"))
    assert "set the source's branch to one of main" in message


async def test_a_branch_may_be_named_like_a_prefix(url: str, repo: GitRepo, tmp_path: Path) -> None:
    repo.git("branch", "origin/main")
    source = source_of(url, tmp_path, "origin/main")
    assert (await source.load(await source.head(), MemoryParseCache())).files > 0


@pytest.mark.parametrize("branch", ["main", None])
async def test_an_empty_repository_is_told_from_a_missing_branch(tmp_path: Path, branch: str | None) -> None:
    cause, message = await cause_of(source_of(GitRepo(tmp_path / "empty").url, tmp_path, branch))
    assert cause is SourceCause.REPOSITORY_EMPTY
    assert "push to it" in message


async def test_an_unreachable_remote_is_told_apart(url: str, tmp_path: Path) -> None:
    for unreachable in (f"{url}-not", f"git://127.0.0.1:{free_port()}/bots"):
        cause, _ = await cause_of(source_of(unreachable, tmp_path))
        assert cause is SourceCause.UNREACHABLE


async def test_a_remote_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/bots"
        cause, message = await cause_of(source_of(url, tmp_path, limits=GitLimits(poll_seconds=0.5)))
    assert cause is SourceCause.TIMEOUT
    assert "took longer than 0.5 s" in message


async def test_the_remote_s_silence_does_not_keep_the_last_good_revision_from_being_read(
    repo: GitRepo, tmp_path: Path
) -> None:
    source, good = source_of(repo.url, tmp_path), repo.head
    await source.load(good, MemoryParseCache())
    shutil.rmtree(repo.folder)
    assert len((await source.load(good, MemoryParseCache())).documents) == 2


@pytest.mark.parametrize("damage", ["deleted", "no HEAD", "no objects", "broken pack", "stale lock"])
async def test_a_damaged_mirror_is_made_anew(repo: GitRepo, tmp_path: Path, damage: str) -> None:
    source, mirror = source_of(repo.url, tmp_path), tmp_path / "data" / "mirror.git"
    await source.load(repo.head, MemoryParseCache())
    match damage:
        case "deleted":
            shutil.rmtree(mirror)
        case "no HEAD":
            (mirror / "HEAD").write_text("nonsense")
        case "no objects":
            shutil.rmtree(mirror / "objects")
        case "broken pack":
            for file in [*mirror.rglob("*.pack"), *(mirror / "objects").glob("??/*")]:
                file.chmod(0o600)
                file.write_bytes(b"nonsense")
        case _:
            (mirror / "refs" / "reconciler" / "head.lock").touch()
            repo.commit({"chatbots/c.yaml": DOCUMENT % "C"})
    assert len((await source.load(repo.head, MemoryParseCache())).documents) >= 2


async def test_hostile_entries_are_refused_and_reach_nothing(url: str, repo: GitRepo, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("CANARY")
    repo.commit({"chatbots/inc.yaml": INCLUDING % "../link.md", "chatbots/sub.yaml": INCLUDING % "../module/a.md"})
    repo.add_entry("120000", "chatbots/link.yaml", str(canary))
    repo.add_entry("120000", "link.md", str(canary))
    repo.add_entry("160000", "module", repo.head)
    repo.add_entry("160000", "chatbots/module.yaml", repo.head)
    repo.add_entry("100644", "chatbots/new\nline.yaml", DOCUMENT % "x")
    snapshot = await source_of(url, tmp_path).load(repo.commit_staged(), MemoryParseCache())
    assert [item.chatbot_id for item in snapshot.documents] == ["a", "b"]
    assert {item.reason for item in snapshot.refusals} == {Reason.DOCUMENT_INVALID}
    messages = [item.message for item in snapshot.refusals]
    assert [fault for fault in ("is a symbolic link", "is a submodule", "behind a submodule", "printable UTF-8")
            if not any(fault in message for message in messages)] == []  # fmt: skip
    assert "CANARY" not in repr(snapshot)


async def test_too_many_files_and_too_large_repositories_are_refused(repo: GitRepo, tmp_path: Path) -> None:
    for limits, words in [
        (GitLimits(files=1), "2 files match the source's paths and 1 are the limit"),
        (GitLimits(repository_bytes=10), "keep the documents in another repository"),
    ]:
        cause, message = await cause_of(source_of(repo.url, tmp_path, limits=limits), repo.head)
        assert cause is SourceCause.TOO_LARGE
        assert words in message


async def test_a_mirror_that_cannot_be_kept_is_a_cause_like_any_other(repo: GitRepo, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    for revision in (None, repo.head):
        cause, message = await cause_of(source_of(repo.url, tmp_path), revision)
        assert cause is SourceCause.GIT_FAILED
        assert "data.dir" in message


async def test_a_repository_with_sha_256_ids_is_read(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "served" / "bots", object_format="sha256")
    first = repo.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    repo.commit({"chatbots/a.yaml": DOCUMENT % "A2"}, author="Ann")
    with git_daemon(repo.folder.parent) as base:
        for number, url in enumerate((repo.url, f"{base}/bots")):
            source = source_of(url, tmp_path / str(number))
            revision = await source.head()
            assert revision == repo.head
            assert len(revision) == 64
            assert (await source.load(revision, MemoryParseCache())).documents[0].name == "A2"
            assert await source.descends(revision, first)
            fact = await source.last_change("chatbots/a.yaml", revision)
            assert fact is not None
            assert fact.author == "Ann"


@pytest.mark.parametrize("formats", [("sha1", "sha256"), ("sha256", "sha1")])
async def test_a_repository_may_come_back_with_other_ids(tmp_path: Path, formats: tuple[str, str]) -> None:
    source = source_of(f"file://{tmp_path}/bots", tmp_path)
    for name, object_format in zip("AB", formats, strict=True):
        shutil.rmtree(tmp_path / "bots", ignore_errors=True)
        repo = GitRepo(tmp_path / "bots", object_format=object_format)
        revision = repo.commit({"chatbots/a.yaml": DOCUMENT % name})
        assert (await source.load(await source.head(), MemoryParseCache())).documents[0].name == name
    assert not await source.descends(revision, "0" * 40)
    assert not await source.descends(revision, "0" * 64)


async def test_a_shallow_repository_is_read_as_far_as_its_history_goes(tmp_path: Path) -> None:
    origin = GitRepo(tmp_path / "origin")
    origin.commit({"chatbots/a.yaml": DOCUMENT % "A"})
    second = origin.commit({"chatbots/a.yaml": DOCUMENT % "B"})
    origin.git("clone", "--quiet", "--depth=1", origin.url, str(tmp_path / "shallow"))
    source = source_of(f"file://{tmp_path}/shallow", tmp_path)
    assert await source.head() == second
    assert (await source.load(second, MemoryParseCache())).documents[0].name == "B"
    third = origin.commit({"chatbots/a.yaml": DOCUMENT % "C"})
    origin.git("-C", str(tmp_path / "shallow"), "pull", "--quiet", "--ff-only")
    assert (await source.load(await source.head(), MemoryParseCache())).documents[0].name == "C"
    assert await source.descends(third, second)


async def test_a_repository_of_another_owner_is_read(repo: GitRepo, tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("only root can give a repository to somebody else")
    for path in [repo.folder, *repo.folder.rglob("*")]:
        os.chown(path, 12345, 12345)
    source = source_of(repo.url, tmp_path)
    revision = await source.head()
    assert len((await source.load(revision, MemoryParseCache())).documents) == 2


@pytest.mark.parametrize("branch", ["für-alle", "a,b", "it's", "$(id)"])
async def test_a_branch_may_have_any_name_that_git_takes(url: str, repo: GitRepo, tmp_path: Path, branch: str) -> None:
    repo.git("checkout", "--quiet", "-b", branch)
    head = repo.commit({"chatbots/a.yaml": DOCUMENT % "elsewhere"})
    source = source_of(url, tmp_path, branch)
    assert await source.head() == head
    assert (await source.load(head, MemoryParseCache())).documents[0].name == "elsewhere"


@pytest.mark.parametrize(
    "page", [b"<html>Sign in</html>", b"<html>\n<body>Sign in</body>\n</html>\n", b"", b"{}", b"\n"]
)
async def test_a_web_page_is_no_repository_without_commits(tmp_path: Path, page: bytes) -> None:
    with http_server(Answer(200, {"Content-Type": "text/html"}, page)) as server:
        for branch in ("main", None):
            cause, message = await cause_of(source_of(f"{server.url}/bots", tmp_path, branch))
            assert cause is SourceCause.UNREACHABLE
            assert "web server answers" in message
            assert "no commits" not in message


@pytest.mark.parametrize("served", ["file", "http"])
async def test_a_deleted_branch_that_was_the_only_one_is_missing(repo: GitRepo, tmp_path: Path, served: str) -> None:
    with GitHttpServer(repo.folder.parent) as server:
        url = repo.url if served == "file" else server.url("bots/.git")
        source = source_of(url, tmp_path)
        await source.load(await source.head(), MemoryParseCache())
        repo.git("checkout", "--quiet", "--detach")
        repo.git("update-ref", "-d", "refs/heads/main")
        for who in (source, source_of(url, tmp_path / "new")):
            cause, message = await cause_of(who)
            assert cause is SourceCause.BRANCH_MISSING
            assert message.endswith('the branch "main" does not exist, and the repository has no other: restore it')


async def test_an_empty_repository_over_http_is_told_as_one(tmp_path: Path) -> None:
    GitRepo(tmp_path / "served" / "empty")
    with GitHttpServer(tmp_path / "served") as server:
        cause, _ = await cause_of(source_of(server.url("empty/.git"), tmp_path))
    assert cause is SourceCause.REPOSITORY_EMPTY


async def test_what_is_no_commit_id_never_reaches_git(repo: GitRepo, tmp_path: Path) -> None:
    for revision in ("main", "--upload-pack=x", "HEAD", "0" * 39, "0" * 40 + "\n"):
        cause, _ = await cause_of(source_of(repo.url, tmp_path), revision)
        assert cause is SourceCause.GIT_FAILED


async def test_credentials_reach_the_server_and_no_message(tmp_path: Path) -> None:
    with http_server(Answer(401, {"WWW-Authenticate": 'Basic realm="git"'})) as server:
        source = source_of(f"{server.url.replace('//', '//joe:t0psecret@')}/bots", tmp_path)
        cause, message = await cause_of(source)
    assert cause is SourceCause.AUTHENTICATION_FAILED
    assert any(headers.get("Authorization") == "Basic am9lOnQwcHNlY3JldA==" for _, headers in server.asked)
    for text in (
        message,
        repr(source),
        *(path.read_text() for path in (tmp_path / "data").rglob("*") if path.is_file()),
    ):
        assert "t0psecret" not in text


def test_a_machine_without_git_is_told_what_to_install(tmp_path: Path) -> None:
    code = (
        "import asyncio, pathlib, sys\n"
        "from tests.support.contract import CONTRACT\n"
        "from reconciler.sources.git import GitSource\n"
        "from reconciler.sources.git_remote import GitRemote\n"
        "source = GitSource(GitRemote.parse('https://h.example/x'), pathlib.Path(sys.argv[1]), CONTRACT)\n"
        "try:\n    asyncio.run(source.head())\n"
        "except Exception as error:\n    print(type(error).__name__, error.cause, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "data" / "mirror.git")],
        env={"PATH": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == (
        "SourceUnreadable GitFailed the program git was not found: install it, or put it on the PATH\n"
    )
