"""`python -m tests.faults`: many faults, or one trial once more."""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults import campaign, report
from tests.faults.campaign import Job, Total
from tests.faults.lane import Lane, Point


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, and tell whether no promise was broken."""
    given = _parser().parse_args(arguments)
    seed = int(time.time()) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    if given.trial is None:
        total = campaign.run(seed, given.faults, given.workers, share=given.aimed, every=given.every_step)
    else:
        total = _again(seed, Job(given.trial, given.course, given.point))
    print(report.text(total))
    return 0 if total.is_clean else 1


def _again(seed: int, job: Job) -> Total:
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, Lane(Path(folder)) as lane:
        points = lane.record()
        total = Total(seed, frozenset(campaign.aims(points, seed)))
        total.reports.append((job, campaign.run_job(lane, job, seed)))
        return total


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Break the service and judge it.")
    parser.add_argument("--faults", type=int, default=500, metavar="N", help="how many faults (500)")
    parser.add_argument("--every-step", action="store_true", help="go on until each recorded step was hit or aimed at")
    parser.add_argument("--aimed", type=float, default=0.5, help="the share of trials that aim at a step not yet hit")
    parser.add_argument("--seed", type=int, help="where every choice comes from; by default the time")
    parser.add_argument("--workers", type=int, default=4, help="trials at the same time (4): they mostly wait")
    parser.add_argument("--trial", type=int, help="run only this trial of the seed once more")
    parser.add_argument("--course", help="with --trial: the course that a broken step belongs to")
    parser.add_argument("--point", type=_point, metavar="NAME@N", help="with --trial: the step that is aimed at")
    return parser


def _point(text: str) -> Point:
    name, _, number = text.rpartition("@")
    return name, int(number)


if __name__ == "__main__":
    sys.exit(main())
