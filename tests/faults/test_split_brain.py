"""Of two services on one database, one stands still within an apply until the other has taken over, and goes on."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.lane import Lane
from tests.faults.split_brain import BEFORE_THE_BODY, BEFORE_THE_INTENT, split_brain

TWO_OF_SEVEN = (BEFORE_THE_INTENT, BEFORE_THE_BODY)
"""A trial takes its time; the planted bugs' control runs others, and `python -m tests.faults.split_brain` runs all."""


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    with Lane(tmp_path_factory.mktemp("split")) as opened:
        yield opened


@pytest.mark.parametrize("point", TWO_OF_SEVEN, ids=["before the intent", "before the body"])
def test_a_service_that_lost_its_lease_while_it_stood_still_does_no_harm(lane: Lane, point: str) -> None:
    report = split_brain(lane, random.Random(point), point, point)
    assert report.missed == []
    assert report.violations == []


def test_the_folder_of_the_one_is_not_that_of_the_other(lane: Lane) -> None:
    folder: Path = lane.shared.folder
    assert (folder / "data" / "mirrors").is_dir()
    assert (folder / "beside" / "mirrors").is_dir()
