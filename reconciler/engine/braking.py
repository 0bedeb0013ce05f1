"""The fleet brake: judged when the plans of a run are known, and again before every automatic apply."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.domain.brake import Stake, brake, cause_of, concerning, place_of
from reconciler.domain.policy import AutoApply
from reconciler.domain.records import Plan, SourceRecord
from reconciler.domain.status import Direction
from reconciler.engine.auditing import audit
from reconciler.engine.context import PROGRAM, Engine
from reconciler.ports import UnitOfWork

Judged = tuple[str | None, str | None]
"""What the plans that are known exceed, and what they would exceed with the chatbots that nobody compared yet."""

Brakes = dict[tuple[str, str], Judged]
"""By source, and what its plans have in common."""


async def brake_on(engine: Engine, uow: UnitOfWork, plan: Plan, brakes: Brakes) -> Judged:
    """Why nothing that counts together with a plan is applied without a person.

    Args:
        engine: The policy.
        uow: The transaction.
        plan: A plan whose direction is GitAhead or LiveAhead.
        brakes: What was found out in this transaction already.
    """
    key = (plan.source, place_of(plan.revision, plan.direction))
    if key not in brakes:
        brakes[key] = await _judge_group(engine, uow, plan)
    return brakes[key]


async def _judge_group(engine: Engine, uow: UnitOfWork, plan: Plan) -> Judged:
    stakes = concerning(await uow.plans.stakes(plan.source, plan.revision), plan.revision, plan.direction)
    fleet = await uow.documents.fleet(plan.source, plan.revision)
    where = place_of(plan.revision, plan.direction)
    known = brake(stakes, replace(fleet, uncompared=0), engine.policy, where)
    return known, brake(stakes, fleet, engine.policy, where)


async def judge(engine: Engine, uow: UnitOfWork, source: str) -> str | None:
    """Put the brake on a source or release it, with its audit entry, and return what it says."""
    record = await uow.sources.get(source)
    if record is None:
        return None
    text = await _brake_of(engine, uow, record) if engine.policy.auto_apply is not AutoApply.NONE else None
    if text == record.brake:
        return text
    await uow.sources.save(replace(record, brake=text))
    if text is None:
        await audit(uow, PROGRAM, "source.brake_released", f"source/{source}", detail={"brake": record.brake})
    elif cause_of(text) != cause_of(record.brake or ""):
        detail = {"brake": text, "good_revision": record.good_revision}
        await audit(uow, PROGRAM, "source.brake", f"source/{source}", detail=detail)
    return text


async def _brake_of(engine: Engine, uow: UnitOfWork, record: SourceRecord) -> str | None:
    """The first brake of the good revision, of an older one whose plans are still open, or of live edits."""
    good = record.good_revision or ""
    stakes = await uow.plans.stakes(record.name, good)
    older = sorted({each.revision for each in stakes if each.direction is not Direction.LIVE_AHEAD} - {good})
    fleet = replace(await uow.documents.fleet(record.name, good), uncompared=0)
    groups: list[tuple[str, Direction, Sequence[Stake]]] = [(good, Direction.GIT_AHEAD, stakes)]
    groups += [(each, Direction.GIT_AHEAD, await uow.plans.stakes(record.name, each)) for each in older]
    groups.append((good, Direction.LIVE_AHEAD, stakes))
    found = (
        brake(concerning(those, revision, direction), fleet, engine.policy, place_of(revision, direction))
        for revision, direction, those in groups
    )
    return next((text for text in found if text is not None), None)
