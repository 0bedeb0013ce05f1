"""The demonstration's git remote is a real one, for this machine only."""

import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.demo.git_http import GitHttpServer
from reconciler.demo.sample_repo import BRANCH, commit, create_repository, read

FILES = {"chatbots/a.yaml": "kind: ChatbotConfig\n", "prompts/a.md": "Grüß Gott,\n\nwas darf es sein?"}


def git(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return create_repository(tmp_path, FILES)


@pytest.fixture
def remote(repository: Path) -> Iterator[str]:
    with GitHttpServer(repository.parent) as server:
        yield server.url(repository.name)


@pytest.mark.parametrize("version", ["0", "2"])
def test_a_clone_has_what_was_committed(remote: str, tmp_path: Path, version: str) -> None:
    cloned = git("-c", f"protocol.version={version}", "clone", "--quiet", remote, str(tmp_path / "clone"))

    assert cloned.returncode == 0, cloned.stderr
    assert {path: (tmp_path / "clone" / path).read_text(encoding="utf-8") for path in FILES} == FILES


def test_a_commit_changes_only_what_it_names(repository: Path, remote: str) -> None:
    before = git("ls-remote", remote, BRANCH).stdout.split()[0]

    revision = commit(repository, {"prompts/a.md": "Hello", "chatbots/b.yaml": "x: 1\n"}, "Greet in English")

    assert git("ls-remote", remote, BRANCH).stdout.split()[0] == revision != before
    assert git("rev-parse", f"{revision}^", cwd=repository).stdout.strip() == before
    assert read(repository, "chatbots/a.yaml") == FILES["chatbots/a.yaml"]
    assert read(repository, "prompts/a.md") == "Hello"


def test_a_file_is_removed(repository: Path) -> None:
    commit(repository, {"prompts/a.md": None}, "Drop the prompt")

    assert git("ls-tree", "-r", "--name-only", BRANCH, cwd=repository).stdout.split() == ["chatbots/a.yaml"]


def test_a_fetch_brings_only_the_news(repository: Path, remote: str, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git("clone", "--quiet", remote, str(clone))
    revision = commit(repository, {"prompts/a.md": "Hello"}, "Greet in English")

    fetched = git("fetch", "--quiet", "origin", cwd=clone)

    assert fetched.returncode == 0, fetched.stderr
    assert git("rev-parse", f"origin/{BRANCH}", cwd=clone).stdout.strip() == revision


def test_nothing_can_be_pushed(remote: str, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git("clone", "--quiet", remote, str(clone))

    pushed = git("push", "origin", f"HEAD:refs/heads/{BRANCH}-2", cwd=clone)

    assert pushed.returncode != 0
    assert "403" in pushed.stderr


def test_where_pushes_are_taken_everybody_on_the_machine_can_push(repository: Path, tmp_path: Path) -> None:
    with GitHttpServer(repository.parent, pushes=True) as server:
        clone = tmp_path / "clone"
        git("clone", "--quiet", server.url(repository.name), str(clone))
        (clone / "prompts" / "a.md").write_text("Hello")
        git("-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "-am", "Greet in English", cwd=clone)
        pushed = git("push", "--quiet", "origin", BRANCH, cwd=clone)
        assert pushed.returncode == 0, pushed.stderr
        assert read(repository, "prompts/a.md") == "Hello"
        assert git("ls-remote", server.url("other.git")).returncode != 0


@pytest.mark.parametrize("service", ["git-receive-pack", "git-upload-pack"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "", "127.0.0.1"])
def test_a_page_that_leads_a_browser_here_by_another_name_is_refused(repository: Path, host: str, service: str) -> None:
    with GitHttpServer(repository.parent, pushes=True) as server:
        base = urlsplit(server.url(repository.name))
        assert base.port
        connection = HTTPConnection("127.0.0.1", base.port, timeout=60)
        target = f"{base.path}/info/refs?service={service}"
        connection.request("GET", target, headers={"Host": host.format(port=base.port)})
        assert connection.getresponse().status == 403
        connection.close()


def test_other_folders_and_repositories_are_not_served(remote: str) -> None:
    base = remote.rpartition("/")[0]

    assert git("ls-remote", f"{base}/other.git").returncode != 0
    assert git("ls-remote", f"{base}/../bots.git/..").returncode != 0
