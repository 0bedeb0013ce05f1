"""How much memory git and what it starts may take: a remote decides what they keep, and git itself sets no limit."""

import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def limit_memory(pid: int, most_bytes: int) -> None:
    """Limit a process and all that it has started; what it starts from now on has the same limit.

    Only what it holds for itself counts: a pack that it maps may be larger. Where `memory_limit_problem` tells of one,
    nothing happens.

    Args:
        pid: A process of ours; it may have ended.
        most_bytes: For each of the processes.
    """
    if sys.platform != "linux":
        return
    for item in (pid, *_started_by(pid)):
        with suppress(ProcessLookupError, PermissionError):
            _, hard = resource.prlimit(item, resource.RLIMIT_DATA)
            most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
            resource.prlimit(item, resource.RLIMIT_DATA, (most, hard))


def memory_limit_problem(platform: str = sys.platform) -> str | None:
    """Why git cannot be limited here, and what to do instead; None where it can.

    Args:
        platform: The system, as `sys.platform` names it.
    """
    instead = "limit the memory of the service as a whole, such as by its container"
    if platform != "linux":
        return f"each process of git may take any amount of memory, as only Linux limits it: {instead}"
    try:
        # what is set already: refused only where nothing may be set, such as by a filter of system calls
        resource.prlimit(0, resource.RLIMIT_DATA, resource.getrlimit(resource.RLIMIT_DATA))
    except OSError as error:
        return f"each process of git may take any amount of memory, as limits are refused ({error.strerror}): {instead}"
    return None


def _started_by(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()):
            yield child
            yield from _started_by(child)
