"""``python -m benchmarks.simulation``: what happens with fleets that fit on no machine here, by discrete events.

Each tenant has chatbots, an API with a rate limit, and people who edit; each replica has one core for the engine. What
one step costs is measured elsewhere in this folder and given here as a parameter. Simulated are the calls: who waits
for whom behind a tenant's pace, and the engine's CPU behind all of them.
"""

import argparse
import heapq
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from statistics import quantiles
from typing import Final

DAY_S: Final = 86_400.0
_HUNDREDTHS: Final = 100


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is simulated.

    Attributes:
        chatbots: Of all tenants together.
        tenants: They are of equal size.
        replicas: Each does the work of one core.
        calls_per_minute: What the API of one tenant lets through.
        tick_s: Between two lists of a tenant's chatbots.
        sweep_s: Within which every chatbot is compared at least once.
        edits: Live edits of a chatbot a day.
        commits: Changes of a document a day.
        call_ms: The engine's CPU for one dry run, answer and row included.
        list_us: Its CPU for one line of a list.
        push_ms: Its CPU for one push, git included.
        latency_ms: How long the API takes to answer.
        kib: Memory for one chatbot.
        mib: Memory of one process without any.
        seconds: How long is simulated.
        seed: What chance begins with.
    """

    chatbots: int
    tenants: int
    replicas: int = 1
    calls_per_minute: float = 600
    tick_s: float = 300
    sweep_s: float = DAY_S
    edits: float = 0.2
    commits: float = 0.1
    call_ms: float = 2.0
    list_us: float = 30
    push_ms: float = 60
    latency_ms: float = 50
    kib: float = 1.0
    mib: float = 180
    seconds: float = 4 * 3600
    seed: int = 1


class Kind(IntEnum):
    """What a call is for; the smaller one goes first."""

    PUSH = 0
    DRIFT = 1
    SWEEP = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        calls_a_day: Of one tenant.
        quota_free: The part of what the API would let through that nobody used.
        cpu: The part of all replicas' time that was busy.
        push_p99_s: From a push to its plan.
        drift_p99_s: From a live edit to its plan.
        sweep_left: The part of the full checks that were due and did not come about.
        memory_mib: Of one replica, where chatbots are spread evenly.
    """

    calls_a_day: float
    quota_free: float
    cpu: float
    push_p99_s: float
    drift_p99_s: float
    sweep_left: float
    memory_mib: float

    def breaks(self) -> Sequence[str]:
        """What no longer holds, worst first."""
        found = []
        if self.cpu > _BUSY:
            found.append("the engine's CPU: add replicas")
        if self.quota_free < 1 - _BUSY:
            found.append("the tenants' rate limit: raise it, or full_sweep_interval")
        if self.sweep_left > _LEFT:
            found.append("the full sweep does not keep up")
        return found


_COLUMNS: Final = (
    "chatbots",
    "tenants",
    "replicas",
    "calls/min each",
    "calls a day each",
    "quota free",
    "CPU",
    "push p99",
    "drift p99",
    "memory of a replica",
    "what breaks first",
)
_BUSY: Final = 0.9
_LEFT: Final = 0.02


@dataclass(slots=True)
class _Server:
    """Serves one call after the other, each for as long as it takes."""

    free_at: float = 0.0
    busy: float = 0.0

    def serve(self, at: float, seconds: float) -> float:
        """When a piece of work that comes now is done."""
        self.free_at = max(self.free_at, at) + seconds
        self.busy += seconds
        return self.free_at


@dataclass(slots=True)
class _Tenant:
    """What waits behind one tenant's pace."""

    waiting: list[tuple[Kind, float, int]] = field(default_factory=list)
    is_free: bool = True


@dataclass(order=True, slots=True)
class _Event:
    at: float
    number: int
    tenant: int
    kind: Kind | None
    since: float


class Simulation:
    """One fleet for some hours.

    Args:
        parameters: What is simulated; one tenant in so many is enough where there are thousands, as they are alike.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._p = parameters
        self._random = random.Random(parameters.seed)
        self._engine = _Server()
        self._events: list[_Event] = []
        self._number = 0
        self._lags: dict[Kind, list[float]] = {kind: [] for kind in Kind}
        self._due = dict.fromkeys(Kind, 0)
        self._calls = 0

    def run(self) -> Outcome:
        """Simulate."""
        p = self._p
        tenants = [_Tenant() for _ in range(p.tenants)]
        each = p.chatbots / p.tenants
        for number in range(p.tenants):
            for at in self._moments(each * p.commits / DAY_S):
                self._add(at, number, Kind.PUSH, at)
            for kind, at, since in self._ticks(each):
                self._add(at, number, kind, since)
        while self._events and self._events[0].at < p.seconds:
            self._step(heapq.heappop(self._events), tenants)
        return self._outcome(each)

    def _ticks(self, each: float) -> Iterator[tuple[Kind, float, float]]:
        """The dry runs that each list of the chatbots asks for: those that moved since the last, and a slice."""
        p = self._p
        begin = self._random.uniform(0, p.tick_s)
        edits = iter(sorted(self._moments(each * p.edits / DAY_S)))
        edit = next(edits, None)
        slice_due = 0.0
        at = begin
        while at < p.seconds:
            listed = self._engine_time(each * p.list_us / 1e6)
            while edit is not None and edit <= at:
                yield Kind.DRIFT, at + listed, edit
                edit = next(edits, None)
            slice_due += each * p.tick_s / p.sweep_s
            for _ in range(int(slice_due)):
                yield Kind.SWEEP, at + listed, at
            slice_due -= int(slice_due)
            self._calls += 1
            at += p.tick_s

    def _engine_time(self, seconds: float) -> float:
        own = seconds / self._p.replicas
        self._engine.busy += own
        return own

    def _moments(self, rate: float) -> list[float]:
        """When something happens by chance, so often a second."""
        moments, at = [], 0.0
        while rate > 0 and (at := at + self._random.expovariate(rate)) < self._p.seconds:
            moments.append(at)
        return moments

    def _add(self, at: float, tenant: int, kind: Kind | None, since: float) -> None:
        self._number += 1
        if kind is not None:
            self._due[kind] += 1
        heapq.heappush(self._events, _Event(at, self._number, tenant, kind, since))

    def _step(self, event: _Event, tenants: Sequence[_Tenant]) -> None:
        tenant = tenants[event.tenant]
        if event.kind is None:
            tenant.is_free = True
        else:
            heapq.heappush(tenant.waiting, (event.kind, event.since, event.number))
        if tenant.is_free and tenant.waiting:
            self._call(event.at, event.tenant, tenant)

    def _call(self, at: float, number: int, tenant: _Tenant) -> None:
        p = self._p
        kind, since, _ = heapq.heappop(tenant.waiting)
        tenant.is_free = False
        self._calls += 1
        own = (p.call_ms + (p.push_ms if kind is Kind.PUSH else 0)) / 1e3 / p.replicas
        done = self._engine.serve(at + p.latency_ms / 1e3, own)
        self._lags[kind].append(done - since)
        self._number += 1
        heapq.heappush(self._events, _Event(at + 60 / p.calls_per_minute, self._number, number, None, at))

    def _outcome(self, each: float) -> Outcome:
        p = self._p
        days = p.seconds / DAY_S
        allowed = p.calls_per_minute / 60 * p.seconds * p.tenants
        # what came at the last moment had no time
        due = self._due[Kind.SWEEP] * max(0.0, 1 - p.tick_s / p.seconds)
        return Outcome(
            calls_a_day=self._calls / days / p.tenants,
            quota_free=1 - self._calls / allowed,
            cpu=self._engine.busy / p.seconds,
            push_p99_s=_p99(self._lags[Kind.PUSH]),
            drift_p99_s=_p99(self._lags[Kind.DRIFT]),
            sweep_left=max(0.0, 1 - len(self._lags[Kind.SWEEP]) / due) if due else 0.0,
            memory_mib=p.mib + each * p.tenants / p.replicas * p.kib / 1024,
        )


def _p99(lags: Sequence[float]) -> float:
    return quantiles(lags, n=_HUNDREDTHS)[-1] if len(lags) > 1 else 0.0


SCENARIOS: Final[Sequence[Parameters]] = (
    Parameters(chatbots=10_000, tenants=1),
    Parameters(chatbots=100_000, tenants=1),
    Parameters(chatbots=100_000, tenants=10),
    Parameters(chatbots=100_000, tenants=100),
    Parameters(chatbots=1_000_000, tenants=1),
    Parameters(chatbots=1_000_000, tenants=10),
    Parameters(chatbots=1_000_000, tenants=100),
    Parameters(chatbots=1_000_000, tenants=100, replicas=4),
    Parameters(chatbots=1_000_000, tenants=1_000, replicas=4),
)


def table(scenarios: Sequence[Parameters] = SCENARIOS) -> str:
    """What becomes of each, as a table in markdown."""
    head = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    return "\n".join([*head, *(_row(scenario, Simulation(scenario).run()) for scenario in scenarios)])


def _row(p: Parameters, o: Outcome) -> str:
    cells = (
        f"{p.chatbots:,}",
        f"{p.tenants:,}",
        f"{p.replicas}",
        f"{p.calls_per_minute:,.0f}",
        f"{o.calls_a_day:,.0f}",
        f"{o.quota_free:.0%}",
        f"{o.cpu:.0%}",
        f"{o.push_p99_s:,.1f} s",
        f"{o.drift_p99_s:,.0f} s",
        f"{o.memory_mib:,.0f} MiB",
        "; ".join(o.breaks()) or "nothing",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the scenarios, or one of your own as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    defaults = Parameters(chatbots=0, tenants=1)
    for name, value in asdict(defaults).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = Parameters(**vars(parser.parse_args()))
    if options.chatbots:
        print(json.dumps({**asdict(options), **asdict(Simulation(options).run())}, indent=1))
    else:
        print(table())


if __name__ == "__main__":
    main()
