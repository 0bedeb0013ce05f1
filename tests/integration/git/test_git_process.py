"""A git that says too much, or never ends: it is ended with all it started, and nothing of it stays open."""

import gzip
import os
import platform
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.runtime.serve import start_warnings
from reconciler.sources.git_command import GitCommand
from reconciler.sources.git_failure import remote_failure
from reconciler.sources.git_memory import limit_memory, memory_limit_problem
from reconciler.sources.git_process import Caps, GitTimeout, Output
from reconciler.sources.git_remote import GitRemote
from reconciler.sources.mirror import GitLimits, Mirror
from tests.support.git import GitRepo
from tests.support.http_server import Answer, http_server
from tests.support.waiting import PATIENCE, eventually

MIB = 1024 * 1024
HANGING = """#!%s
import os, subprocess, time
# a server that sends most of its pack, and then neither goes on nor ends
server = subprocess.Popen(["git-upload-pack", %r], stdout=subprocess.PIPE)
left = %d
while left and (piece := os.read(server.stdout.fileno(), min(left, 65536))):
    left -= os.write(1, piece)
time.sleep(600)
"""

REFUSED = """
import ctypes
from reconciler.sources.git_memory import memory_limit_problem

# a filter of system calls as containers have it: prlimit64 (302) is not permitted, all others are
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 302), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]

class Step(ctypes.Structure):
    _fields_ = [("op", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("value", ctypes.c_uint)]

class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.POINTER(Step))]

libc, steps = ctypes.CDLL(None, use_errno=True), (Step * len(code))(*code)
NO_NEW_PRIVILEGES, SECCOMP, BY_FILTER = 38, 22, 2
assert libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
assert libc.prctl(SECCOMP, BY_FILTER, ctypes.byref(Filter(len(code), steps)), 0, 0) == 0
print(memory_limit_problem())
"""


@pytest.fixture
def pid_file(tmp_path: Path) -> Path:
    return tmp_path / "pid"


def said(folder: Path, script: str, caps: Caps, seconds: float = 60) -> Output:
    """What git says when it has a shell do that."""
    alias = f"alias.say=!echo $$ > {folder / 'pid'}; {script}"
    return GitCommand(folder).run("-c", alias, "say", seconds=seconds, bare=False, caps=caps)


def is_gone(pid_file: Path) -> bool:
    """Whether the shell has ended, or will never do anything again."""
    stat = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("script", "caps", "words"),
    [
        ("exec yes", Caps(stdout_bytes=MIB), f"say more than {MIB} bytes"),
        ("exec yes >&2", Caps(), f"say more than {MIB} bytes"),
        ("exec cat /dev/zero", Caps(files=1_000), "holds more than 1000 files"),
    ],
)
def test_a_git_that_says_too_much_is_ended(tmp_path: Path, pid_file: Path, script: str, caps: Caps, words: str) -> None:
    with pytest.raises(SourceUnreadable, match=words) as raised:
        said(tmp_path, script, caps)
    assert raised.value.cause is SourceCause.TOO_LARGE
    assert eventually(lambda: is_gone(pid_file))


@pytest.mark.parametrize("script", ["exec sleep 600", "exec >&- 2>&-; exec sleep 600", "while :; do echo x; done"])
def test_a_git_that_never_ends_is_ended(tmp_path: Path, pid_file: Path, script: str) -> None:
    with pytest.raises(GitTimeout, match="took longer than 1 s"):
        said(tmp_path, script, Caps(stdout_bytes=1024 * MIB), seconds=1)
    assert eventually(lambda: is_gone(pid_file))


def test_whoever_watches_can_end_it(tmp_path: Path, pid_file: Path) -> None:
    def watch() -> None:
        if pid_file.exists() and pid_file.read_text().endswith("\n"):
            raise SourceUnreadable(SourceCause.TOO_LARGE, "enough")

    with pytest.raises(SourceUnreadable, match="enough"):
        said(tmp_path, "exec sleep 600", Caps(watch=watch))
    assert eventually(lambda: is_gone(pid_file))


def test_what_is_within_the_caps_is_told_whole(tmp_path: Path) -> None:
    # more than a pipe holds on both sides: neither may keep git from filling the other
    script = "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero; exit 3"
    output = said(tmp_path, script, Caps(stdout_bytes=300_000, files=300_000))
    assert (output.status, len(output.stdout), len(output.stderr)) == (3, 300_000, 300_000)


def test_nothing_stays_open(tmp_path: Path) -> None:
    said(tmp_path, "exit 0", Caps())
    before = open_files()
    for _ in range(3):
        with pytest.raises(SourceUnreadable):
            said(tmp_path, "exec yes", Caps(stdout_bytes=MIB))
    assert open_files() == before


@pytest.mark.parametrize(("files", "size"), [(1, 24 * MIB), (160, 152 * 1024)], ids=["one file", "many files"])
def test_a_pack_without_end_is_not_waited_for(tmp_path: Path, files: int, size: int) -> None:
    repo = GitRepo(tmp_path / "bots")
    repo.commit({f"large/{number}": os.urandom(size) for number in range(files)})
    ssh = tmp_path / "ssh"
    ssh.write_text(HANGING % (sys.executable, str(repo.folder), 20 * MIB))
    ssh.chmod(0o700)
    env = {"GIT_SSH_COMMAND": str(ssh), "GIT_SSH_VARIANT": "simple"}
    remote = replace(GitRemote.parse("ssh://h.example/bots", "main"), env=env)
    limits = GitLimits(repository_bytes=4 * MIB, fetch_seconds=60)
    mirror = Mirror(tmp_path / "data" / "mirror.git", remote, limits)
    with pytest.raises(SourceUnreadable, match=f"and {4 * MIB} are the limit") as raised:
        mirror.ensure(repo.head)
    assert raised.value.cause is SourceCause.TOO_LARGE
    left = [path for path in mirror.folder.rglob("*") if path.is_file() and path.stat().st_size > MIB]
    assert left == [], "what was fetched so far is removed"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process holds for itself")
@pytest.mark.parametrize("packing", ["", "gzip"])
def test_a_git_that_would_fill_the_memory_is_ended(tmp_path: Path, packing: str) -> None:
    """What a server answers before it says that it is one, git keeps whole."""
    body = bytes(256 * MIB)
    headers = {"Content-Type": "application/x-git-upload-pack-advertisement", "Content-Encoding": packing}
    with http_server(Answer(200, headers, gzip.compress(body, 1) if packing else body)) as server:
        git = GitCommand(tmp_path, "http")
        output = git.run("ls-remote", server.url, seconds=60, bare=False, caps=Caps(memory_bytes=64 * MIB))
    assert output.status
    failure = remote_failure(server.url, output.stderr, ())
    assert (failure.cause, "keep in memory" in str(failure)) == (SourceCause.TOO_LARGE, True), output.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process holds for itself")
def test_what_a_process_has_started_already_is_limited_as_well() -> None:
    script = "sleep 600 & sleep 600 & echo $!; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            started = int(process.stdout.readline())
            limit_memory(process.pid, 64 * MIB)
            assert resource.prlimit(started, resource.RLIMIT_DATA)[0] == 64 * MIB
            assert resource.prlimit(process.pid, resource.RLIMIT_DATA)[0] == 64 * MIB
        finally:
            kill_with_children(process)


def kill_with_children(process: subprocess.Popen[str]) -> None:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for each in (process.pid, *map(int, children)):
        os.kill(each, signal.SIGKILL)


@pytest.mark.parametrize("system", ["darwin", "freebsd14", "win32"])
def test_where_nothing_can_be_limited_the_start_says_so_once(system: str) -> None:
    ((event, cause),) = start_warnings((), system)
    assert event == "git has no memory limit"
    assert "as only Linux limits it: limit the memory of the service as a whole" in cause


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process holds for itself")
def test_where_limits_can_be_set_nothing_is_said() -> None:
    assert memory_limit_problem() is None
    assert list(start_warnings(())) == []


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="the number of the call is that of x86-64",
)
def test_a_system_that_refuses_limits_is_told() -> None:
    command = [sys.executable, "-c", REFUSED]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE).stdout
    assert "as limits are refused (Operation not permitted): limit the memory of the service" in told


def test_a_process_that_has_ended_has_no_memory_to_limit() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    limit_memory(process.pid, MIB)
