"""Processes beside this one, and what they cost: each has an interpreter of its own, as in production."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

ROOT = Path(__file__).parents[1]
START_S = 60.0
_STOP_S = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")

Process = subprocess.Popen[str]


@contextmanager
def running(module: str, *arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Process]:
    """A Python module as a program, ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(_STOP_S)
        assert process.stdout is not None
        process.stdout.close()


def announced(process: Process) -> str:
    """The first line that a program prints: where it listens.

    Raises:
        RuntimeError: It ended, or said nothing in time.
    """
    assert process.stdout is not None
    timer = Timer(START_S, process.kill)
    timer.start()
    try:
        line = process.stdout.readline().strip()
    finally:
        timer.cancel()
    if not line:
        raise RuntimeError(f"{process.args!r} did not start")
    return line


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used, in user and system mode (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mib(pid: int | str = "self") -> tuple[float, float]:
    """The resident memory of a process in MiB: now, and at its highest (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    values = dict(line.split(":", 1) for line in lines)
    return _mebibytes(values["VmRSS"]), _mebibytes(values["VmHWM"])


def _mebibytes(kilobytes: str) -> float:
    return int(kilobytes.split(maxsplit=1)[0]) / 1024
