"""A service in which everything that people may write, anywhere, is a payload."""

import base64
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

import anyio

from reconciler.domain.access import Role
from reconciler.domain.diagnostics import Diagnostic, Severity
from reconciler.domain.direction import DirectedOp
from reconciler.domain.entities import Counts, RunStatus
from reconciler.domain.lifecycle import ApplyStatus, PlanStatus
from reconciler.domain.plan import Action, Op, Summary
from reconciler.domain.status import Direction, Reason
from reconciler.domain.suspensions import ScopeKind
from reconciler.domain.uncompared import Uncompared
from reconciler.engine.access.tokens import hash_of
from reconciler.runtime.clock import SystemClock
from reconciler.storage import Store, UnitOfWork
from tests.browser.fleet import ROLES, House, link_to
from tests.support import records
from tests.support.service import stage
from tests.support.store import sqlite_url
from tests.support.world import spec

FILE: Final = Path(__file__).parent / "payloads.txt"
AT_ONCE: Final = 20
"""Payloads in one plan."""


def payloads(path: Path = FILE) -> Sequence[str]:
    """The corpus, each payload with its own number to call."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("# ")]
    return [_numbered(line, number) for number, line in enumerate(lines)]


def _numbered(line: str, number: int) -> str:
    call = f"executed({number})"
    encoded = base64.b64encode(call.encode()).decode()
    return line.replace("RUN", call).replace("(N)", f"({number})").replace("N&rpar;", f"{number}&rpar;").replace(
        "B64", encoded
    )  # fmt: skip


def chunks(texts: Sequence[str], most: int) -> Iterator[str]:
    """The texts joined to as few as hold no more than so many characters each."""
    held = ""
    for text in texts:
        if held and len(held) + 1 + len(text) > most:
            yield held
            held = ""
        held = f"{held} {text}" if held else text
    yield held


@contextmanager
def hostile_house(folder: Path) -> Iterator[House]:
    """A service that has been filled with the corpus beside it, in every field of every record."""
    evil = payloads()
    live = {"bot_live": _live(evil)}
    with stage(folder, live, {"chatbots/evil.yaml": _document(evil)}) as set_up, set_up.service() as service:
        run = service.first_run()["items"][-1]["id"]
        secrets = {role: f"wzr_{role}_{'x' * 40}" for role in Role}
        with ThreadPoolExecutor(1) as aside:  # playwright's loop runs in this thread
            aside.submit(anyio.run, _fill, folder / "data", secrets).result()
        ids = _ids(evil) | {"run": run, "link": link_to(service, "plan_0")}
        yield House(service, set_up, {ROLES[role]: secret for role, secret in secrets.items()}, ids)


def _live(evil: Sequence[str]) -> dict[str, Any]:
    """A chatbot whose live side says it all."""
    skills = [{"name": f"{number} {text}", "mode": "on_demand", "body": text} for number, text in enumerate(evil)]
    return {**spec(" ".join(evil[:5]), "\n".join(evil)), "skills": skills}


def _document(evil: Sequence[str]) -> str:
    """A document with a payload on each of its lines, all of which are wrong."""
    lines = [f"  {json.dumps(text)}: 1" for text in evil]
    return "\n".join(["apiVersion: v1", "kind: ChatbotConfig", "metadata: {chatbotId: bot_live}", "spec:", *lines, ""])


def _ids(evil: Sequence[str]) -> dict[str, str]:
    last = (len(evil) - 1) // AT_ONCE
    return {
        "plan": "plan_0",
        "plan_live": "plan_1",
        "plan_both": "plan_2",
        "plan_deletes": "plan_3",
        "plan_approved": "plan_4",
        "plan_applied": f"plan_{last}",
        "group": "evil",
        "chatbot": "default/bot_live",
        "chatbot_live": "acme/bot_0",
        "chatbot_held": "acme/bot_1",
        "chatbot_bad": "acme/bot_2",
        "chatbot_gone": f"acme/bot_{last}",
        "chatbot_mistyped": f"acme/bot_{last}",
        "run_evil": "run_evil",
        "source": "default",
    }


async def _fill(folder: Path, secrets: dict[Role, str]) -> None:
    store = await Store.open(sqlite_url(folder), SystemClock(), alongside=True)
    try:
        async with store.begin() as uow:
            await _Filler(uow, payloads(), datetime.now(UTC)).everything(secrets)
    finally:
        await store.close()


@dataclass(frozen=True)
class _Filler:
    """Writes the corpus into the records.

    Attributes:
        now: What the service does not take for long past.
    """

    uow: UnitOfWork
    evil: Sequence[str]
    now: datetime

    async def everything(self, secrets: Mapping[Role, str]) -> None:
        await self._people(secrets)
        for number, text in enumerate(self.evil):
            await self._lists(number, text)
        for number in range(0, len(self.evil), AT_ONCE):
            await self._plan(number // AT_ONCE, self.evil[number : number + AT_ONCE])
        await self._run()

    async def _people(self, secrets: Mapping[Role, str]) -> None:
        """Those who sign in are called like payloads, too."""
        for number, (role, secret) in enumerate(secrets.items()):
            name = self.evil[number]
            token = records.a_token(
                f"tok_{role}", name=f"{name} {role}", person=f"{name} {role}", role=role,
                hash=hash_of(secret.encode()), created_at=self.now,
            )  # fmt: skip
            await self.uow.tokens.add(token)

    async def _lists(self, number: int, text: str) -> None:
        """A row of each list."""
        uow, made = self.uow, {"created_at": self.now}
        key = f"{number} {text}"
        await uow.sources.add(soaked(records.a_source(key), text, keep=("name", "state", "last_run_id")))
        chatbot = records.a_chatbot(key, labels={"team": text, text: text}, source="default")
        await uow.chatbots.add(soaked(chatbot, text, keep=("id", "labels", "source", "plan_id")))
        suspension = records.a_suspension(f"suspension_{number}", kind=ScopeKind.CHATBOT, **made)
        await uow.suspensions.add(soaked(suspension, text, keep=("id", "ended_by")))
        await uow.tokens.add(
            soaked(records.a_token(f"tok_{number}", name=key, **made), text, keep=("id", "name", "hash"))
        )
        await uow.people.add(soaked(records.a_person(key, seen_at=self.now), text, keep=("name",)))
        run = records.a_run(f"run_{number}", status=RunStatus.FAILED, **made)
        await uow.runs.add(soaked(run, text, keep=("id",)))
        detail = {"comment": text, "reason": text, text: text}
        subject = f"plan/{key}"
        await uow.audit.append(
            at=self.now, actor=text, action="plan.approve", subject=subject, fingerprint=text, detail=detail
        )

    async def _plan(self, number: int, some: Sequence[str]) -> None:
        """A plan, its chatbot, and what people said to it: single texts in lists, several together in a field."""
        uow, text, plan_id, bot = self.uow, " ".join(some), f"plan_{number}", f"bot_{number}"
        applied = number == (len(self.evil) - 1) // AT_ONCE
        of_plan = {"plan_id": plan_id, "chatbot_id": bot, "created_at": self.now}
        ended = {"apply_id": "apply_evil", "status": PlanStatus.APPLIED} if applied else {}
        plan = records.a_plan(
            plan_id,
            chatbot_id=bot,
            source="default",
            ops=tuple(_ops(some)),
            summary=Summary(1, 2, 3, 4),
            direction=Direction.DIVERGED,
            created_at=self.now,
            expires_at=self.now + timedelta(days=7),
            approvals_required=99,
            change="evil",
            suspension_id=f"suspension_{number}",
            **ended,
        )
        await uow.plans.add(
            soaked(
                plan, text, keep=("id", "tenant", "chatbot_id", "source", "apply_id", "body", "change", "suspension_id")
            )
        )
        chatbot = records.a_chatbot(bot, source="default", plan_id=None if applied else plan_id)
        await uow.chatbots.add(soaked(chatbot, text, keep=("id", "tenant", "source", "plan_id")))
        for each, said in enumerate(some):
            yes = records.an_approval(f"{plan_id}_{each}", plan_id=plan_id, deletes=True, created_at=self.now)
            await uow.approvals.add(soaked(yes, said, keep=("id", "plan_id", "token_id", "spent_by")))
        if applied:
            end = ApplyStatus.PARTIALLY_APPLIED
            apply = records.an_apply("apply_evil", **of_plan, status=end, finished_at=self.now, window_ms=3)
            failed = {"section": text, "key": text, "action": "update", "message": text, "error": text}
            kept = ("id", "plan_id", "chatbot_id")
            await uow.applies.add(replace(soaked(apply, text, keep=kept), failed=failed, applied=(failed,)))

    async def _run(self) -> None:
        """A run that found each payload in each place."""
        found = tuple(
            soaked(Diagnostic(list(Severity)[number % 2], text, text, number + 1, 1), text)
            for number, text in enumerate(self.evil)
        )
        moments = dict.fromkeys(("created_at", "started_at", "finished_at"), self.now)
        missed = tuple(Uncompared(text, text, Reason.TARGET_UNREACHABLE, text) for text in self.evil)
        counts = Counts(uncompared=len(missed) + 1)
        run = records.a_run(
            "run_evil", source="default", diagnostics=found, counts=counts, uncompared=missed, **moments
        )
        await self.uow.runs.add(soaked(run, " ".join(self.evil), keep=("id", "source")))


def soaked(record: Any, text: str, keep: Collection[str] = ()) -> Any:
    """A record with the text wherever it takes one, also in a field that is only to come, but for these."""
    hints = get_type_hints(type(record))
    taken = {each.name: _taken(hints[each.name], text) for each in fields(record) if each.name not in keep}
    return replace(record, **{name: value for name, value in taken.items() if value is not None})


def _taken(hint: Any, text: str) -> Any:
    parts = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if str in parts:
        return text
    if any(get_origin(part) is Mapping for part in parts):
        return {text: text}
    return (text,) if any(part == tuple[str, ...] for part in parts) else None


def _ops(some: Sequence[str]) -> Iterator[DirectedOp]:
    """Ops of every kind and section, with a payload as key, as the name of a field, and in texts short and long."""
    for number, text in enumerate(some):
        before = {"name": text, "body": f"{text}\n\nBe kind.\n", "description": text, "enabled": True, text: [text]}
        after = {**before, "body": f"{text} {text}\n\nBe brief.\n{text}\n", "description": "calm", text: {text: text}}
        changed = ("body", "description", text)
        sides = dict.fromkeys(changed, Direction.DIVERGED)
        op = Op("skills", Action.UPDATE, f"{number} {text}", before, after, changed)
        yield DirectedOp(op, Direction.DIVERGED, sides)
        yield _bare(Op("domains", Action.CREATE, text, None, {"domain": text, text: text}))
        yield _bare(Op("mcpServers", Action.DELETE, text, {"name": text, "url": text}, None))
    core = {"name": " ".join(some), "behavior": {"systemPrompt": "\n".join(some), some[0]: list(some)}}
    plain = {"name": "calm", "behavior": {"systemPrompt": "calm", some[0]: []}}
    yield _bare(Op("core", Action.UPDATE, None, plain, core, ("name", "behavior")))
    yield _bare(Op(some[0], Action.UPDATE, some[-1], {some[0]: some[1]}, {some[0]: some[2]}, (some[0],)))


def _bare(op: Op) -> DirectedOp:
    return DirectedOp(op, Direction.LIVE_AHEAD, {})
