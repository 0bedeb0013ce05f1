"""The journal of requests, and of the writes with what each did.

A test reads it to show that no write happened, or that one happened whose answer was lost.
"""

import hashlib
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from api_client.sandbox.clock import Clock, timestamp

# A sandbox may stand for days; the counts go on when the oldest entries fall out.
_KEPT = 100_000


@dataclass(slots=True)
class Write:
    """A real apply: the body as it arrived, and the ops that were executed."""

    chatbot_id: str
    body: Any
    ops: tuple[dict[str, Any], ...] = ()
    effect_at: str | None = None

    @property
    def took_effect(self) -> bool:
        """Whether at least one op changed something."""
        return bool(self.ops)


@dataclass(slots=True)
class Call:
    """One request. ``status`` stays None when no answer went out."""

    seq: int
    at: str
    method: str
    path: str
    query: str
    dry_run: bool | None
    body_sha256: str
    key: str | None = None
    status: int | None = None
    fault: str | None = None
    write: Write | None = field(default=None, repr=False)

    def executed(self, ops: Iterable[dict[str, Any]], at: str) -> None:
        """Note the ops that changed something, and when."""
        if self.write is not None:
            self.write.ops = tuple(ops)
            self.write.effect_at = at if self.write.ops else None

    def request_json(self) -> dict[str, Any]:
        """Return the entry as the control surface shows it."""
        return {
            "seq": self.seq,
            "at": self.at,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "key": self.key,
            "dry_run": self.dry_run,
            "status": self.status,
            "body_sha256": self.body_sha256,
            "fault": self.fault,
        }

    def write_json(self) -> dict[str, Any]:
        """Return the write as the control surface shows it."""
        write = self.write
        if write is None:
            raise ValueError(f"request {self.seq} is not a write")
        return {
            "seq": self.seq,
            "at": self.at,
            "chatbot_id": write.chatbot_id,
            "key": self.key,
            "status": self.status,
            "fault": self.fault,
            "body_sha256": self.body_sha256,
            "body": write.body,
            "ops": list(write.ops),
            "took_effect": write.took_effect,
            "effect_at": write.effect_at,
        }


class Journal:
    """The requests in the order in which they arrived."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seq = 0
        self._calls: deque[Call] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()

    def open(
        self, method: str, path: str, query: str, *, body: bytes, dry_run: bool | None, write: Write | None
    ) -> Call:
        """Start the entry of a request; what happens to it is noted on the entry itself."""
        self._seq += 1
        call = Call(
            seq=self._seq,
            at=timestamp(self._clock()),
            method=method,
            path=path,
            query=query,
            dry_run=dry_run,
            body_sha256=hashlib.sha256(body).hexdigest(),
            write=write,
        )
        self._calls.append(call)
        kind = "reads" if dry_run is None else "dry_runs" if dry_run else "writes"
        self._counts.update(("requests", kind))
        return call

    def clear(self) -> None:
        """Forget every entry; sequence numbers go on."""
        self._calls.clear()
        self._counts.clear()

    def as_json(self, after: int = 0) -> dict[str, Any]:
        """Return requests and writes with a sequence number above ``after``, and the counts of all."""
        calls = [call for call in self._calls if call.seq > after]
        return {
            "counts": {name: self._counts[name] for name in ("requests", "reads", "dry_runs", "writes")},
            "requests": [call.request_json() for call in calls],
            "writes": [call.write_json() for call in calls if call.write is not None],
        }
