"""What the driver asks of a process: plain values, so that asking loads nothing of the service."""

import signal
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

APPLY_DEADLINE: Final = timedelta(seconds=1.0)
APPLY_SETTLE: Final = timedelta(seconds=2.0)
TICK_SECONDS: Final = 0.4
LEASE_SECONDS: Final = 2.5
"""On a shared database. As in the product, what is left of a renewed lease is longer than an apply may take."""


@dataclass(frozen=True, slots=True)
class Trap:
    """Where to break a process, and how.

    Attributes:
        name: The step's name.
        occurrence: The how manieth step of that name, from 1.
        signal: SIGKILL; SIGTERM, after which the step goes on; or SIGSTOP, after which it goes on when told to.
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
        lease_seconds: How long a lease runs, where not as long as in the product.
    """

    settings: dict[str, Any]
    output: str
    environ: dict[str, str] = field(default_factory=dict)
    trap: Trap | None = None
    record: str | None = None
    file_limit: int | None = None
    lease_seconds: float | None = None
