"""What the driver asks of a process: plain values, so that asking loads nothing of the service."""

import signal
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Trap:
    """Where to break a process, and how.

    Attributes:
        name: The step's name.
        occurrence: The how manieth step of that name, from 1.
        signal: SIGKILL, or SIGTERM, after which the step goes on.
        delay_ms: How long after the step began instead of before it: for what takes long, such as git.
    """

    name: str
    occurrence: int = 1
    signal: int = signal.SIGKILL
    delay_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Order:
    """How to start the service.

    Attributes:
        settings: As `Settings` takes them.
        output: The file that stdout and stderr go to.
        environ: More environment.
        trap: Where to break it.
        record: The file that gets the name of every step.
        file_limit: The largest file that it may write, as on a full disk.
    """

    settings: dict[str, Any]
    output: str
    environ: dict[str, str] = field(default_factory=dict)
    trap: Trap | None = None
    record: str | None = None
    file_limit: int | None = None
