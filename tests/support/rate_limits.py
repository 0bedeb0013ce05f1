"""An API with a rate limit that nobody is told of, and a sweep against it: by events, without waiting."""

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from reconciler.targets.pacer import Pacer, SentCall


@dataclass(slots=True)
class TokenBucket:
    """Takes so many calls a second, and a burst."""

    per_s: float
    burst: float
    retry_after: float | None = 1.0
    _tokens: float = field(init=False)
    _filled_at: float = 0.0

    def __post_init__(self) -> None:
        self._tokens = self.burst

    def takes(self, at: float) -> bool:
        self._tokens = min(self.burst, self._tokens + (at - self._filled_at) * self.per_s)
        self._filled_at = at
        if self._tokens < 1 - 1e-9:
            return False
        self._tokens -= 1
        return True


@dataclass(slots=True)
class SlidingWindow:
    """Takes so many calls in any 60 seconds, and says when the next one would be taken."""

    calls: int
    retry_after: float | None = None
    _taken: deque[float] = field(default_factory=deque)

    def takes(self, at: float) -> bool:
        while self._taken and at - self._taken[0] >= 60:
            self._taken.popleft()
        if len(self._taken) >= self.calls:
            self.retry_after = max(1.0, math.ceil(self._taken[0] + 60 - at))
            return False
        self._taken.append(at)
        return True


Limit = TokenBucket | SlidingWindow


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What became of a sweep: the seconds it took, the calls that were refused, and when each was sent."""

    seconds: float
    refused: int
    sent: Sequence[float]


@dataclass(slots=True)
class SimulatedSweep:
    """Calls through a pacer against a limit.

    Attributes:
        limit: The API's.
        latency: Of each answer, in seconds.
        concurrency: How many calls may be under way.
        pacer: What is examined.
        lifted_at: When the API stops limiting.
    """

    limit: Limit
    pacer: Pacer
    latency: float = 0.05
    concurrency: int = 32
    refuses_at_once: bool = False
    lifted_at: float = math.inf

    def run(self, calls: int, *, begin: float = 0.0) -> SweepResult:
        now, under_way, done, refused = begin, 0, 0, 0
        ready = [begin] * calls
        sent: list[float] = []
        events: list[tuple[float, int, bool | None, SentCall]] = []
        order = count()
        while done < calls:
            while under_way < self.concurrency and ready and ready[0] <= now and self.pacer.delay(now) <= 0:
                heapq.heappop(ready)
                under_way += 1
                sent.append(now)
                heapq.heappush(events, (now + self.latency / 2, next(order), None, self.pacer.take(now)))
            times = [events[0][0]] if events else []
            if under_way < self.concurrency and ready:
                times.append(max(ready[0], now + max(self.pacer.delay(now), 1e-6)))
            now = min(times)
            while events and events[0][0] <= now:
                at, _, is_taken, call = heapq.heappop(events)
                if is_taken is None:
                    taken = at >= self.lifted_at or self.limit.takes(at)
                    back = at if self.refuses_at_once and not taken else at + self.latency / 2
                    heapq.heappush(events, (back, next(order), taken, call))
                    continue
                under_way -= 1
                if is_taken:
                    done += 1
                    self.pacer.accept(call, at)
                else:
                    refused += 1
                    self.pacer.refuse(call, at, self.limit.retry_after)
                    heapq.heappush(ready, at + (self.limit.retry_after or 0.0))
        return SweepResult(now - begin, refused, sent)
