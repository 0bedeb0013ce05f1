"""Whatever somebody writes into a text, a name, a path or a label: nothing unseen reaches a person's screen."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from reconciler.cli import output
from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.direction import DirectedOp
from reconciler.domain.entities import Counts
from reconciler.domain.escaping import is_unseen
from reconciler.domain.plan import Action, Op
from reconciler.domain.status import Direction, Reason
from reconciler.domain.uncompared import Uncompared
from reconciler.render.diagnostics_text import findings_text
from reconciler.render.model import FleetPlan, PlanView, Unplanned
from reconciler.render.plan_markdown import fleet_markdown
from reconciler.render.plan_text import plan_text
from tests.hostile.corpus.recipes import HEAD
from tests.integration.web.conftest import House, house
from tests.support.command import run_command
from tests.support.git import GitRepo
from tests.support.records import a_chatbot, a_plan, a_run, a_source, a_suspension
from tests.support.texts import texts_in

__all__ = ["house"]

CONTROLS: Final = "".join(map(chr, (*range(1, 0x20), *range(0x7F, 0xA0))))
MARKS: Final = (
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    "\u00ad\u034f\u115f\u180e\u200b\u200c\u200d\u2028\u2029\u2060\u2800\u3164\ufe0e\ufeff\uffa0\ue000\U000e0041\U000e0100"
)
EVIL: Final = "Bot" + "x".join(CONTROLS + MARKS) + "end"
_COLOURS: Final = re.compile(r"\x1b\[\d+m")


def raw(text: str, allowed: str = "\n") -> set[str]:
    """The characters of a text that nobody can see, apart from the line ends of the output itself."""
    return {f"U+{ord(char):04X}" for char in text if is_unseen(char) and char not in allowed}


def _ops(evil: str) -> Iterator[DirectedOp]:
    name, long = f"a{evil}", f"{evil}\n" * 8
    changed = {"body": long, name: evil}
    yield _directed(Op("skills", Action.UPDATE, evil, {"body": "old", name: "o"}, changed, ("body", name)))
    created = {"name": evil, "body": long, name: [evil], "o": {name: evil}}
    yield _directed(Op("skills", Action.CREATE, evil, None, created))
    yield _directed(Op("mcpServers", Action.DELETE, evil, {"name": evil}, None))


def _directed(op: Op) -> DirectedOp:
    return DirectedOp(op, Direction.GIT_AHEAD, {})


def _fleet(evil: str) -> FleetPlan:
    view = PlanView(
        chatbot_id=evil,
        name=evil,
        tenant=evil,
        path=evil,
        ops=tuple(_ops(evil)),
        noops=1,
        prune=True,
        fingerprint="f" * 64,
    )
    gone = Unplanned(chatbot_id=evil, name=evil, path=evil, message=evil)
    found = Diagnostic(Severity.ERROR, evil, evil, 1, 1, evil, evil)
    return FleetPlan(
        plans=(view,), missing=(gone,), errors=(gone,), refused=(found,), refused_documents=1, closing=evil
    )


def test_the_check_itself_sees_every_character() -> None:
    assert len(raw(EVIL, allowed="")) == len(CONTROLS + MARKS)


def test_a_plan_as_text() -> None:
    assert raw(plan_text(_fleet(EVIL))) == set()
    assert "\\u202e" in plan_text(_fleet(EVIL))


def test_a_plan_in_colour_holds_no_escapes_but_its_own() -> None:
    assert raw(_COLOURS.sub("", plan_text(_fleet(EVIL), colour=True))) == set()


def test_a_plan_as_markdown() -> None:
    assert raw(fleet_markdown(_fleet(EVIL))) == set()


def test_findings() -> None:
    assert raw(findings_text([Diagnostic(Severity.WARNING, EVIL, EVIL, 1, 1, EVIL, EVIL)])) == set()


def test_what_a_command_complains_of(capsys: pytest.CaptureFixture[str]) -> None:
    output.warn(EVIL)
    output.complain(EVIL)
    assert raw(capsys.readouterr().err) == set()


def test_validate(tmp_path: Path) -> None:
    # as JSON writes it, which YAML reads alike up to here
    evil = json.dumps("".join(char for char in EVIL if ord(char) <= 0xFFFF))
    odd = "chatbots/odd\u202e\u200b\x1b[31m\x9b.yaml"
    texts = (
        f"{HEAD}metadata: {{chatbotId: {evil}, labels: {{{evil}: {evil}}}, {evil}: 1}}\nspec: {{{evil}: 1}}\n",
        f"{HEAD}spec: {{core: {{p: {{$file: {evil}}}}}, skills: [{{name: a, mode: {evil}}}]}}\n",
        f"{HEAD}spec: {{skills: [{{name: {evil}}}, {{name: {evil}}}], core: {{{evil}: 1, {evil}: 2, x: *nobody}}}}\n",
        f"{HEAD}spec: !<tag%1B%C2%9B> {{}}\n",
        f"{HEAD}kind: 'a{EVIL}'\n",
    )
    names = ["chatbots/a.yaml", odd, "chatbots/c.yaml", "chatbots/d.yaml", "chatbots/e.yaml"]
    repo = GitRepo(tmp_path / "repo")
    repo.write(dict(zip(names, texts, strict=True)))
    done = run_command("validate", environ={}, cwd=repo.folder, check=False)
    assert done.returncode == 1
    assert done.stdout.count("\n! ") + done.stdout.startswith("! ") >= 8
    assert raw(done.stdout + done.stderr) == set()


def test_a_line_of_the_log_and_the_message_in_it() -> None:
    program = (
        "import logging, sys; from reconciler.runtime.telemetry import log_to_stderr; log_to_stderr();"
        "evil = sys.stdin.buffer.read().decode();"
        "logging.getLogger('x').warning('%s', evil, extra={'path': evil, 'all': [evil, {evil: evil}]});"
        "logging.getLogger(evil).error(evil, exc_info=ValueError(evil))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, input=EVIL.encode(), capture_output=True, timeout=60, check=True)
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 2, "one event is one line"
    for line in lines:
        assert raw(line) == set()
        for text in texts_in(json.loads(line)):
            assert raw(text, allowed="\n\t") == set()


async def _fill(house: House) -> None:
    plan = a_plan(
        "plan_evil",
        chatbot_id=EVIL,
        path=EVIL,
        message=EVIL,
        revision=EVIL,
        delete_override=EVIL,
        ops=tuple(_ops(EVIL)),
        suspension_id="suspension_evil",
    )
    source = a_source("main", branch=EVIL, last_run_id="run_evil", message=EVIL, url=f"https://git.example.com/{EVIL}")
    async with house.store.begin() as uow:
        await uow.plans.add(plan)
        await uow.chatbots.add(
            a_chatbot(EVIL, source="main", plan_id="plan_evil", name=EVIL, path=EVIL, labels={EVIL: EVIL}, message=EVIL)
        )
        unreached = Uncompared(EVIL, EVIL, Reason.TARGET_UNREACHABLE, EVIL)
        await uow.runs.add(a_run("run_evil", message=EVIL, counts=Counts(uncompared=1), uncompared=(unreached,)))
        await uow.suspensions.add(a_suspension("suspension_evil", reason=EVIL, actor=EVIL))
        await uow.sources.save(source)


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/", "/plans", "/plans/plan_evil", "/plans/none", "/runs/run_evil", "/sources"])
async def test_a_page(house: House, path: str) -> None:
    await _fill(house)
    async with house.client("wzr_viewer") as client:
        await client.post("/login", data={"token": "wzr_viewer"})
        answer = await client.get(path)
    assert answer.headers["content-type"].startswith("text/html")
    assert raw(answer.text) == set()
    assert "\\u202e" in answer.text, "if by nothing else, by the suspension that every page tells of"


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["text/plain", "text/markdown"])
async def test_a_plan_answered_as_text(house: House, kind: str) -> None:
    await _fill(house)
    async with house.client("wzr_viewer") as client:
        answer = await client.get("/api/v1/plans/plan_evil", headers={"Accept": kind})
    assert answer.headers["content-type"].startswith(kind)
    assert raw(answer.text) == set()


@pytest.mark.anyio
async def test_json_says_exactly_what_is_hashed_and_sent(house: House) -> None:
    await _fill(house)
    async with house.client("wzr_viewer") as client:
        answer = await client.get("/api/v1/plans/plan_evil")
    ops = answer.json()["ops"]
    assert ops[1]["after"]["name"] == EVIL
    assert answer.json()["path"] == EVIL
    assert not raw(answer.text, allowed=MARKS + "".join(map(chr, range(0x7F, 0xA0))))
