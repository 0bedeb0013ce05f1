"""The outcome of each op of a plan whose apply stopped halfway."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from reconciler.domain.entities import Apply
from reconciler.domain.lifecycle import ApplyStatus
from reconciler.domain.plan import Action, Op


class OpOutcome(StrEnum):
    """What became of one op of an apply.

    Attributes:
        DONE: WizChat says that it executed it, or a read-back proved it.
        FAILED: WizChat says that it stopped at it.
        NOT_TRIED: It came after the one that failed.
        NOT_DONE: A read-back found it undone; whether it was tried is not known.
    """

    DONE = "Done"
    FAILED = "Failed"
    NOT_TRIED = "NotTried"
    NOT_DONE = "NotDone"


_STOPPED: Final = frozenset({ApplyStatus.PARTIALLY_APPLIED, ApplyStatus.FAILED})


def op_outcomes(ops: Sequence[Op], apply: Apply | None) -> tuple[OpOutcome | None, ...]:
    """What became of each op; None for all of them unless some were done and others not.

    Args:
        ops: The plan's.
        apply: The plan's latest apply.
    """
    if apply is None or apply.status not in _STOPPED:
        return (None,) * len(ops)
    done = [item for item in apply.applied if item.get("action") != Action.NOOP and not item.get("noop")]
    failed = (apply.failed or {}).get("op")
    if not done and not failed:
        return (None,) * len(ops)
    rest = OpOutcome.NOT_TRIED if failed else OpOutcome.NOT_DONE
    places = frozenset(_places(done))
    return tuple(_outcome(op, places, failed, rest) for op in ops)


def op_outcome_counts(op: Op) -> Mapping[str, Any]:
    """An op that is proven to be done, in the form of WizChat's answer."""
    return {"section": op.section, "action": op.action.value, "key": op.key}


def _outcome(op: Op, done: Collection[tuple[str, str | None]], failed: object, rest: OpOutcome) -> OpOutcome:
    if isinstance(failed, Mapping) and _is_about(failed, op):
        return OpOutcome.FAILED
    return OpOutcome.DONE if (op.section, op.key) in done else rest


def _places(done: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str | None]]:
    """Section and key of every op that WizChat means; the key that it names of a section without keys is nobody's."""
    for entry in done:
        if isinstance(section := entry.get("section"), str):
            yield section, None
            if isinstance(key := entry.get("key"), str):
                yield section, key


def _is_about(entry: Mapping[str, Any], op: Op) -> bool:
    """Whether WizChat means this op."""
    return entry.get("section") == op.section and (op.key is None or entry.get("key") == op.key)
