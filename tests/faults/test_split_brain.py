"""Of two services on one database, one stands still within an apply until the other has taken over, and goes on."""

import random
from pathlib import Path
from typing import Final

from tests.faults.lane import Lane
from tests.faults.split_brain import BEFORE_THE_BODY, BEFORE_THE_INTENT, split_brain

TWO_OF_SEVEN: Final = (BEFORE_THE_INTENT, BEFORE_THE_BODY)
"""A trial takes its time; `python -m tests.faults.split_brain` runs all."""


def test_a_service_that_lost_its_lease_while_it_stood_still_does_no_harm(tmp_path: Path) -> None:
    with Lane(tmp_path) as lane:
        reports = [split_brain(lane, random.Random(point), point, point) for point in TWO_OF_SEVEN]
    assert [report.missed for report in reports] == [[], []]
    assert [report.violations for report in reports] == [[], []]
