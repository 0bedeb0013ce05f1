"""How much memory git and what it starts may take: a remote decides what they keep, and git itself sets no limit."""

import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def limit_memory(pid: int, most_bytes: int) -> None:
    """Limit a process and all that it has started; what it starts from now on has the same limit.

    Only what it holds for itself counts: a pack that it maps may be larger. Where the system has no such limit, as
    anywhere but on Linux, nothing happens.

    Args:
        pid: A process of ours; it may have ended.
        most_bytes: For each of the processes.
    """
    if sys.platform != "linux":
        return
    for each in (pid, *_started_by(pid)):
        with suppress(ProcessLookupError, PermissionError):
            _, hard = resource.prlimit(each, resource.RLIMIT_DATA)
            most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
            resource.prlimit(each, resource.RLIMIT_DATA, (most, hard))


def _started_by(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()):
            yield child
            yield from _started_by(child)
