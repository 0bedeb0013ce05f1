"""Ports of the clock and of background jobs."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Clock(Protocol):
    """The only way to learn the time, or to wait."""

    def now(self) -> datetime:
        """The wall clock, timezone-aware UTC: for rows and for people."""

    def monotonic(self) -> float:
        """Seconds that never jump: for deadlines and durations."""

    async def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""


class JobKind(StrEnum):
    """The kind of a job."""

    REFRESH = "refresh"
    APPLY = "apply"
    RECOVER = "recover"
    AUTOMATE = "automate"
    CHECK_TENANT = "check_tenant"
    CHECK_WRITE_KEY = "check_write_key"


@dataclass(frozen=True, slots=True)
class Job:
    """“Look at this”: it may run twice or not at all without harm, because truth and leases are rows."""

    kind: JobKind
    subject: str = ""


class Dispatcher(Protocol):
    """Runs jobs, each at most once at a time."""

    def submit(self, job: Job) -> None:
        """Have a job run soon. Submitted while it waits, it is the same job; while it runs, it runs once more."""
