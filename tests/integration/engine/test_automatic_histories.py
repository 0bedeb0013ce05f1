"""Rule 10 under whatever happens: random histories, and a judge who only watches git, the live side and people.

The judge keeps its own account: since when the setting has its value, when each chatbot was last in sync, what people
said no to, what was ever sent. It reads no table of the service to say whether a write was allowed.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from reconciler.domain.access import Role
from reconciler.domain.policy import AutoApply, Policy, Protection
from reconciler.domain.suspensions import ScopeKind
from reconciler.engine.decide.decisions import reject
from reconciler.engine.decide.suspension import resume, suspend
from reconciler.engine.reconcile.schedule import tick
from reconciler.errors import Conflict
from tests.fakes.target import Write
from tests.support.world import SOURCE, World, document, path_of, spec, world

pytestmark = pytest.mark.anyio

BOTS = ("bot_1", "bot_2", "bot_3", "bot_4", "bot_5")
STEPS = 14
BOTH = 0.3
"""How often somebody edits a chatbot live while git changes it too."""
POLICIES = [
    Policy(auto_apply=level, self_heal=healing, fleet_max_deletes=1, max_deletes=1, protected=protected)
    for level in AutoApply
    for healing in ((False,) if level is AutoApply.NONE else (False, True))
    for protected in ((), (Protection("*", "skills", "s0"),))
]
Skills = dict[str, str]


def body_of(prompt: str, skills: Skills) -> dict[str, object]:
    return spec(prompt=prompt, skills=[{"name": name, "body": text} for name, text in sorted(skills.items())])


@dataclass
class Side:
    """What one side of a chatbot says."""

    prompt: str = "p"
    skills: Skills = field(default_factory=lambda: {"s0": "a", "s1": "a", "s2": "a"})

    def places(self) -> dict[str, str]:
        return {"core": self.prompt, **self.skills}


@dataclass
class Judge:
    """What the judge knows of a chatbot: both sides, and what they last agreed on."""

    git: Side = field(default_factory=Side)
    live: Side = field(default_factory=Side)
    agreed: dict[str, str] = field(default_factory=lambda: Side().places())
    in_sync_under: object = None
    refused: list[str] = field(default_factory=list)

    def look(self, setting: object) -> None:
        """As a dry run does: what is equal is agreed on."""
        git, live = self.git.places(), self.live.places()
        same = {place: value for place, value in git.items() if live.get(place) == value}
        self.agreed = {place: v for place, v in self.agreed.items() if place in git or place in live} | same
        if git == live:
            self.in_sync_under = setting

    def allows(self, policy: Policy, setting: object) -> bool:
        """Whether the rules let a write pass that makes the live side as git is."""
        git, live = self.git.places(), self.live.places()
        changed = [place for place in git.keys() | live.keys() if git.get(place) != live.get(place)]
        created, deleted = ([p for p in changed if p not in side] for side in (live, git))
        level = {
            AutoApply.NONE: False,
            AutoApply.ADDITIVE: len(created) == len(changed),
            AutoApply.NO_DELETE: not deleted,
            AutoApply.FULL: len(deleted) <= policy.max_deletes,
        }[policy.auto_apply]
        by_git = all(live.get(place) == self.agreed.get(place) for place in changed)
        by_live = policy.self_heal and all(git.get(place) == self.agreed.get(place) for place in changed)
        spared = not (policy.protected and "s0" in changed and "s0" not in created)
        return level and (by_git or by_live) and spared and self.in_sync_under is setting


@dataclass
class History:
    """A run of random steps."""

    w: World
    rng: Random
    judges: dict[str, Judge] = field(default_factory=lambda: {key: Judge() for key in BOTS})
    setting: object = field(default_factory=object)
    suspended: bool = False
    told: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    judged: int = 0

    async def look(self) -> None:
        """A run, and the judgement of what it wrote without a person."""
        before = len(self.w.writer.writes)
        await self.w.refresh()
        for write in self.w.writer.writes[before:]:
            self.judge(write)
        for judge in self.judges.values():
            judge.look(self.setting)

    def judge(self, write: Write) -> None:
        judge = self.judges[write.chatbot_id]
        assert not self.suspended, "something was written while everything was suspended"
        assert judge.allows(self.w.engine.policy, self.setting), f"{write} was not allowed: {judge}"
        assert write.body.decode() + json.dumps(judge.live.places()) not in judge.refused, "it was refused before"
        self.judged += 1
        if self.w.live(write.chatbot_id).config["core"] == spec(prompt=judge.git.prompt)["core"]:
            judge.live = replace(judge.git, skills=dict(judge.git.skills))

    def change(self, side: Side) -> None:
        number = next(self.numbers)
        match self.rng.choice(["prompt", "update", "create", "delete", "delete"]):
            case "prompt":
                side.prompt = f"p{number}"
            case "update" if side.skills:
                side.skills[self.rng.choice(sorted(side.skills))] = f"t{number}"
            case "create":
                side.skills[f"n{number}"] = "new"
            case "delete" if len(side.skills) > 1:
                del side.skills[self.rng.choice(sorted(side.skills))]

    async def push(self) -> None:
        for key in self.rng.sample(BOTS, self.rng.choice([1, 1, 2, 4])):
            self.change(self.judges[key].git)
            if self.rng.random() < BOTH:
                self.edit_one(key)
        self.w.commit({path_of(key): self.file(key) for key in BOTS})
        await self.look()

    def file(self, key: str) -> str:
        side = self.judges[key].git
        return document(body_of(side.prompt, side.skills), key)

    async def edit(self) -> None:
        for key in self.rng.sample(BOTS, self.rng.choice([1, 1, 3])):
            self.edit_one(key)
        await self.look()

    def edit_one(self, key: str) -> None:
        side = self.judges[key].live
        self.change(side)
        self.w.edit_live(key, **body_of(side.prompt, side.skills))

    async def take_over(self) -> None:
        """Somebody makes the live side as git is, by hand."""
        key = self.rng.choice(BOTS)
        judge = self.judges[key]
        judge.live = replace(judge.git, skills=dict(judge.git.skills))
        self.w.edit_live(key, **body_of(judge.live.prompt, judge.live.skills))
        await self.look()

    async def switch(self) -> None:
        policy = self.rng.choice(POLICIES)
        was = self.w.engine.policy
        self.w.clock.advance(60)
        await self.w.switch(policy)
        if (was.auto_apply, was.self_heal) != (policy.auto_apply, policy.self_heal):
            self.setting = object()
        self.w.clock.advance(60)
        await self.look()

    async def refuse(self) -> None:
        """A person says no, or WizChat does, to one plan."""
        for key in BOTS:
            chatbot = await self.w.chatbot(key)
            if chatbot.plan_id is not None:
                plan = await self.w.plan(chatbot.plan_id)
                try:
                    await reject(self.w.engine, await self.w.person(), plan.id, plan.fingerprint)
                except Conflict:
                    continue
                judge = self.judges[key]
                judge.refused.append(self.sent(plan.body) + json.dumps(judge.live.places()))
                return

    @staticmethod
    def sent(body: object) -> str:
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    async def stop_or_go(self) -> None:
        olga = await self.w.person("olga", Role.OPERATOR)
        if self.suspended:
            self.suspended = False
            before = len(self.w.writer.writes)
            await resume(self.w.engine, olga, ScopeKind.SOURCE, SOURCE)
            await self.w.idle()
            for write in self.w.writer.writes[before:]:
                self.judge(write)
        else:
            await suspend(self.w.engine, olga, ScopeKind.SOURCE, SOURCE, "stop")
            self.suspended = True

    async def step(self) -> None:
        steps = [self.push, self.push, self.push, self.edit, self.take_over, self.switch, self.refuse, self.stop_or_go]
        await self.rng.choice(steps)()
        await tick(self.w.engine)
        await self.w.idle()


@pytest.mark.parametrize("seed", range(16))
async def test_nothing_is_ever_written_outside_the_rules(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    side = Side()
    live = {key: body_of(side.prompt, side.skills) for key in BOTS}
    files = {path_of(key): document(body, key) for key, body in live.items()}
    start = rng.choice([policy for policy in POLICIES if policy.auto_apply is not AutoApply.NONE])
    async with world(tmp_path, live, files, policy=start) as w:
        history = History(w, rng)
        for judge in history.judges.values():
            judge.in_sync_under = history.setting
        for _ in range(STEPS):
            await history.step()
        assert len(w.writer.writes) == history.judged == await w.spent()
