"""One lane of trials: its stages, made when first needed, and the steps that were recorded on them."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from reconciler.demo.git_http import GitHttpServer
from tests.faults import bots
from tests.faults.client import Heard, unheard
from tests.faults.courses import COURSES, Course
from tests.faults.database import Database
from tests.faults.gate import Gate
from tests.faults.order import Trap
from tests.faults.process import ForkServer
from tests.faults.proxy import Proxy
from tests.faults.stage import GIT_USER, Secrets, Stage, open_stage
from tests.faults.trial import Trial

FEW: Final = 2
MANY: Final = 30
MOST_OCCURRENCES: Final = 2
"""The third time that the same function takes the same step is the second time once more."""

Point = tuple[str, int]
Points = Mapping[str, Sequence[Point]]
"""The steps of each course."""
Evidence = Callable[[Trial, Path], None]
"""Takes a trial that has ended, and the folder that its data and output lie in."""


@dataclass(slots=True)
class Lane:
    """Stages of one worker, as a context manager.

    Attributes:
        folder: Where everything lies.
        tree: Whose code is run.
        heard: Gets every answer that clients read.
        points: The steps of each course; `record` finds them, where they are not given.
        evidence: Gets every trial when the next one begins, and the last one at the end.
        secrets: What the service is given.
    """

    folder: Path
    tree: Path = field(default_factory=lambda: Path(__file__).parents[2])
    heard: Heard = unheard
    evidence: Evidence = lambda _, __: None
    secrets: Secrets = field(default_factory=Secrets)
    points: Points = field(default_factory=dict)
    _last: Trial | None = None
    _opened: ExitStack = field(default_factory=ExitStack)
    _stages: dict[str, Stage] = field(default_factory=dict)
    gate: Gate = field(init=False)
    _forks: ForkServer = field(init=False)

    def __enter__(self) -> Self:
        self._forks = self._opened.enter_context(ForkServer(self.tree))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hand_over()
        self._opened.close()

    @property
    def few(self) -> Stage:
        """Few chatbots, everything near: for kills."""
        return self._stage("few", FEW)

    @property
    def near(self) -> Stage:
        """Few chatbots, and a proxy before WizChat."""
        return self._stage("near", FEW)

    @property
    def many(self) -> Stage:
        """Many chatbots, and a proxy before WizChat: for faults that meet one request each."""
        return self._stage("many", MANY)

    @property
    def automatic(self) -> Stage:
        """Few chatbots that are as git says, and a policy that applies what git changes by itself."""
        return self._stage("automatic", FEW)

    @property
    def remote(self) -> Stage:
        """Few chatbots, and git over HTTP behind a gate."""
        return self._stage("remote", FEW)

    @property
    def shared(self) -> Stage:
        """One chatbot, and PostgreSQL, which several services may use."""
        return self._stage("shared", 1)

    def _stage(self, name: str, count: int) -> Stage:
        if name not in self._stages:
            stage = self._opened.enter_context(open_stage(self.folder / name, count, self._forks, self.secrets))
            if name in ("many", "near"):
                stage.proxy = self._opened.enter_context(Proxy(stage.sandbox.url))
                stage.api_url = stage.proxy.url
            if name == "shared":
                stage.database = self._opened.enter_context(Database())
            if name == "automatic":
                stage.policy = {"auto_apply": "no_delete"}
                stage.live = bots.desired_spec
            if name == "remote":
                git = self._opened.enter_context(GitHttpServer(stage.folder))
                password = self.secrets.git
                login = f"{GIT_USER}:{password}" if password else None
                self.gate = self._opened.enter_context(Gate(git.url("").rstrip("/"), login=login))
                stage.remote = f"{self.gate.url}/repository/.git"
                if password:
                    stage.remote = stage.remote.replace("://", f"://{GIT_USER}:{quote(password, safe='')}@")
            stage.make_template()
            self._stages[name] = stage
        return self._stages[name]

    def trial(self, stage: Stage, name: str, chance: random.Random, *, cold: bool = False) -> Trial:
        """A trial on a stage that is as it was at first."""
        self.hand_over()
        data = stage.folder / "data"
        stage.reset(data, cold=cold)
        data.with_name("data.out").write_bytes(b"")
        if stage.proxy is not None:
            stage.proxy.reset()
        self._last = trial = Trial(stage, data, name, chance, heard=self.heard)
        return trial

    def course(self, course: Course, name: str, chance: random.Random) -> Trial:
        """A trial that stands where the course begins."""
        stage: Stage = getattr(self, course.stage)
        trial = self.trial(stage, name, chance, cold=course.cold)
        course.prepare(trial)
        return trial

    def record(self) -> Points:
        """The steps of every course, in order, each with its number among those of its name."""
        if not self.points:
            found: dict[str, list[Point]] = {}
            for course in COURSES.values():
                known = {name for points in found.values() for name, _ in points} if course.only_new else set()
                found[course.name] = [point for point in self._recorded(course) if point[0] not in known]
            self.points = found
        return self.points

    def _recorded(self, course: Course) -> list[Point]:
        trial = self.course(course, f"record {course.name}", random.Random(course.name))
        record = self.folder / f"{course.name.replace(' ', '-')}.steps"
        record.unlink(missing_ok=True)
        trial.life(None, course.script, record=record, stop=True)
        trial.client.close()
        counts: Counter[str] = Counter()
        points: list[Point] = []
        for name in record.read_text().splitlines():
            counts[name] += 1
            if counts[name] <= _most(name):
                points.append((name, counts[name]))
        return points

    def hand_over(self) -> None:
        """Hand over what the last trial left."""
        if self._last is not None:
            self.evidence(self._last, self._last.data.parent)
        self._last = None


def _most(name: str) -> int:
    """What only the watching client causes is one step, however often it looks."""
    return (
        1 if any(mark in name for mark in ("common:listed", "auth:", ":run_list", ":plan_list")) else MOST_OCCURRENCES
    )


def trap_of(point: Point, **more: float) -> Trap:
    """A trap before a recorded step."""
    return Trap(point[0], point[1], **more)  # type: ignore[arg-type]  # signal is an int, delay_ms a float
