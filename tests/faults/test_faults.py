"""500 faults and more, in shares that the workers of the test run divide among themselves."""

import os
from collections.abc import Iterator
from typing import Final

import pytest

from tests.faults import campaign
from tests.faults.campaign import Job, Total
from tests.faults.lane import Lane, Points
from tests.faults.report import text
from tests.faults.scenarios import WEIGHTS

SEED: Final = int(os.environ.get("FAULTS_SEED", "20261123"))
SHARES: Final = 24
FAULTS_A_SHARE: Final = 22
"""24 times 22 are more than 500."""
_AIMED: Final = 3
"""Trials of a share that aim at recorded steps, before chance has its say."""


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory, points: Points) -> Iterator[Lane]:
    with Lane(tmp_path_factory.mktemp("faults"), points=points) as lane:
        yield lane


@pytest.mark.parametrize("share", range(SHARES))
def test_no_fault_loses_doubles_or_falsifies_anything(share: int, lane: Lane) -> None:
    aims = campaign.aims(lane.points, SEED)
    total = Total(SEED, frozenset(aims))
    number = share * 1000
    for course, point in aims[share * _AIMED : (share + 1) * _AIMED]:
        job = Job(number, course, point)
        total.reports.append((job, campaign.run_job(lane, job, SEED)))
        number += 1
    while total.faults < FAULTS_A_SHARE:
        job = Job(number)
        total.reports.append((job, campaign.run_job(lane, job, SEED)))
        number += 1
    assert total.is_clean, text(total)


def test_the_recorded_steps_cover_every_part_of_refresh_and_apply(lane: Lane) -> None:
    names = {name for of_course in lane.points.values() for name, _ in of_course}
    for part in (
        "sql COMMIT | applier:_intend", "sql COMMIT | applier:_open_window", "sql COMMIT | applier:_start",
        "sql COMMIT | applier:_lease", "sql COMMIT | ending:finish", "sql COMMIT | decide:approve",
        "sql COMMIT | refresh:_begin", "sql COMMIT | refresh:_finish", "sql COMMIT | refresh:_take_in",
        "sql COMMIT | sweeping:_record", "sql COMMIT | roster:call_the_roll", "sql COMMIT | scheduling:start_up",
        "sql COMMIT | rechecking:", "sql COMMIT | recovering:_settle", "sql COMMIT | recovering:run",
        "http connect_tcp.started POST /api/v1/chatbots/ID/apply | applier:_send",
        "http send_request_headers.started POST /api/v1/chatbots/ID/apply | applier:_send",
        "http send_request_body.complete POST /api/v1/chatbots/ID/apply | applier:_send",
        "http receive_response_headers.started POST /api/v1/chatbots/ID/apply | applier:_send",
        "http receive_response_body.complete POST /api/v1/chatbots/ID/apply | applier:_send",
        "http send_request_headers.started POST /api/v1/chatbots/ID/apply?dryRun=true | applier:_dry_run",
        "http send_request_headers.started POST /api/v1/chatbots/ID/apply?dryRun=true | recovering:_settle",
        "http send_request_headers.started POST /api/v1/chatbots/ID/apply?dryRun=true | sweeping:ask",
        "http send_request_headers.started GET /api/v1/chatbots | roster:",
        "git ls-remote", "git fetch", "git init", "git ls-tree", "git cat-file", "git rev-parse",
        "file mkdir", "file open reconciler.db.lock", "sqlite connect reconciler.db", "socket connect",
    ):  # fmt: skip
        assert any(name.startswith(part) for name in names), f"no recorded step begins with {part!r}"


def test_every_kind_of_scenario_is_among_the_faults_that_are_chosen() -> None:
    assert len(WEIGHTS) >= 16
    assert all(weight > 0 for weight in WEIGHTS.values())


def test_a_trial_is_repeated_by_its_seed_and_number() -> None:
    job = Job(7, "refresh", ("sql COMMIT | applier:_intend", 1))
    assert job.replay(3) == (
        'python -m tests.faults --seed 3 --trial 7 --course "refresh" --point "sql COMMIT | applier:_intend@1"'
    )
