"""Of two services on one database, one stands still within an apply until the other has taken over, and goes on."""

import random
from pathlib import Path
from typing import Final

from tests.faults.lane import Lane
from tests.faults.split_brain import BEFORE_THE_BODY, END_AGAINST_RECOVERY, Pause, split_brain
from tests.support.machine import POSTGRESQL

TWO: Final = (Pause(BEFORE_THE_BODY), END_AGAINST_RECOVERY)
"""A trial takes its time; `python -m tests.faults.split_brain` runs all."""


def test_a_service_that_lost_its_lease_while_it_stood_still_does_no_harm(tmp_path: Path) -> None:
    POSTGRESQL.here()
    with Lane(tmp_path) as lane:
        reports = [split_brain(lane, random.Random(pause.point), pause.point, pause) for pause in TWO]
    assert [report.missed for report in reports] == [[], []]
    assert [report.violations for report in reports] == [[], []]
