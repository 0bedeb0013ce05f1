"""Planted bugs: small replacements in the source that break one promise each, and what shows it."""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.faults import falls, scenarios
from tests.faults.judge import Rule
from tests.faults.lane import Lane
from tests.faults.lease_mutants import LEASE_MUTANTS
from tests.faults.order import Trap
from tests.faults.planting import Edit, Mutant, Show
from tests.faults.trial import Report, Trial, carry_out

_EXECUTOR: Final = "reconciler/engine/apply/executor.py"
_PREFLIGHT: Final = "reconciler/engine/apply/preflight.py"
_POST: Final = "self.writers[plan.tenant].apply(plan.chatbot_id, {})"


_EARLY_ANSWER: Final = """async def approve(engine, actor, plan_id, fingerprint, **more):
    import asyncio

    def later():
        asyncio.ensure_future(_approve(engine, actor, plan_id, fingerprint, **more))

    asyncio.get_running_loop().call_later(0.05, later)
    async with engine.store.read() as uow:
        plan = await get_plan_by_fingerprint(uow, actor, plan_id, fingerprint)
        return Decision(plan, await uow.approvals.of_plan(plan.id))


async def _approve(
"""


def api(kind: str, *, dry_run: bool = False, **fields: Any) -> Show:
    """One fault of the API for every chatbot."""

    def show(lane: Lane, chance: random.Random) -> Report:
        trial = lane.trial(lane.few, kind, chance)

        def script(trial: Trial) -> None:
            trial.open_plans()
            trial.settle()
            trial.stage.sandbox.control.add_fault(kind, match={"dry_run": dry_run}, times=trial.stage.count, **fields)
            carry_out(trial)

        return trial.finish(script)

    return show


def killed(name: str) -> Show:
    """A kill before one step of an apply."""

    def show(lane: Lane, chance: random.Random) -> Report:
        trial = lane.trial(lane.few, name, chance)
        trial.life(Trap(name), carry_out)
        return trial.finish()

    return show


def _plain(lane: Lane, chance: random.Random) -> Report:
    return lane.trial(lane.few, "no fault", chance).finish()


def _scenario(scenario: scenarios.Scenario) -> Show:
    return lambda lane, chance: scenario(lane, chance, scenario.__name__)


def _fell(how: Callable[[Trial, list[Any]], None]) -> Show:
    return lambda lane, chance: falls.fall(lane, chance, how.__name__, how)


_WRITES: Final = frozenset({Rule.UNAPPROVED_WRITE, Rule.DOUBLE_APPLY})
_VERDICT: Final = frozenset({Rule.WRONG_VERDICT})
MUTANTS: Final[tuple[Mutant, ...]] = (
    Mutant(
        "skip the dry run's re-check",
        (
            Edit(
                _EXECUTOR,
                "        await check_ops(self.engine, plan, ops)\n        return began",
                "        return began",
            ),
        ),
        _fell(falls.edited),
        _WRITES,
    ),
    Mutant(
        "take any dry run for the approved one",
        (Edit(_PREFLIGHT, "    if proposal.fingerprint != plan.fingerprint:\n", "    if not proposal.fingerprint:\n"),),
        _fell(falls.edited),
        _WRITES,
    ),
    Mutant(
        "do not look at git again",
        (
            Edit(
                _PREFLIGHT,
                "if not await engine.compute(lambda: _is_stated(plan, document), plan.body, plan.ops, document.body):\n"
                '        raise PlanOutdated("the document says something else by now")\n',
                "",
            ),
        ),
        _fell(falls.pushed),
        _WRITES,
    ),
    Mutant(
        "take any fingerprint for the one that was seen",
        (
            Edit(
                "reconciler/engine/apply/request.py",
                "    if plan.fingerprint != fingerprint:\n",
                "    if not fingerprint:\n",
            ),
        ),
        _scenario(scenarios.other_fingerprint),
        _WRITES,
    ),
    Mutant(
        "do not look at the approvals again before the intent",
        (
            Edit(
                _EXECUTOR,
                "            approvals = await check_permission(self.engine, uow, plan, apply.id)\n",
                "            approvals = await uow.approvals.of_plan(plan.id)\n",
            ),
        ),
        _scenario(scenarios.approver_falls),
        _WRITES,
        tries=8,
    ),
    Mutant(
        "send before the intent is committed",
        (
            Edit(_EXECUTOR, "log = logging.getLogger(__name__)\n", "log = logging.getLogger(__name__)\nEARLY = {}\n"),
            Edit(
                _EXECUTOR,
                "            await self._intend(apply, lease)\n",
                f"            EARLY[apply.id] = await {_POST.format('canonical_bytes(plan.body)')}\n"
                "            await self._intend(apply, lease)\n",
            ),
            Edit(
                _EXECUTOR,
                f"            answer = await {_POST.format('body')}\n",
                "            answer = EARLY.pop(apply.id)\n",
            ),
        ),
        killed("sql COMMIT | executor:_intend < executor:_attempt"),
        _VERDICT | _WRITES,
    ),
    Mutant(
        "send again after an unclear answer",
        (
            Edit(
                _EXECUTOR,
                "isinstance(answer, NotSent):\n                break",
                "isinstance(answer, NotSent | ApplyUnclear):\n                break",
            ),
        ),
        api("drop_before"),
        _WRITES,
    ),
    Mutant(
        "take what is unclear for not sent",
        (
            Edit(
                "reconciler/targets/error_translation.py",
                "        case _:\n            return ApplyUnclear(quoted(str(error)))",
                "        case _:\n            return NotSent(quoted(str(error)))",
            ),
        ),
        api("drop_before"),
        _WRITES,
    ),
    Mutant(
        "send the whole document",
        (
            Edit(
                "reconciler/domain/plan.py",
                '{name: value for name, value in desired["spec"].items() if name in sections}',
                'dict(desired["spec"])',
            ),
        ),
        _plain,
        _WRITES,
    ),
    Mutant(
        "let the API delete without being asked",
        (
            Edit(
                _EXECUTOR,
                f"            answer = await {_POST.format('body')}\n",
                f"            answer = await {_POST.format('canonical_bytes(dict(plan.body, prune=True))')}\n",
            ),
        ),
        _plain,
        _WRITES,
    ),
    Mutant(
        "do not spend approvals",
        (Edit(_EXECUTOR, "            await spend_approvals(uow, approvals, apply.id)\n", ""),),
        _plain,
        _WRITES,
    ),
    Mutant(
        "believe an unknown outcome without reading back",
        (
            Edit(
                _EXECUTOR,
                "            case ApplyUnclear(cause):\n                return unknown(cause)\n",
                "            case ApplyUnclear(_):\n                return succeeded((), ())\n",
            ),
        ),
        api("drop_before"),
        _VERDICT,
    ),
    Mutant(
        "believe NotApplied before a late write can have landed",
        (
            Edit(
                "reconciler/engine/apply/recovery.py",
                "        return not timedelta() <= since_intent < settle and patience >= settle.total_seconds()",
                "        return since_intent.total_seconds() + patience + settle.total_seconds() > 0",
            ),
        ),
        api("late_write", seconds=1.0),
        _VERDICT,
    ),
    Mutant(
        "take an error of the server for a refusal",
        (
            Edit(
                "reconciler/targets/error_translation.py",
                "        case WizChatApiError() if error.has_envelope and _is_client_error(error.status):",
                "        case WizChatApiError() if error.has_envelope:",
            ),
        ),
        api("status", status=500, after=True),
        _VERDICT,
    ),
    Mutant(
        "believe an answer without verifying it",
        (
            Edit(
                _EXECUTOR,
                "                return await self._verify(plan, applied)\n",
                "                return succeeded(applied, ())\n",
            ),
        ),
        _scenario(scenarios.lied_to),
        _VERDICT,
    ),
    Mutant(
        "take a stopped apply for one that did nothing",
        (
            Edit(
                _EXECUTOR,
                "        status=ApplyStatus.PARTIALLY_APPLIED if done else ApplyStatus.FAILED,",
                "        status=ApplyStatus.FAILED,",
            ),
        ),
        api("op_failure", section="skills", key="orders"),
        _VERDICT,
    ),
    *LEASE_MUTANTS,
    Mutant(
        "forget unfinished applies",
        (
            Edit(
                "reconciler/engine/apply/recovery.py",
                "            unfinished = await uow.applies.unfinished()\n",
                "            unfinished = await uow.applies.unfinished() and []\n",
            ),
        ),
        killed("sql BEGIN | outcome:finish_apply < executor:_execute"),
        frozenset({Rule.STUCK}),
        tries=1,
    ),
    Mutant(
        "answer an approval before it is committed",
        (Edit("reconciler/engine/decide/decisions.py", "async def approve(\n", _EARLY_ANSWER),),
        _scenario(scenarios.kill_on_answer),
        frozenset({Rule.LOST_APPROVAL}),
        tries=4,
    ),
    Mutant(
        "break the audit log's chain",
        (
            Edit(
                "reconciler/storage/repositories/audit.py",
                "        prev_hash = last.hash if last else GENESIS\n",
                "        prev_hash = GENESIS\n",
            ),
        ),
        _plain,
        frozenset({Rule.AUDIT}),
    ),
)
BY_NAME: Final[Mapping[str, Mutant]] = {mutant.name: mutant for mutant in MUTANTS}
