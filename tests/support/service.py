"""The whole thing as people run it: a git remote, a sandbox, and `reconciler serve` as a process of its own."""

import json
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import Any, Self

import httpx

from api_client.sandbox import ALL_SCOPES, ApiKey, Fleet, SandboxServer
from api_client.sandbox import Chatbot as LiveBot
from reconciler.demo.git_http import GitHttpServer
from tests.support.command import ForkServer, Interpreter, fork_server
from tests.support.git import GitRepo
from tests.support.loopback import LOOPBACK
from tests.support.store import prepare
from tests.support.waiting import PATIENCE, eventually

TOKEN = "wzr_end-to-end-admin-token-of-forty-characters"
READ_KEY, WRITE_KEY = "wpk_live_read", "wpk_live_write"
SECRETS = (TOKEN, READ_KEY, WRITE_KEY)


def sandbox_of(live: Mapping[str, Mapping[str, Any]]) -> SandboxServer:
    """A sandbox with these chatbots, a key that reads and one that may write."""
    fleet = Fleet([LiveBot(id=key, config=json.loads(json.dumps(value))) for key, value in live.items()])
    reads = frozenset(scope for scope in ALL_SCOPES if scope.endswith(":read"))
    return SandboxServer(fleet=fleet, keys=(ApiKey("read", READ_KEY, scopes=reads), ApiKey("write", WRITE_KEY)))


def smallest(sandbox: SandboxServer, remote: str, folder: Path, **more: str) -> dict[str, str]:
    """The environment of the smallest installation, which may write."""
    return {
        "WIZCHAT_API_KEY": READ_KEY,
        "WIZCHAT_WRITE_API_KEY": WRITE_KEY,
        "WIZCHAT_BASE_URL": sandbox.url,
        "RECONCILER_GIT_URL": remote,
        "RECONCILER_GIT_INSECURE": "true",
        "RECONCILER_DATA__DIR": str(folder / "data"),
        "RECONCILER_SERVER__PORT": "0",
        "RECONCILER_AUTH__BOOTSTRAP_TOKEN": TOKEN,
    } | more


@dataclass
class Service:
    """`reconciler serve` in a process of its own."""

    environ: Mapping[str, str]
    lines: list[str] = field(default_factory=list)
    starter: ForkServer | Interpreter = field(default_factory=fork_server)

    def __enter__(self) -> Self:
        reading, writing = os.pipe()
        self._output = os.fdopen(reading, encoding="utf-8")
        try:
            environ = {**self.starter.environ, **self.environ}
            self.process = self.starter.start("reconciler", "serve", environ=environ, stdout=writing, stderr=writing)
        finally:
            os.close(writing)
        self._queue: Queue[str | None] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.url = self._await_url()
        except BaseException:
            self.kill()
            raise
        self.api = httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=PATIENCE,
            **LOOPBACK,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.api.close()
        self.process.send_signal(signal.SIGTERM)  # nothing, when it has ended
        try:
            self.process.wait(PATIENCE)
        finally:
            self.kill()

    def kill(self) -> None:
        """As by ``kill -9``."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join()
        self._output.close()

    def _read(self) -> None:
        for line in self._output:
            self.lines.append(line.rstrip("\n"))
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def _await_url(self) -> str:
        while True:
            try:
                line = self._queue.get(timeout=PATIENCE)
            except Empty:
                raise AssertionError(f"serve printed no URL within {PATIENCE} s: {self.lines}") from None
            assert line is not None, f"serve ended: {self.lines}"
            if line.startswith("http"):
                return line

    def get(self, path: str) -> dict[str, Any]:
        return self.answer(self.api.get(path))

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        return self.answer(self.api.post(path, json=body) if body else self.api.post(path))

    @staticmethod
    def answer(response: httpx.Response) -> dict[str, Any]:
        assert response.is_success, response.text
        body: dict[str, Any] = response.json()
        return body

    def until(self, path: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask until it holds."""
        body: dict[str, Any] = {}

        def asked() -> bool:
            nonlocal body
            body = self.get(path)
            return holds(body)

        assert eventually(asked), f"{path} never came to it: {json.dumps(body)[:2000]}"
        return body

    def first_run(self) -> dict[str, Any]:
        """Wait until the first run has ended."""
        return self.until("/runs", lambda runs: bool(runs["items"]) and bool(runs["items"][-1]["finished_at"]))

    def refresh(self) -> dict[str, Any]:
        """Ask for a run of the default source and wait for its end."""
        run = self.post("/sources/default/refresh")
        return self.until(f"/runs/{run['id']}", lambda run: run["finished_at"] is not None)

    def open_plan(self, chatbot_id: str) -> dict[str, Any]:
        self.first_run()
        chatbot = self.until(f"/chatbots/{chatbot_id}", lambda chatbot: chatbot["plan_id"] is not None)
        return self.get(f"/plans/{chatbot['plan_id']}")

    def approve_and_apply(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """Approve and apply a plan, and wait for the end of the apply."""
        body = self.post(f"/plans/{plan['id']}/approve", fingerprint=plan["fingerprint"], apply=True)
        return self.until(f"/applies/{body['apply_id']}", lambda apply: apply["finished_at"] is not None)


@dataclass(frozen=True)
class Stage:
    """A repository served over smart HTTP and a sandbox, before a service is started."""

    folder: Path
    repository: GitRepo
    remote: str
    sandbox: SandboxServer

    def service(self, **more: str) -> Service:
        return Service(smallest(self.sandbox, self.remote, self.folder, **more))

    def writes(self) -> list[dict[str, Any]]:
        """What the sandbox says was written: the judge, which has never seen our database."""
        return [write for write in self.sandbox.control.writes() if write["took_effect"]]


@contextmanager
def stage(
    folder: Path,
    live: Mapping[str, Mapping[str, Any]],
    files: Mapping[str, str],
    *,
    migrated: bool = True,
) -> Iterator[Stage]:
    """A stage that ends with the judge's question: did every write spend approvals of its own?

    Args:
        folder: Where everything lies.
        live: Chatbot id → its live sections.
        files: What the repository's first commit holds.
        migrated: Whether an empty database is there already, which the service would make otherwise.
    """
    repository = GitRepo(folder / "bots")
    repository.commit(files)
    if migrated:
        (folder / "data").mkdir(mode=0o700)
        prepare(folder / "data")
    with GitHttpServer(folder) as git, sandbox_of(live) as sandbox:
        yield Stage(folder, repository, git.url("bots/.git"), sandbox)
        _judge(len(sandbox.control.writes()), approvals_spent(folder))


def _judge(writes: int, spent: Sequence[Sequence[str]]) -> None:
    # two people may approve the same plan at the same moment: one write then spends both approvals
    assert writes == len(spent), "every write at the API spent approvals"
    assert all(spent), "no write without an approval"
    spends = list(chain.from_iterable(spent))
    assert len(spends) == len(set(spends)), "no approval was spent twice"


def approvals_spent(folder: Path) -> Sequence[Sequence[str]]:
    """Which approvals each write spent, as the audit log of a service in the folder says."""
    file = folder / "data" / "reconciler.db"
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        intents = database.execute("SELECT detail FROM audit WHERE action = 'apply.intent'").fetchall()
    return [json.loads(detail)["approvals"] for (detail,) in intents]
