"""Reads what a git process says in pieces, and ends it when that is too much or takes too long.

A repository of a few hundred bytes can name more files than any memory holds: nothing may be kept before it is counted.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from selectors import EVENT_READ, DefaultSelector
from subprocess import Popen, TimeoutExpired
from typing import IO, Final

import psutil

from reconciler.errors import SourceCause, SourceUnreadable
from reconciler.sources.git_memory import limit_memory

_PIECE: Final = 64 * 1024
_TICK: Final = 0.5
_MAX_STDERR: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Output:
    """How a git command ended."""

    status: int
    stdout: bytes
    stderr: str


class GitTimeout(Exception):
    """A git command was ended because it took too long."""


@dataclass(frozen=True, slots=True)
class Caps:
    """What a git command may do before it is ended.

    Attributes:
        stdout_bytes: How much it may say.
        files: How many files it may list, each ended by a NUL.
        memory_bytes: How much memory it and each process that it starts may take, what they map of files apart.
        watch: Called twice a second meanwhile; it raises when the command must not go on.
    """

    stdout_bytes: int = 16 * 1024**2
    files: int | None = None
    memory_bytes: int = 1024**3
    watch: Callable[[], None] | None = None


DEFAULT_CAPS: Final = Caps()


def outcome(process: Popen[bytes], command: str, seconds: float, caps: Caps) -> Output:
    """Read what a process says until it ends; whatever happens, it is gone afterwards, and its pipes are closed.

    Raises:
        GitTimeout: When it took too long.
        SourceUnreadable: When it said too much.
    """

    def watch() -> None:
        limit_memory(process.pid, caps.memory_bytes)
        if caps.watch is not None:
            caps.watch()

    alarm, said = _Alarm(time.monotonic() + seconds, watch), _Printed(command, caps)
    try:
        with _gone_afterwards(process) as (stdout, stderr):
            for pipe, piece in _pieces((stdout, stderr), alarm):
                (said.add_stdout if pipe is stdout else said.add_stderr)(piece)
            status = process.wait(alarm.left)
    except (_Late, TimeoutExpired) as error:
        raise GitTimeout(f"git {command} took longer than {seconds:g} s") from error
    return Output(status, bytes(said.stdout), said.stderr.decode(errors="replace"))


class _Late(Exception):
    """The time limit of a git process was reached."""


@dataclass(slots=True)
class _Alarm:
    """Stops the reading when the time is over, or when whoever watches objects."""

    ends: float
    watch: Callable[[], None]
    looks: float = 0.0

    @property
    def left(self) -> float:
        return max(0.0, self.ends - time.monotonic())

    def check(self) -> None:
        if not self.left:
            raise _Late
        if time.monotonic() >= self.looks:
            self.watch()
            self.looks = time.monotonic() + _TICK


@dataclass(slots=True)
class _Printed:
    """What a process said so far, which is never more than its caps and a piece."""

    command: str
    caps: Caps
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    files: int = 0

    def add_stdout(self, piece: bytes) -> None:
        self.stdout += piece
        self.files += piece.count(b"\0")
        if self.caps.files is not None and self.files > self.caps.files:
            raise _too_large(f"the repository holds more than {self.caps.files} files")
        self._check(self.stdout, self.caps.stdout_bytes)

    def add_stderr(self, piece: bytes) -> None:
        self.stderr += piece
        self._check(self.stderr, _MAX_STDERR)

    def _check(self, said: bytearray, most: int) -> None:
        if len(said) > most:
            raise _too_large(f"the repository makes git {self.command} say more than {most} bytes")


def _too_large(what: str) -> SourceUnreadable:
    return SourceUnreadable(SourceCause.TOO_LARGE, f"{what}: keep the documents in another")


def _pieces(pipes: tuple[IO[bytes], ...], alarm: _Alarm) -> Iterator[tuple[object, bytes]]:
    """What comes out of which pipe, until both have ended; a full one never keeps git from filling the other."""
    with DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, EVENT_READ)
        while selector.get_map():
            alarm.check()
            for key, _ in selector.select(min(_TICK, alarm.left)):
                piece = os.read(key.fd, _PIECE)
                if not piece:
                    selector.unregister(key.fileobj)
                yield key.fileobj, piece


@contextmanager
def _gone_afterwards(process: Popen[bytes]) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    assert process.stdout, "GitPython gives pipes"  # noqa: S101
    assert process.stderr, "GitPython gives pipes"  # noqa: S101
    with process.stdout, process.stderr:
        try:
            yield process.stdout, process.stderr
        finally:
            if process.poll() is None:
                _kill(process)


def _kill(process: Popen[bytes]) -> None:
    """End git and what it started: ssh, or a pack being unpacked, would go on without it."""
    # not a process group, because an interrupt from the terminal must reach git as well
    git = psutil.Process(process.pid)
    for member in (git, *git.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()
