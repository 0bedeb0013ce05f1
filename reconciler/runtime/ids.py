"""Ids that sort by the time they were made, and the jitter of intervals."""

import random
import secrets
import time

from reconciler.engine.reconcile.deadlines import LARGEST_JITTER


def new_id(kind: str) -> str:
    """An id such as ``plan_0197a3b2c4d5e6f7a8b9c0d1``: 48 bits of milliseconds, then 48 random bits."""
    return f"{kind}_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}"


def jitter() -> float:
    """A fresh share of an interval, 0 to `LARGEST_JITTER`."""
    return random.uniform(0, LARGEST_JITTER)
