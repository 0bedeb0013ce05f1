"""What a run does is as much as changed, however many documents there are: counted, not timed."""

import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from sqlalchemy import event

from reconciler.domain.entities import Trigger
from reconciler.engine.context import PROGRAM
from reconciler.engine.reconcile.run_lifecycle import WEBHOOK_SPACING, request_refresh
from reconciler.sources.git import GitSource
from reconciler.sources.git_remote import GitRemote
from tests.support.contract import CONTRACT
from tests.support.git import GitRepo
from tests.support.world import SOURCE, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

FEW, MANY = 100, 1_000

WATCHED = """#!/bin/sh
echo "$*" >> "{log}"
case "$*" in
*"cat-file --batch"*) tee -a "{log}.blobs" | "{git}" "$@" ;;
*) exec "{git}" "$@" ;;
esac
"""


@dataclass(frozen=True)
class Cost:
    """What a run did."""

    git: int
    blobs: int
    parsed: int
    statements: int
    rows_read: int
    rows_written: int


@dataclass
class Counted:
    """A world over a repository in git, and what is done in it."""

    w: World
    repo: GitRepo
    log: Path
    statements: int = 0
    rows_read: int = 0
    rows_written: int = 0

    def watch_database(self) -> None:
        engines = self.w.store._engines
        for engine in (engines.reader, engines.writer):
            event.listen(engine.sync_engine, "after_cursor_execute", self._executed)

    def _executed(self, _: Any, cursor: Any, statement: str, *__: Any) -> None:
        self.statements += 1
        if statement.startswith("SELECT"):
            self.rows_read += len(cursor._rows)  # the adapter has them all by now
        else:
            self.rows_written += max(cursor.rowcount, 0)

    async def run(self, trigger: Trigger = Trigger.SCHEDULE) -> Cost:
        self.statements = self.rows_read = self.rows_written = 0
        blobs = self.log.with_name(self.log.name + ".blobs")
        for file in (self.log, blobs):
            file.write_text("")
        run = await request_refresh(self.w.engine, PROGRAM, SOURCE, trigger, full=False)
        await self.w.idle()
        run = await self.w.run(run.id)
        assert run.message is None
        git, read = (len(file.read_text().splitlines()) for file in (self.log, blobs))
        return Cost(git, read, run.counts.parsed, self.statements, self.rows_read, self.rows_written)


def bots(count: int) -> list[str]:
    return [f"bot_{number:05}" for number in range(count)]


@asynccontextmanager
async def counted(folder: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counted]:
    """A world with so many documents, which has compared them all."""
    repo = GitRepo(folder / "repo")
    repo.commit({path_of(key): document(spec(name=key), key) for key in bots(count)})
    log, shim = folder / "git.log", folder / "bin" / "git"
    shim.parent.mkdir()
    shim.write_text(WATCHED.format(log=log, git=which("git")))
    shim.chmod(stat.S_IRWXU)
    remote = GitRemote.parse(repo.url, "main", insecure=True)
    source: Any = GitSource(remote, folder / "mirror.git", CONTRACT)
    live = {key: spec(name=key) for key in bots(count)}
    async with world(folder, live, {}, source=source) as w:
        found = Counted(w, repo, log)
        found.watch_database()
        await found.w.refresh(full=False)
        monkeypatch.setenv("PATH", f"{shim.parent}{os.pathsep}{os.environ['PATH']}")
        yield found
        monkeypatch.undo()
    await source.close()


async def test_a_run_costs_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {}
    for count in (FEW, MANY):
        (tmp_path / str(count)).mkdir()
        async with counted(tmp_path / str(count), count, monkeypatch) as found:
            quiet = await found.run()
            found.repo.commit({path_of("bot_00007"): document(spec(name="bot_00007", prompt="Changed."), "bot_00007")})
            changed = await found.run()
            again = await found.run(Trigger.STARTUP)
            found.repo.commit({path_of("bot_00008"): document(spec(name="bot_00008", prompt="Pushed."), "bot_00008")})
            found.w.clock.advance(WEBHOOK_SPACING.total_seconds())
            pushed = await found.run(Trigger.WEBHOOK)
            costs[count] = (quiet, changed, again, pushed)
    quiet, changed, again, pushed = costs[MANY]
    assert costs[FEW] == costs[MANY]
    assert (quiet.git, quiet.blobs, quiet.parsed) == (1, 0, 0)
    assert (changed.blobs, changed.parsed) == (1, 1)
    assert changed.git <= 8
    # fetch, diff-tree, cat-file
    assert (pushed.git, pushed.blobs, pushed.parsed) == (3, 1, 1)
    assert (again.blobs, again.parsed) == (0, 0)
    assert quiet.rows_read < 20
    assert quiet.statements <= 22
    assert changed.rows_written < 40
