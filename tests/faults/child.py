"""The service as the harness starts it: what `reconciler serve` runs, in a process of its own, with a tracer."""

import asyncio
import os
import resource
import sys
from dataclasses import replace
from datetime import timedelta

from reconciler.engine.apply.executor import LEASE_TIMES, LeaseTimes
from reconciler.errors import ReconcilerError
from reconciler.runtime.serve import serve
from reconciler.runtime.telemetry import log_to_stderr
from reconciler.settings.model import Settings
from tests.faults.order import APPLY_DEADLINE, APPLY_SETTLE, TICK_SECONDS, Order
from tests.faults.tracer import Tracer
from tests.support.forkserver import end_with_parent

HEARTBEATS = 5
"""In the life of a shortened lease."""


def run(order: Order, told: int) -> int:
    """Be the service until it ends.

    Args:
        order: What to run.
        told: A pipe that gets ``ready URL`` and ``trap``, and closes with the process.

    Returns:
        The exit code.
    """
    end_with_parent()
    os.setpgid(0, 0)
    out = os.open(order.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    os.environ.update(order.environ)
    log_to_stderr()
    record = os.open(order.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if order.record else None
    # shorter times than people may set, in the same order, so that a trial takes seconds
    settings = Settings(**order.settings)
    policy = settings.policy.model_copy(update={"apply_settle": APPLY_SETTLE})
    settings = settings.model_copy(update={"policy": policy})
    if order.file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.file_limit, order.file_limit))
    Tracer(order.trap, told, record).install()
    try:
        asyncio.run(
            serve(
                settings,
                ready=lambda url: _tell(told, f"ready {url}"),
                tick_seconds=TICK_SECONDS,
                lease_times=_lease_times(order.lease_seconds),
            ),
        )
    except ReconcilerError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _lease_times(seconds: float | None) -> LeaseTimes:
    times = LEASE_TIMES if seconds is None else LeaseTimes(timedelta(seconds=seconds), seconds / HEARTBEATS)
    return replace(times, deadline=APPLY_DEADLINE)


def _tell(told: int, line: str) -> None:
    os.write(told, f"{line}\n".encode())
