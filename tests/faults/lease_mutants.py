"""Planted bugs in what keeps a service from acting without its lease, and what shows each."""

from typing import Final

from tests.faults import split_brain
from tests.faults.judge import Rule
from tests.faults.planting import Edit, Mutant, Show

_EXECUTOR: Final = "reconciler/engine/apply/executor.py"
_OUTCOME: Final = "reconciler/engine/apply/outcome.py"
_UNFENCED: Final = "        apply, plan, chatbot = await apply_in_context(uow, apply_id)\n"
_FENCED: Final = f"        await check_fence(uow, lease)\n{_UNFENCED}"


def _split(pause: split_brain.Pause) -> Show:
    return lambda lane, chance: split_brain.split_brain(lane, chance, f"standstill at {pause.point}", pause)


_VERDICT: Final = frozenset({Rule.WRONG_VERDICT})
_HARM: Final = frozenset({Rule.UNAPPROVED_WRITE, Rule.DOUBLE_APPLY, Rule.WRONG_VERDICT})
_GUARD: Final = frozenset({Rule.LOST_GUARD})
LEASE_MUTANTS: Final = (
    Mutant(
        "drop the lease check of state changes",
        (
            Edit(
                _OUTCOME,
                "    if not await uow.leases.holds(lease):\n",
                "    if not await uow.leases.holds(lease) and lease.fence < 0:\n",
            ),
        ),
        _split(split_brain.Pause(split_brain.BEFORE_THE_INTENT)),
        _VERDICT,
    ),
    Mutant(
        "drop the lease check before the request",
        (
            Edit(
                _EXECUTOR,
                "            if await uow.leases.renew(lease, self.times.ttl) is None:\n",
                "            if await uow.leases.renew(lease, self.times.ttl) is None and lease.fence < 0:\n",
            ),
            Edit(_EXECUTOR, " - renewed > spare.total_seconds():\n", " < renewed:\n"),
        ),
        _split(split_brain.Pause(split_brain.AFTER_THE_INTENT)),
        _HARM,
    ),
    Mutant(
        "send a body after its lease may have run out",
        (
            Edit(
                "api_client/_transport.py",
                "    if asyncio.get_running_loop().time() >= until:\n",
                "    if until < 0:\n",
            ),
        ),
        _split(split_brain.Pause(split_brain.BEFORE_THE_BODY)),
        _HARM,
    ),
    Mutant(
        "commit an intent without comparing the fence",
        (Edit(_EXECUTOR, "            await check_fence(uow, lease)\n", ""),),
        _split(split_brain.INTENT_AGAINST_INTENT),
        _GUARD,
    ),
    Mutant(
        "send with less of the lease left than the request may take",
        (Edit(_EXECUTOR, " - renewed > spare.total_seconds():\n", " < renewed:\n"),),
        _split(split_brain.Pause(split_brain.WITHIN_THE_CHECK)),
        _GUARD,
    ),
    Mutant(
        "write an end without comparing the fence",
        (
            Edit(
                _OUTCOME,
                f"{_FENCED}        unknown = end.status",
                f"{_UNFENCED}        unknown = end.status",
            ),
        ),
        _split(split_brain.END_AGAINST_RECOVERY),
        _GUARD,
    ),
    Mutant(
        "give an apply up without comparing the fence",
        (
            Edit(
                _OUTCOME,
                f"{_FENCED}        await uow.applies.save(",
                f"{_UNFENCED}        await uow.applies.save(",
            ),
        ),
        _split(split_brain.GIVING_UP_AGAINST_INTENT),
        _GUARD,
    ),
)
