"""A git server that sends git elsewhere: nobody but the configured host is asked, and the message says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.demo.git_http import GitHttpServer
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.git_remote import GitRemote
from reconciler.sources.mirror import Mirror
from tests.support.git import GitRepo
from tests.support.http_server import Answer, HttpServer, http_server


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[HttpServer]:
    """A host that nobody configured: a bare repository without git's own protocol, as any web server has it."""
    repo = GitRepo(tmp_path / "bots")
    repo.commit({"chatbots/a.yaml": "x"})
    repo.git("update-server-info")
    folder = repo.folder / ".git"

    def answer(path: str) -> Answer:
        file = folder / path.partition("?")[0].removeprefix("/bots/")
        return Answer(200, {"Content-Type": "text/plain"}, file.read_bytes()) if file.is_file() else Answer(404)

    with http_server(answer) as server:
        yield server


def mirror_of(url: str, tmp_path: Path) -> Mirror:
    remote = GitRemote.parse(url.replace("//", "//joe:t0psecret@"), "main", insecure=True)
    return Mirror(tmp_path / "data" / "mirror.git", remote)


def test_the_other_host_would_answer(elsewhere: HttpServer, tmp_path: Path) -> None:
    mirror = mirror_of(f"{elsewhere.url}/bots", tmp_path)
    head = mirror.remote_head()
    mirror.ensure(head)
    assert mirror.has(head)
    assert elsewhere.asked


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(elsewhere: HttpServer, tmp_path: Path, status: int) -> None:
    def answer(path: str) -> Answer:
        return Answer(status, {"Location": f"{elsewhere.url}{path}"})

    with http_server(answer) as server:
        mirror = mirror_of(f"{server.url}/bots", tmp_path)
        for ask in (mirror.remote_head, lambda: mirror.ensure("0" * 40)):
            with pytest.raises(SourceUnreadable) as raised:
                ask()
            assert raised.value.cause is SourceCause.UNREACHABLE
            assert "redirects to another address, which is not followed" in str(raised.value)
    assert server.asked
    assert elsewhere.asked == []


def test_objects_that_are_said_to_lie_at_another_host_are_not_fetched_there(
    elsewhere: HttpServer, tmp_path: Path
) -> None:
    folder = tmp_path / "bots" / ".git"

    def answer(path: str) -> Answer:
        name = path.partition("?")[0].removeprefix("/bots/")
        if name == "objects/info/http-alternates":
            return Answer(200, {}, f"{elsewhere.url}/bots/objects/\n".encode())
        file = folder / name
        return Answer(200, {}, file.read_bytes()) if name in {"HEAD", "info/refs"} else Answer(404)

    with http_server(answer) as server:
        mirror = mirror_of(f"{server.url}/bots", tmp_path)
        head = mirror.remote_head()
        with pytest.raises(Exception, match=head[:10]):
            mirror.ensure(head)
    assert "/bots/objects/info/http-alternates" in [path for path, _ in server.asked]
    assert elsewhere.asked == []


def test_a_remote_that_answers_itself_is_read(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "root" / "bots")
    head = repo.commit({"chatbots/a.yaml": "x"})
    with GitHttpServer(tmp_path / "root") as server:
        mirror = mirror_of(server.url("bots/.git"), tmp_path)
        assert mirror.remote_head() == head
        mirror.ensure(head)
