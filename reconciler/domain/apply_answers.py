"""The API's answer to an apply, and what a dry run afterwards proves (guarantees 4 and 7)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.domain.plan import Action, Op, OpTarget


@dataclass(frozen=True, slots=True)
class NotSent:
    """Not a byte of the request can have reached the server."""

    cause: str


@dataclass(frozen=True, slots=True)
class ApplyRefused:
    """A readable 4xx envelope: the server says that it did nothing.

    Attributes:
        scope: The scope that the key lacks, such as ``skills:write``, when WizChat names it.
        sections: What the missing scope guards, as far as is known.
    """

    code: str
    message: str
    scope: str | None = None
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplyAnswered:
    """A readable result.

    Attributes:
        applied: The ops that were executed, as answered.
        failed: The op that stopped the apply, as answered, or None.
    """

    applied: tuple[Mapping[str, Any], ...]
    failed: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ApplyUnclear:
    """Anything else: the write may or may not have taken effect, now or later."""

    cause: str


ApplyAnswer = NotSent | ApplyRefused | ApplyAnswered | ApplyUnclear


class ReadBack(StrEnum):
    """What a dry run of the same body proves about an apply."""

    ALL_DONE = "AllDone"
    NOTHING_DONE = "NothingDone"
    PART_DONE = "PartDone"
    UNDETERMINED = "Undetermined"


def undone(approved: Iterable[Op], fresh: Sequence[Op]) -> tuple[OpTarget, ...]:
    """The places of approved ops that are not noop in a fresh dry run of the same body.

    A delete is done when no op names its place any more; anything else is done when its op is noop.
    """
    now = {op.place: op.action for op in fresh}
    return tuple(op.place for op in approved if not _is_done(op, now))


def _is_done(op: Op, now: Mapping[OpTarget, Action]) -> bool:
    if op.action is Action.DELETE and op.place not in now:
        return True
    return now.get(op.place) is Action.NOOP


def read_back(approved: Sequence[Op], fresh: Sequence[Op]) -> ReadBack:
    """Compare the approved ops, each in its essence, with a fresh dry run of the same body."""
    not_done = set(undone(approved, fresh))
    if not not_done:
        return ReadBack.ALL_DONE
    now = {op.place: op.essence() for op in fresh}
    if not all(_is_unchanged(op, now.get(op.place)) for op in approved if op.place in not_done):
        return ReadBack.UNDETERMINED
    return ReadBack.NOTHING_DONE if len(not_done) == len(approved) else ReadBack.PART_DONE


def _is_unchanged(op: Op, now: Op | None) -> bool:
    return now is not None and now.is_same_as(op.essence())
