"""500 faults and more, and that the harness reaches every step."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.faults import campaign
from tests.faults.campaign import Job, Total
from tests.faults.lane import Points
from tests.faults.report import text
from tests.faults.scenarios import WEIGHTS
from tests.faults.selftest import ROOT
from tests.faults.trial import Report

SEED: Final = int(os.environ.get("FAULTS_SEED", "20261123"))
FAULTS: Final = 500
WORKERS: Final = 4
"""Trials at the same time: they mostly wait."""


def test_no_fault_loses_doubles_or_falsifies_anything(points: Points) -> None:
    total = campaign.run(SEED, FAULTS, WORKERS, points=points)
    assert total.is_clean, text(total)
    assert total.faults >= FAULTS


PATHS: Final = (
    "apply/executor", "apply/outcome", "apply/preflight", "apply/recovery", "apply/request", "decide/approvals",
    "decide/decisions", "reconcile/auto_apply", "reconcile/auto_apply_policy", "reconcile/diff", "reconcile/drift_scan",
    "reconcile/fetch", "reconcile/inventory", "reconcile/promote", "reconcile/run", "reconcile/run_lifecycle",
    "reconcile/schedule", "reconcile/unchanged",
)  # fmt: skip
ASKS: Final = (
    "store.begin", "store.read", ".dry_run", "].apply", ".chatbots", "port.head", "port.load", "retry_on_conflict",
)  # fmt: skip
ELSEWHERE: Final = {
    # these go to git on threads of their own, whose steps bear the mirror's names
    "fetch:fetch_revision": "mirror:",
    "fetch:load_snapshot": "mirror:",
    "fetch:_named_now": "mirror:",
    # it asks for the time alone, of which SQLite's file hears nothing
    "recovery:_is_settled": "recovery:",
    "run:_named": "mirror:",
}


def test_every_function_of_refresh_and_apply_that_does_io_is_among_the_recorded_steps(points: Points) -> None:
    names = {name for of_course in points.values() for name, _ in of_course}
    asking = {who for name in names for who in name.partition(" | ")[2].split(" < ")}
    missing = [
        where
        for module in PATHS
        for where in _with_io(module)
        if where not in asking and not any(ELSEWHERE.get(where, where) in who for who in asking)
    ]
    assert missing == [], "a course in tests/faults/courses.py must come by there"


RETRIED: Final = frozenset(
    name
    for path in (ROOT / "reconciler" / "engine").rglob("*.py")
    for name in re.findall(r"retry_on_conflict\(\s*lambda: (\w+)\(", path.read_text(encoding="utf-8"))
)
"""What is tried again bears the name of its caller in the recorded steps."""


def _with_io(module: str) -> Iterator[str]:
    """The functions of a module that open a transaction, or ask git or WizChat."""
    source = (ROOT / "reconciler" / "engine" / f"{module}.py").read_text(encoding="utf-8")
    for function in ast.walk(ast.parse(source)):
        if (
            isinstance(function, ast.AsyncFunctionDef)
            and function.name not in RETRIED
            and any(isinstance(call, ast.Call) and ast.unparse(call.func).endswith(ASKS) for call in ast.walk(function))
        ):
            yield f"{Path(module).name}:{function.name}"


@pytest.mark.parametrize(
    "step",
    [
        "git ls-remote",
        "git fetch",
        "git init",
        "git ls-tree",
        "git cat-file",
        "file mkdir",
        "file open reconciler.db.lock",
        "sqlite connect reconciler.db",
        "socket connect",
        "http connect_tcp.started POST /api/v1/chatbots/ID/apply | executor:_send",
        "http send_request_body.complete POST /api/v1/chatbots/ID/apply | executor:_send",
        "http receive_response_headers.started POST /api/v1/chatbots/ID/apply | executor:_send",
        "http receive_response_body.complete POST /api/v1/chatbots/ID/apply | executor:_send",
        "sql COMMIT | executor:_intend",
        "sql COMMIT | outcome:finish_apply",
        "sql COMMIT | decisions:approve",
    ],
)
def test_the_recorded_steps_are_of_every_kind(step: str, points: Points) -> None:
    names = {name for of_course in points.values() for name, _ in of_course}
    assert any(name.startswith(step) for name in names)


def test_every_kind_of_scenario_is_among_the_faults_that_are_chosen() -> None:
    assert len(WEIGHTS) >= 16
    assert all(weight > 0 for weight in WEIGHTS.values())


def test_a_trial_is_repeated_by_its_seed_and_number() -> None:
    job = Job(7, "refresh", ("sql COMMIT | executor:_intend", 1))
    assert job.replay(3) == (
        'python -m tests.faults --seed 3 --trial 7 --course "refresh" --point "sql COMMIT | executor:_intend@1"'
    )


STEPS: Final = [("refresh", (f"step {number}", 1)) for number in range(6)]


def _played(every: bool, faults: int) -> tuple[list[Job], Total]:  # noqa: FBT001  as the option is
    """The trials of a campaign in which each trial is a fault, and an aim hits unless it is at step 0."""
    total = Total(1, frozenset(STEPS))
    played = []
    for job in campaign.jobs(total, campaign.Aims(STEPS * 4, 0.5, every), faults):
        played.append(job)
        total.reports.append((job, Report("", ["kill"])))
        if job.course is not None and job.point != ("step 0", 1):
            total.hit.add((job.course, job.point))  # type: ignore[arg-type]
    return played, total


def test_a_campaign_ends_when_there_were_faults_enough() -> None:
    played, _ = _played(every=False, faults=3)
    assert [job.number for job in played] == [0, 1, 2]


def test_a_campaign_that_is_to_hit_every_step_aims_at_each_four_times_or_until_it_is_hit() -> None:
    played, total = _played(every=True, faults=3)
    assert total.hit == set(STEPS[1:])
    assert [job.point for job in played].count(("step 0", 1)) == 4
    assert len(played) == len({job.number for job in played})
