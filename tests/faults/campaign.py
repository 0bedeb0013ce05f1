"""Many trials on several workers: first every recorded step once, then whatever the seed says."""

import multiprocessing
import random
import tempfile
import time
import traceback
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Final

from tests.faults.lane import Lane, Point, Points
from tests.faults.scenarios import WEIGHTS, kill_at
from tests.faults.trial import Report

TRIES: Final = 4
"""How often a recorded step is aimed at: which of two tasks comes first is not the same in every life."""
_PATIENCE: Final = 300.0


@dataclass(frozen=True, slots=True)
class Job:
    """One trial: a number, and the step that it aims at, if any."""

    number: int
    course: str | None = None
    point: Point | None = None

    def replay(self, seed: int) -> str:
        """The command that runs it again."""
        aim = f' --course "{self.course}" --point "{self.point[0]}@{self.point[1]}"' if self.point else ""
        return f"python -m tests.faults --seed {seed} --trial {self.number}{aim}"


@dataclass(slots=True)
class Total:
    """What a campaign found.

    Attributes:
        points: Every step that was recorded, with its course.
        hit: Those before which a process was really killed.
        failed: Trials that could not be ended, with their traces.
    """

    seed: int
    points: frozenset[tuple[str, Point]]
    hit: set[tuple[str, Point]] = field(default_factory=set)
    reports: list[tuple[Job, Report]] = field(default_factory=list)
    failed: list[tuple[Job, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def faults(self) -> int:
        """How many faults really happened."""
        return sum(len(report.faults) for _, report in self.reports)

    @property
    def is_clean(self) -> bool:
        """Whether no promise was broken, and every trial came to its end."""
        return not self.failed and not any(report.violations for _, report in self.reports)


def run_job(lane: Lane, job: Job, seed: int) -> Report:
    """One trial, whose every choice comes from the seed and its number."""
    chance = random.Random(f"{seed}:{job.number}")
    if job.course is not None and job.point is not None:
        report = kill_at(lane, chance, f"{job.course} {job.number}", job.course, job.point)
    else:
        (scenario,) = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        report = scenario(lane, chance, f"{scenario.__name__} {job.number}")
    return report


def aims(points: Points, seed: int) -> list[tuple[str, Point]]:
    """Every recorded step, in an order of the seed's."""
    every = sorted((course, point) for course, of_course in points.items() for point in of_course)
    random.Random(seed).shuffle(every)
    return every


def record(folder: Path) -> Points:
    """The steps of every course."""
    with Lane(folder) as lane:
        return lane.record()


def run(
    seed: int, faults: int, workers: int, *, share: float = 0.5, every: bool = False, points: Points | None = None
) -> Total:
    """Inject so many faults, and hit every recorded step if there is room for it.

    Args:
        seed: Where every choice comes from.
        faults: How many at least.
        workers: On how many processes.
        share: The share of the trials that aim at recorded steps, while there are any.
        every: Whether to go on until each recorded step was hit, or aimed at `TRIES` times.
        points: The steps, where they were recorded already.
    """
    began = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        points = points or record(Path(folder) / "record")
        total = Total(seed, frozenset(aims(points, seed)))
        orders: Queue[Job | None] = context.Queue()
        done: Queue[tuple[Job, Report | str]] = context.Queue()
        crew = [
            context.Process(
                target=_work, args=(Path(folder) / f"lane-{number}", points, seed, orders, done), daemon=True
            )
            for number in range(workers)
        ]
        for worker in crew:
            worker.start()
        try:
            aimed = Aims(aims(points, seed) * TRIES, share, every)
            _deal(total, jobs(total, aimed, faults), orders, done, workers)
        finally:
            for _ in crew:
                orders.put(None)
            for worker in crew:
                worker.join(_PATIENCE)
    total.seconds = time.monotonic() - began
    return total


@dataclass(slots=True)
class Aims:
    """The steps that are still to be hit, each as often as it may be aimed at."""

    left: list[tuple[str, Point]]
    share: float
    every: bool

    def next(self, hit: Container[tuple[str, Point]]) -> tuple[str, Point] | None:
        """A step that was not hit yet; None when there is none left."""
        while self.left:
            if (step := self.left.pop(0)) not in hit:
                return step
        return None


def jobs(total: Total, aimed: Aims, faults: int) -> Iterator[Job]:
    """Numbered trials: aimed ones as long as steps are left that were not hit, the others between them."""
    chance = random.Random(total.seed)
    for number in count():
        is_enough = total.faults >= faults
        if is_enough and not aimed.every:
            return
        step = aimed.next(total.hit) if is_enough or chance.random() < aimed.share else None
        if is_enough and step is None:
            return
        yield Job(number, *(step or (None, None)))


def _deal(
    total: Total,
    source: Iterator[Job],
    orders: "Queue[Job | None]",
    done: "Queue[tuple[Job, Report | str]]",
    workers: int,
) -> None:
    under_way = 0
    told = time.monotonic()
    while True:
        for job in islice(source, workers + 1 - under_way):
            orders.put(job)
            under_way += 1
        if not under_way:
            return
        try:
            job, result = done.get(timeout=_PATIENCE)
        except Empty:
            raise TimeoutError(f"no trial ended within {_PATIENCE:g} s") from None
        under_way -= 1
        _count(total, job, result)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"… {total.faults} faults, {len(total.hit)}/{len(total.points)} steps hit", flush=True)


def _count(total: Total, job: Job, result: Report | str) -> None:
    if isinstance(result, str):
        total.failed.append((job, result))
        return
    total.reports.append((job, result))
    total.hit.update(hit for hit in result.hit if hit in total.points)


def _work(
    folder: Path, points: Points, seed: int, orders: "Queue[Job | None]", done: "Queue[tuple[Job, Report | str]]"
) -> None:
    with Lane(folder, points=points) as lane:
        while (job := orders.get()) is not None:
            try:
                done.put((job, run_job(lane, job, seed)))
            except Exception:  # noqa: BLE001  one trial that cannot be ended is told, and the others go on
                done.put((job, traceback.format_exc()))
