"""Two services on one database: one stands still within an apply until the other has taken over, and then goes on.

What a pause of a virtual machine, a full garbage collection or a swapped-out process does. The standing one cannot
notice by itself that time went by; only what it compares before each step can keep it from acting.
"""

import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.history import Standstill
from tests.faults.lane import Lane
from tests.faults.order import APPLY_SETTLE, LEASE_SECONDS, TICK_SECONDS, Trap
from tests.faults.process import Process
from tests.faults.trial import Report, Trial, carry_out, kind_of, push

BEFORE_THE_INTENT: Final = "sql BEGIN | executor:_intend < executor:_attempt"
WITHIN_THE_INTENT: Final = "sql COMMIT | executor:_intend < executor:_attempt"
AFTER_THE_INTENT: Final = "sql BEGIN | executor:_open_window < executor:_send"
WITHIN_THE_CHECK: Final = "sql COMMIT | executor:_open_window < executor:_send"
BEFORE_THE_REQUEST: Final = (
    "http connect_tcp.started POST /api/v1/chatbots/ID/apply | executor:_send < executor:_execute"
)
BEFORE_THE_BODY: Final = (
    "http send_request_body.started POST /api/v1/chatbots/ID/apply | executor:_send < executor:_execute"
)
BEFORE_THE_END: Final = "sql BEGIN | outcome:finish_apply < executor:_execute"
BEFORE_GIVING_UP: Final = "sql BEGIN | outcome:end_without_write < executor:_attempt"
_BEFORE_SETTLING: Final = Trap("sql BEGIN | outcome:finish_apply < recovery:_settle", 2, signal=signal.SIGSTOP)
"""The first end that the recovery writes is that the outcome is unknown."""
_BEGUN: Final = frozenset({BEFORE_THE_REQUEST, BEFORE_THE_BODY, BEFORE_THE_END})


@dataclass(frozen=True, slots=True)
class Pause:
    """Where one of two services stands still within an apply.

    Attributes:
        point: Before which step.
        other: Where the other one, which took over, stands still in its turn while the first goes on; None lets it
            settle everything before.
        fails_first: Whether the dry run before an apply fails once, so that the first gives the apply up.
    """

    point: str
    other: Trap | None = None
    fails_first: bool = False


_OTHER_BEFORE_INTENT: Final = Trap(BEFORE_THE_INTENT, signal=signal.SIGSTOP)
TAKEN_OVER: Final = tuple(
    Pause(point)
    for point in (
        BEFORE_THE_INTENT,
        WITHIN_THE_INTENT,
        AFTER_THE_INTENT,
        WITHIN_THE_CHECK,
        BEFORE_THE_REQUEST,
        BEFORE_THE_BODY,
        BEFORE_THE_END,
    )
)
"""The other settles everything meanwhile."""
INTENT_AGAINST_INTENT: Final = Pause(BEFORE_THE_INTENT, other=_OTHER_BEFORE_INTENT)
END_AGAINST_RECOVERY: Final = Pause(BEFORE_THE_END, other=_BEFORE_SETTLING)
GIVING_UP_AGAINST_INTENT: Final = Pause(BEFORE_GIVING_UP, other=_OTHER_BEFORE_INTENT, fails_first=True)
PAUSES: Final = (*TAKEN_OVER, INTENT_AGAINST_INTENT, END_AGAINST_RECOVERY, GIVING_UP_AGAINST_INTENT)
LONGEST_STANDSTILL: Final = LEASE_SECONDS + APPLY_SETTLE.total_seconds() + 5 * TICK_SECONDS
"""Within it the other has taken over and settled what it found, unless the standing one holds locks."""
_LIMIT: Final = 60.0
"""Seconds that a service may take to reach its trap, or to stop, on a machine that does much else."""


def split_brain(lane: Lane, chance: random.Random, name: str, pause: Pause) -> Report:
    """Freeze one of two services before a step of an apply, and let it go on when its lease is worth nothing any more.

    Args:
        lane: Where.
        chance: Unused; the trial makes no choice.
        name: Enough to know it by.
        pause: Where.

    Returns:
        What the judge says. A trap that did not spring is in ``missed``: the other was faster.
    """
    stage = lane.shared
    trial = lane.trial(stage, name, chance)
    beside = trial.data.with_name("beside")
    stage.lay_out(beside)
    trap = Trap(pause.point, signal=signal.SIGSTOP)
    first = stage.start(trial.data, trap)
    trial.turn_to(first)
    trial.open_plans()
    trial.settle()
    trial.process = stage.start(beside, pause.other)
    trial.turn_to(trial.process)
    trial.settle()
    started = _freeze(trial, first, trap, fails_first=pause.fails_first)
    if pause.other is not None:
        _await_trap(trial, trial.process, pause.other)
    else:
        _take_over(trial)
    _thaw(trial, first, pause)
    if pause.other is not None:
        trial.process.signal(signal.SIGCONT)
    trial.turn_to(trial.process)
    return trial.conclude(started)


def _freeze(trial: Trial, first: Process, trap: Trap, *, fails_first: bool) -> float:
    """Have the one apply what waits, until it stands still; tell since when."""
    trial.turn_to(first)
    # else the other might take the apply from the queue
    trial.process.signal(signal.SIGSTOP)
    plans = trial.open_plans()
    if fails_first:
        trial.stage.sandbox.control.add_fault("status", status=400, match={"dry_run": True})
    for plan in plans:
        push(trial, plan)
    _await_trap(trial, first, trap)
    trial.process.signal(signal.SIGCONT)
    return time.monotonic()


def _await_trap(trial: Trial, process: Process, trap: Trap) -> None:
    until = time.monotonic() + _LIMIT
    while process.alive and not process.sprung and time.monotonic() < until:
        time.sleep(0.02)
    if process.sprung:
        trial.report.faults.append(kind_of(trap))
    else:
        trial.report.missed.append((trap.name, trap.occurrence))


def _take_over(trial: Trial) -> None:
    """Let people go on at the other, with whatever it makes of it."""
    trial.turn_to(trial.process)
    trial.settle(LONGEST_STANDSTILL)
    carry_out(trial)
    trial.settle(LONGEST_STANDSTILL / 2)


def _thaw(trial: Trial, first: Process, pause: Pause) -> None:
    """Let the one go on; being told to stop, it ends what it had begun."""
    if first.sprung:
        stood = Standstill(trial.data.name, ended=time.time(), begun=pause.point in _BEGUN)
        trial.history.standstills.append(stood)
    first.signal(signal.SIGCONT)
    first.signal(signal.SIGTERM)
    first.wait_end(_LIMIT)
    first.kill()


def main() -> int:
    """Run every trial, and tell whether the judge was silent."""
    clean = True
    with tempfile.TemporaryDirectory(prefix="split-") as folder, Lane(Path(folder)) as lane:
        for pause in PAUSES:
            report = split_brain(lane, random.Random(pause.point), pause.point, pause)
            said = [f"{violation.rule}: {violation.what}" for violation in report.violations]
            print(f"{pause}: {'; '.join(said) or ('missed' if report.missed else 'clean')}", flush=True)
            clean = clean and not said
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
