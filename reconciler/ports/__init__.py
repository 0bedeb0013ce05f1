"""The ports, as Protocols: git, WizChat, the clock, jobs, and the cache of parsed files.

What has one part only, such as the database, is used by its class; see ``docs/decisions``.
"""

from reconciler.ports.clock_and_jobs import Clock, Dispatcher, Job, JobKind
from reconciler.ports.git import ParseCache, Source
from reconciler.ports.wizchat import (
    APPLYING,
    COMPARING,
    RECHECKING,
    Budget,
    DryRunAnswer,
    LiveChatbot,
    Purpose,
    Spender,
    Target,
    Writer,
)

__all__ = [
    "APPLYING",
    "COMPARING",
    "RECHECKING",
    "Budget",
    "Clock",
    "Dispatcher",
    "DryRunAnswer",
    "Job",
    "JobKind",
    "LiveChatbot",
    "ParseCache",
    "Purpose",
    "Source",
    "Spender",
    "Target",
    "Writer",
]
