"""Files are parsed beside the service as within it, and a process that dies costs no more than one file."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from reconciler.domain.document import ParsedFile
from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.file_tree import Entry, Tree
from reconciler.sources.git import GitSource
from reconciler.sources.git_remote import GitRemote
from reconciler.sources.git_tree import MirrorBroken
from reconciler.sources.loader import BATCH_BYTES, load_tree, select
from reconciler.sources.parse_process import ParseProcess
from tests.fakes.cache import MemoryParseCache
from tests.fakes.source import MemoryTree
from tests.support.contract import CONTRACT
from tests.support.git import GitRepo
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]
ODD = "tests.support.odd_parser"
DOCUMENT = "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {name: %s}}\n"
FILES = {
    "chatbots/a.yaml": DOCUMENT % "A",
    "chatbots/b.yaml": "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {prompt: {$file: ../p.md}}}\n",
    "chatbots/c.yaml": "spec: [",
    "chatbots/d.yaml": "apiVersion: v1\nkind: ChatbotConfig\nspec: {core: {prompt: {$file: ../missing.md}}}\n",
    "chatbots/e.json": '{"apiVersion": "v1", "kind": "ChatbotConfig", "specs": {}}',
    "p.md": "Be kind.\n",
}
"""Good ones, one that includes, and some in which something is wrong."""


@pytest.fixture(autouse=True)
def _tests_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def start() -> Iterator[Callable[..., ParseProcess]]:
    """Makes processes that are ended at the end."""
    started: list[ParseProcess] = []

    def make(stopped: threading.Event | None = None, **more: object) -> ParseProcess:
        started.append(ParseProcess(CONTRACT, stopped or threading.Event(), **more))  # type: ignore[arg-type]
        return started[-1]

    yield make
    for process in started:
        process.end()


def tree_of(files: Mapping[str, str]) -> tuple[Tree, list[Entry]]:
    tree = MemoryTree(files, {})
    return tree, select(tree, ["chatbots/*"])


def alone(files: Mapping[str, str]) -> list[ParsedFile]:
    tree, entries = tree_of(files)
    return list(load_tree(tree, entries, CONTRACT, {}).files)


def test_files_say_the_same_as_when_they_are_parsed_in_a_thread(start: Callable[..., ParseProcess]) -> None:
    process = start()
    assert process.parse(*tree_of(FILES)) == alone(FILES)
    pid = process.pid
    assert process.parse(*tree_of(FILES)) == alone(FILES)
    assert process.pid == pid, "one process parses all batches"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("dies", "the process that read it was ended (SIGKILL)"),
        ("exits", "the process that read it ended (status 7)"),
        ("grows", "reading it takes more than 1024 MiB of memory"),
    ],
)
def test_a_file_on_which_the_process_dies_is_refused_and_no_other(
    start: Callable[..., ParseProcess], name: str, why: str
) -> None:
    files = {**FILES, f"chatbots/{name}.yaml": DOCUMENT % "X"}
    found = {file.path: file for file in start(worker=ODD).parse(*tree_of(files))}
    refused = found.pop(f"chatbots/{name}.yaml")
    assert list(found.values()) == alone(FILES)
    (refusal,) = refused.refusals
    assert why in refusal.message


def test_a_file_that_takes_too_long_is_refused_and_no_other(start: Callable[..., ParseProcess]) -> None:
    files = {"chatbots/a.yaml": DOCUMENT % "A", "chatbots/hangs.yaml": DOCUMENT % "X"}
    good, refused = start(worker=ODD, silent_seconds=5).parse(*tree_of(files))
    assert [good] == alone({"chatbots/a.yaml": DOCUMENT % "A"})
    assert "takes longer than 5 s" in refused.refusals[0].message


def test_a_process_that_was_killed_meanwhile_is_started_again(start: Callable[..., ParseProcess]) -> None:
    process = start()
    process.parse(*tree_of(FILES))
    before = process.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert process.parse(*tree_of(FILES)) == alone(FILES)
    assert process.pid != before


def test_what_reading_the_tree_raises_is_raised(start: Callable[..., ParseProcess]) -> None:
    class Broken(MemoryTree):
        def read(self, blob_ids: object) -> Mapping[str, bytes]:
            raise MirrorBroken(f"{blob_ids} are missing")

    process = start()
    _, entries = tree_of(FILES)
    with pytest.raises(MirrorBroken, match="missing"):
        process.parse(Broken(FILES, {}), entries)
    assert process.parse(*tree_of(FILES)) == alone(FILES)


def test_a_stop_waits_for_no_file(start: Callable[..., ParseProcess]) -> None:
    stopped = threading.Event()
    process = start(stopped, worker=ODD)
    failures: list[SourceUnreadable] = []

    def parse() -> None:
        try:
            process.parse(*tree_of({"chatbots/hangs.yaml": DOCUMENT % "X"}))
        except SourceUnreadable as error:
            failures.append(error)

    thread = threading.Thread(target=parse)
    thread.start()
    wait_until(lambda: process.pid is not None)
    stopped.set()
    thread.join()
    assert [error.cause for error in failures] == [SourceCause.GIT_FAILED]
    assert process.pid is None


def test_ended_it_is_gone_and_starts_no_other(start: Callable[..., ParseProcess]) -> None:
    process = start()
    process.parse(*tree_of(FILES))
    pid = process.pid
    assert pid is not None
    process.end()
    assert not psutil.pid_exists(pid)
    with pytest.raises(SourceUnreadable):
        process.parse(*tree_of(FILES))


def test_it_dies_with_whoever_started_it_whatever_it_is_doing() -> None:
    program = f"""
import threading
from reconciler.sources.parse_process import ParseProcess
from tests.integration.git.test_parse_process import DOCUMENT, tree_of
from tests.support.contract import CONTRACT

process = ParseProcess(CONTRACT, threading.Event(), worker={ODD!r})
files = tree_of({{"chatbots/hangs.yaml": DOCUMENT % "X"}})
threading.Thread(target=process.parse, args=files, daemon=True).start()
while process.pid is None:
    pass
print(process.pid, flush=True)
threading.Event().wait()
"""
    service = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert service.stdout is not None
    with service, service.stdout:
        pid = int(service.stdout.readline())
        assert psutil.pid_exists(pid)
        service.kill()
        service.wait()
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.anyio
async def test_a_large_source_is_parsed_beside_the_service_and_leaves_no_process(tmp_path: Path) -> None:
    text = DOCUMENT % "A" + "# " + "x" * 100_000 + "\n"
    files = {f"chatbots/bot_{number}.yaml": text for number in range(BATCH_BYTES // len(text) + 2)}
    repo = GitRepo(tmp_path / "repo")
    revision = repo.commit({**files, **FILES})
    source = GitSource(GitRemote.parse(repo.url, "main", insecure=True), tmp_path / "mirror.git", CONTRACT)
    before = set(psutil.Process().children())
    snapshot = await source.load(revision, MemoryParseCache())
    assert snapshot.parsed == len(files) + len(FILES) - 1
    assert len(snapshot.documents) == len(files) + 2
    assert len(snapshot.refusals) == 3
    assert set(psutil.Process().children()) <= before
    await source.close()
