"""Git's threads: a slow remote keeps nothing else waiting, and a stop ends it."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import pytest

from reconciler.errors import SourceUnreadable
from reconciler.sources.git import GitSource
from reconciler.sources.git_remote import GitRemote
from tests.fakes.cache import MemoryParseCache
from tests.support.contract import CONTRACT
from tests.support.git import GitRepo
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.anyio

DOCUMENT = "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {name: %s}}\n"


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "served" / "bots")


def source_of(url: str, tmp_path: Path) -> GitSource:
    remote = GitRemote.parse(url, "main", insecure=True)
    return GitSource(remote, tmp_path / "data" / "mirror.git", CONTRACT)


class _Silent:
    """A server that takes every connection and never says a word."""

    def __init__(self) -> None:
        self.connections: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/bots"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(PATIENCE)
        for connection in self.connections:
            connection.close()

    def _serve(self) -> None:
        while True:
            try:
                self.connections.append(self._socket.accept()[0])
            except OSError:
                return

    async def taken(self, count: int) -> None:
        """Wait until there were so many connections."""
        await until(lambda: len(self.connections) >= count)


async def test_slow_remotes_keep_no_other_source_waiting_and_none_has_two_threads(
    repo: GitRepo, tmp_path: Path
) -> None:
    path, gate = "chatbots/a.yaml", threading.Event()
    revision = repo.commit({path: DOCUMENT % "C"})
    quick = source_of(repo.url, tmp_path)
    await quick.load(revision, MemoryParseCache())
    own = ThreadPoolExecutor(1)
    held = own.submit(gate.wait, 60)
    asyncio.get_running_loop().set_default_executor(own)
    with _Silent() as server:
        slow = [source_of(server.url, tmp_path / str(number)) for number in range(8)]
        asked = [asyncio.create_task(source.head()) for source in slow for _ in range(2)]
        await server.taken(len(slow))
        async with asyncio.timeout(60):
            assert await quick.head() == revision
            assert await quick.text(path, revision) == DOCUMENT % "C"
            assert await quick.last_change(path, revision) is not None
        assert not held.done()
        assert not any(task.done() for task in asked)
        assert len(server.connections) == len(slow)
        for source in (*slow, quick):
            await source.close()
        gate.set()
        results = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(each) for each in results[::2]} == {SourceUnreadable}, "what was under way has ended"
    assert {type(each) for each in results[1::2]} == {asyncio.CancelledError}, "what waited never began"


async def test_whoever_looks_does_not_wait_for_a_slow_remote(repo: GitRepo, tmp_path: Path) -> None:
    revision = repo.commit({"chatbots/a.yaml": "one"})
    await source_of(repo.url, tmp_path).load(revision, MemoryParseCache())
    with _Silent() as server:
        source = source_of(server.url, tmp_path)
        asked = asyncio.create_task(source.head())
        await server.taken(1)
        assert await source.text("chatbots/a.yaml", revision) == "one"
        assert not asked.done()
        await source.close()
        with pytest.raises(SourceUnreadable, match="the service stops"):
            await asked


async def test_after_a_close_git_is_not_asked_again(repo: GitRepo, tmp_path: Path) -> None:
    source = source_of(repo.url, tmp_path)
    await source.close()
    with pytest.raises(RuntimeError):
        await source.head()
    assert not (tmp_path / "data").exists()
