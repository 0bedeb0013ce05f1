"""Two services on one database: one stands still within an apply until the other has taken over, and then goes on.

What a pause of a virtual machine, a full garbage collection or a swapped-out process does. The standing one cannot
notice by itself that time went by; only what it compares before each step can keep it from acting.
"""

import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.faults.lane import Lane
from tests.faults.order import APPLY_SETTLE, LEASE_SECONDS, TICK_SECONDS, Trap
from tests.faults.process import Process
from tests.faults.trial import Report, Trial, carry_out, kind_of, push

BEFORE_THE_INTENT: Final = "sql BEGIN | applier:_intend < applier:_attempt"
WITHIN_THE_INTENT: Final = "sql COMMIT | applier:_intend < applier:_attempt"
AFTER_THE_INTENT: Final = "sql BEGIN | applier:_open_window < applier:_send"
WITHIN_THE_CHECK: Final = "sql COMMIT | applier:_open_window < applier:_send"
BEFORE_THE_REQUEST: Final = "http connect_tcp.started POST /api/v1/chatbots/ID/apply | applier:_send < applier:_execute"
BEFORE_THE_BODY: Final = (
    "http send_request_body.started POST /api/v1/chatbots/ID/apply | applier:_send < applier:_execute"
)
BEFORE_THE_END: Final = "sql BEGIN | ending:finish < applier:_execute"
POINTS: Final = (
    BEFORE_THE_INTENT,
    WITHIN_THE_INTENT,
    AFTER_THE_INTENT,
    WITHIN_THE_CHECK,
    BEFORE_THE_REQUEST,
    BEFORE_THE_BODY,
    BEFORE_THE_END,
)
LONGEST_STANDSTILL: Final = LEASE_SECONDS + APPLY_SETTLE.total_seconds() + 5 * TICK_SECONDS
"""Within it the other has taken over and settled what it found, unless the standing one holds locks."""
_GRACE: Final = 20.0
_SPRINGS: Final = 10.0


def split_brain(lane: Lane, chance: random.Random, name: str, point: str) -> Report:
    """Freeze one of two services before a step of an apply, for longer than its lease runs.

    Args:
        lane: Where.
        chance: Unused; the trial makes no choice.
        name: Enough to know it by.
        point: The step's name.

    Returns:
        What the judge says. A trap that did not spring is in ``missed``: the other was faster.
    """
    stage = lane.shared
    trial = lane.trial(stage, name, chance)
    beside = trial.data.with_name("beside")
    stage.lay_out(beside)
    trap = Trap(point, signal=signal.SIGSTOP)
    frozen = stage.start(trial.data, trap)
    trial.turn_to(frozen)
    trial.open_plans()
    trial.settle()
    trial.process = stage.start(beside)
    trial.turn_to(trial.process)
    trial.settle()
    started = _freeze(trial, frozen, trap)
    _take_over(trial)
    _thaw(frozen)
    return trial.conclude(started)


def _freeze(trial: Trial, frozen: Process, trap: Trap) -> float:
    """Have the one apply what waits, until it stands still; tell since when."""
    trial.turn_to(frozen)
    # else the other might take the apply from the queue
    trial.process.signal(signal.SIGSTOP)
    for plan in trial.open_plans():
        push(trial, plan)
    deadline = time.monotonic() + _SPRINGS
    while frozen.alive and not frozen.sprung and time.monotonic() < deadline:
        time.sleep(0.02)
    trial.process.signal(signal.SIGCONT)
    if frozen.sprung:
        trial.report.faults.append(kind_of(trap))
    else:
        trial.report.missed.append((trap.name, trap.occurrence))
    return time.monotonic()


def _take_over(trial: Trial) -> None:
    """Let people go on at the other, with whatever it makes of it."""
    trial.turn_to(trial.process)
    trial.settle(LONGEST_STANDSTILL)
    carry_out(trial)
    trial.settle(LONGEST_STANDSTILL / 2)


def _thaw(frozen: Process) -> None:
    """Let the one go on; being told to stop, it ends what it had begun."""
    frozen.signal(signal.SIGCONT)
    frozen.signal(signal.SIGTERM)
    frozen.wait_end(_GRACE)
    frozen.kill()


def main() -> int:
    """Run a trial at every point, and tell whether the judge was silent."""
    clean = True
    with tempfile.TemporaryDirectory(prefix="split-") as folder, Lane(Path(folder)) as lane:
        for point in POINTS:
            report = split_brain(lane, random.Random(point), point, point)
            said = [f"{violation.rule}: {violation.what}" for violation in report.violations]
            print(f"{point}: {'; '.join(said) or ('missed' if report.missed else 'clean')}", flush=True)
            clean = clean and not said
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
