"""Executes a plan op by op, and stops at the first that fails."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from api_client.contract import LIST_SECTIONS
from api_client.sandbox.fleet import Chatbot
from api_client.sandbox.planner import Action, Op, Plan


@dataclass(frozen=True, slots=True)
class OpError:
    """Why an op could not be executed."""

    status: int | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Execution:
    """How far a plan got."""

    done: tuple[Op, ...]
    failed: Op | None = None
    error: OpError | None = None

    @property
    def changes(self) -> tuple[Op, ...]:
        """The executed ops that changed something."""
        return tuple(op for op in self.done if op.action is not Action.NOOP)

    def applied_json(self) -> list[dict[str, Any]]:
        """Return ``applied`` as the contract writes it."""
        return [{**_op_reference(op), **({"noop": True} if op.action is Action.NOOP else {})} for op in self.done]

    def changes_json(self) -> list[dict[str, Any]]:
        """Return section, action and key of each op that changed something."""
        return [_op_reference(op) for op in self.changes]

    def failed_json(self) -> dict[str, Any] | None:
        """Return ``failed`` as the contract writes it, None when every op was executed."""
        if self.failed is None or self.error is None:
            return None
        error: dict[str, Any] = {"code": self.error.code, "message": self.error.message}
        if self.error.status is not None:
            error = {"status": self.error.status, **error}
        return {"op": self.failed.as_json(), **error}


def execute(plan: Plan, chatbot: Chatbot, now: datetime, failure_of: Callable[[Op], OpError | None]) -> Execution:
    """Execute the ops in order.

    Args:
        plan: What to do, planned against the present state of this chatbot.
        chatbot: The chatbot that is changed.
        now: The moment that timestamps carry.
        failure_of: Asked before each op that changes something; an answer stops the execution.
    """
    done: list[Op] = []
    failed, error = None, None
    for op in plan.ops:
        error = None if op.action is Action.NOOP else failure_of(op)
        if error is not None:
            failed = op
            break
        done.append(op)
    changes = (op for op in done if op.action is not Action.NOOP)
    for section, ops in groupby(changes, key=lambda op: op.section):
        _write(section, ops, chatbot, now)
    return Execution(tuple(done), failed, error)


def _write(section: str, ops: Iterable[Op], chatbot: Chatbot, now: datetime) -> None:
    if section in LIST_SECTIONS:
        writes = ((op.key or "", None if op.action is Action.DELETE else op.stated or {}) for op in ops)
        chatbot.write_items(section, writes, now)
        return
    for op in ops:
        chatbot.merge_section(section, op.stated or {}, now)


def _op_reference(op: Op) -> dict[str, Any]:
    reference = {"section": op.section, "action": op.action.value}
    return reference if op.key is None else {**reference, "key": op.key}
