"""What changed, told from two commits, makes the same of everything as all of a source read anew."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from reconciler.domain.entities import SourceState
from reconciler.engine.decide.acceptance import accept_revision
from reconciler.errors import ReconcilerError
from reconciler.sources.git import GitSource
from reconciler.sources.git_remote import GitRemote
from reconciler.storage import tables
from tests.fakes.source import FakeSource
from tests.support.contract import CONTRACT
from tests.support.git import GitRepo
from tests.support.world import SOURCE, TENANT, World, spec, world

IDS = ("a", "b", "c", "x1")
PATHS = ("chatbots/a.yaml", "chatbots/b.yaml", "chatbots/deep/c.yaml", "chatbots/x1.yml", "chatbots/d.yaml")
BESIDE = ("other/a.yaml", "chatbots/B.YAML", "chatbots/e.yaml.txt", "README.md")
INCLUDED = ("p.md", "chatbots/q.md")
ALLOWED: Sequence[tuple[str, ...]] = ((), ("a", "b", "x*", "nobody*"))
LIVE = {key: spec(name=key) for key in IDS}

FINE = (
    "apiVersion: v1\nkind: ChatbotConfig\nmetadata: {chatbotId: %s, labels: {team: t%d}}\nspec: {core: {name: n%d}}\n"
)
BY_NAME = "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {name: m%d}}\n"
INCLUDING = (
    "apiVersion: v1\nkind: ChatbotConfig\nmetadata: {chatbotId: %s}\nspec: {core: {name: n%d, prompt: {$file: %s}}}\n"
)
WRONG = "apiVersion: v1\nkind: ChatbotConfig\nmetadata: {chatbotId: %s}\nspec: {core: {name: n%d}, nonsense: 1}\n"
WARNED = "apiVersion: v1\nkind: ChatbotConfig\nmetadata: {chatbotId: %s}\nspec: {core: {nmae: n%d}}\n"

numbers = st.integers(0, 3)
ids = st.sampled_from(IDS)
documents = st.one_of(
    st.builds(lambda key, number: FINE % (key, number, number), ids, numbers),
    st.builds(lambda number: BY_NAME % number, numbers),
    st.builds(lambda key, n, path: INCLUDING % (key, n, path), ids, numbers, st.sampled_from(("../p.md", "q.md"))),
    st.builds(lambda key, number: WRONG % (key, number), ids, numbers),
    st.builds(lambda key, number: WARNED % (key, number), ids, numbers),
    st.builds(lambda one, two: f"{FINE % (one, 1, 1)}---\n{FINE % (two, 2, 2)}", ids, ids),
    st.sampled_from(("", "---\n", "a: [\n", "kind: Other\n", "- a\n")),
)
paths = st.sampled_from(PATHS)
changes = st.one_of(
    st.tuples(st.just("put"), paths, documents),
    st.tuples(st.just("put"), paths, documents),
    st.tuples(st.just("put"), st.sampled_from(INCLUDED), st.sampled_from(("One\n", "Two\n", "\x00"))),
    st.tuples(st.just("put"), st.sampled_from(BESIDE), documents),
    st.tuples(st.just("remove"), st.sampled_from((*PATHS, *INCLUDED, *BESIDE)), st.just("")),
    st.tuples(st.just("move"), paths, paths),
)
steps = st.one_of(
    st.tuples(st.just("commit"), st.lists(changes, min_size=1, max_size=3)),
    st.tuples(st.just("commit"), st.lists(changes, min_size=1, max_size=1)),
    st.tuples(st.sampled_from(("revert", "rewrite", "accept", "restart", "forget_files", "merge")), st.just([])),
)
histories = st.lists(steps, min_size=1, max_size=9)
START = {
    "chatbots/a.yaml": FINE % ("a", 0, 0),
    "chatbots/b.yaml": INCLUDING % ("b", 0, "../p.md"),
    "chatbots/deep/c.yaml": FINE % ("c", 0, 0),
    "p.md": "Hello\n",
}


@dataclass
class Branch:
    """A repository that the steps write, as both worlds read it."""

    repo: GitRepo | None
    fakes: Sequence[FakeSource]
    files: dict[str, str]
    before: list[dict[str, str]] = field(default_factory=list)

    def commit(self, changed: Sequence[tuple[str, str, str]]) -> None:
        self.before.append(dict(self.files))
        for what, path, argument in changed:
            if what == "put":
                self.files[path] = argument
            elif what == "remove":
                self.files.pop(path, None)
            elif path in self.files:
                self.files[argument] = self.files.pop(path)
        self.files = self.files or {"README.md": "empty\n"}
        self._write("commit")

    def revert(self) -> None:
        self.files, earlier = dict(self.before[-1] if self.before else self.files), self.files
        self.before.append(earlier)
        self._write("commit")

    def rewrite(self) -> None:
        self._write("rewrite")

    def merge(self) -> None:
        """Merge a branch in which something was added and something removed."""
        self.before.append(dict(self.files))
        self.files["chatbots/merged.yaml"] = FINE % ("c", 3, 3)
        self._write("merge")

    def _write(self, how: str) -> None:
        for fake in self.fakes:
            (fake.force_push if how == "rewrite" else fake.commit)(dict(self.files))
        if self.repo is None:
            return
        if how == "rewrite":
            self.repo.git("checkout", "--quiet", "--orphan", "again")
            self.repo.git("branch", "--quiet", "-D", "main")
            self.repo.git("branch", "--quiet", "-m", "main")
        if how == "merge":
            self.repo.git("checkout", "--quiet", "-b", "side")
        there = set(self.repo.git("ls-files").split())
        self.repo.commit(dict(self.files), remove=there - self.files.keys())
        if how == "merge":
            self.repo.git("checkout", "--quiet", "main")
            self.repo.git("merge", "--quiet", "--no-ff", "-m", "Merge", "side")
            self.repo.git("branch", "--quiet", "-D", "side")


async def forget_files(w: World) -> None:
    """Delete whatever is known of files, as may be done at any time."""
    async with w.store._writing() as transaction:
        for table in (tables.parsed_files, tables.file_claims, tables.file_includes, tables.known_trees):
            await transaction.write(delete(table))


async def standing(w: World) -> Mapping[str, Any]:
    """Whatever may not depend on how a source was read."""
    async with w.store.read() as uow:
        claims = await uow.documents.of_source(SOURCE)
        chatbots = await uow.chatbots.of_tenant(TENANT)
        plans = await uow.plans.some([bot.plan_id for bot in chatbots if bot.plan_id])
        record = await uow.sources.get(SOURCE)
        assert record is not None
        assert record.last_run_id is not None
        run = await uow.runs.get(record.last_run_id)
        assert run is not None
    return {
        "claims": claims,
        "chatbots": [replace(bot, version=0) for bot in chatbots],
        "plans": {key: (plan.chatbot_id, plan.body, plan.fingerprint, plan.status) for key, plan in plans.items()},
        "source": replace(record, version=0),
        "run": (run.status, run.revision, run.seen_revision, run.message, replace(run.counts, parsed=0)),
        "diagnostics": run.diagnostics,
    }


async def accept(w: World) -> None:
    record = await w.source_record()
    if record.state is SourceState.UNKNOWN and record.seen_revision:
        with suppress(ReconcilerError):  # such as a revision in which there is nothing at all
            await accept_revision(w.engine, await w.person(), SOURCE, record.seen_revision, "it is right")
        await w.idle()


ACTIONS: Mapping[str, Callable[[World], Awaitable[None]]] = {
    "accept": accept,
    "restart": lambda w: w.restart(),
    "forget_files": forget_files,
}


async def follow(history: Sequence[tuple[str, Any]], allowed: tuple[str, ...], folder: Path, *, in_git: bool) -> None:
    """Have one world look at what changed, and another one at all of it, and hold them against each other."""
    repo = GitRepo(folder / "repo") if in_git else None
    fakes = [] if in_git else [FakeSource(START, allowed=allowed) for _ in range(2)]
    branch = Branch(repo, fakes, dict(START))
    async with AsyncExitStack() as stack:
        worlds = []
        if repo is not None:
            repo.commit(START)
        for number in range(2):
            if repo is not None:
                remote = GitRemote.parse(repo.url, "main", allowed=allowed, insecure=True)
                source: Any = GitSource(remote, folder / str(number) / "mirror.git", CONTRACT)
                stack.push_async_callback(source.close)
            else:
                source = fakes[number]
            (folder / str(number)).mkdir(exist_ok=True)
            worlds.append(await stack.enter_async_context(world(folder / str(number), LIVE, {}, source=source)))
        changed, whole = worlds
        assert await standing(changed) == await standing(whole)
        for what, argument in history:
            if what in ACTIONS:
                for w in worlds:
                    await ACTIONS[what](w)
            elif what == "commit":
                branch.commit(argument)
            else:
                getattr(branch, what)()
            await forget_files(whole)
            for w in worlds:
                await w.refresh(full=False)
            assert await standing(changed) == await standing(whole), what


@pytest.mark.parametrize("allowed", ALLOWED)
@settings(max_examples=10)
@given(history=histories)
def test_what_changed_makes_the_same_of_a_source_as_all_of_it(
    history: Sequence[tuple[str, Any]], allowed: tuple[str, ...]
) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(follow(history, allowed, Path(folder), in_git=False))


@settings(max_examples=3)
@given(history=histories)
def test_and_so_it_does_of_a_source_in_git(history: Sequence[tuple[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(follow(history, ALLOWED[1], Path(folder), in_git=True))
