"""Ops, and the proposal that a dry run yields: the body to send and the ops that it causes.

Guarantee 2: what was seen is what is sent. The body is derived from the ops, and both are hashed together.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from reconciler.domain import fields
from reconciler.domain.canonical import digest
from reconciler.domain.escaping import escaped_distinct
from reconciler.domain.fingerprint import fingerprint

MCP_SERVERS = "mcpServers"


class Action(StrEnum):
    """What an op does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NOOP = "noop"


class OpTarget(NamedTuple):
    """What an op is about: a section, and in a list section the item's key (else the empty string)."""

    section: str
    key: str

    def __str__(self) -> str:
        return f'{self.section} "{escaped_distinct(self.key)}"' if self.key else self.section


@dataclass(frozen=True, slots=True)
class Op:
    """One line of a dry run.

    Attributes:
        section: The section of ``spec``.
        action: What would happen.
        key: The item's identity in a list section; None in a singleton section.
        before: The live value, contract fields that are not server-owned only; None for a create.
        after: The desired value, likewise; None for a delete.
        changed_fields: The fields that differ, sorted; for updates only.
    """

    section: str
    action: Action
    key: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    changed_fields: tuple[str, ...] = ()

    @property
    def place(self) -> OpTarget:
        """The section and key that the op changes."""
        return OpTarget(self.section, self.key or "")

    @property
    def is_noop(self) -> bool:
        """Whether nothing would happen."""
        return self.action is Action.NOOP

    def is_same_as(self, other: "Op") -> bool:
        """Whether both say the same, as an approval binds it: what the fingerprint is made of."""
        return fields.are_same(fingerprint_form(self), fingerprint_form(other))

    def essence(self) -> "Op":
        """The op without what moves by itself: an update keeps, flat by name, only the fields that change."""
        if self.action is not Action.UPDATE:
            return self
        return replace(
            self,
            before=fields.pick(self.before, self.changed_fields),
            after=fields.pick(self.after, self.changed_fields),
        )


class Summary(NamedTuple):
    """Ops counted by action."""

    create: int = 0
    update: int = 0
    delete: int = 0
    noop: int = 0

    @classmethod
    def of(cls, ops: Iterable[Op]) -> "Summary":
        """The summary of these ops."""
        return cls(**Counter(op.action.value for op in ops))


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a dry run proposes for one chatbot, before anybody decided.

    Attributes:
        tenant: The tenant's name.
        chatbot_id: The chatbot.
        body: The body that an apply would send.
        ops: The ops that are not noop, in the API's order, each reduced to its `Op.essence`.
        noops: How many ops are noop.
        fingerprint: What an approval is for.
    """

    tenant: str
    chatbot_id: str
    body: Mapping[str, Any]
    ops: tuple[Op, ...]
    noops: int
    fingerprint: str

    @property
    def summary(self) -> Summary:
        """All ops counted, noops included."""
        return Summary.of(self.ops)._replace(noop=self.noops)

    @property
    def prune(self) -> bool:
        """Whether the body lets the API delete."""
        return bool(self.body["prune"])

    @property
    def change(self) -> str:
        """What the ops do, as a digest that is the same for the same change on another chatbot."""
        return digest([fingerprint_form(op) for op in self.ops])


def propose(tenant: str, chatbot_id: str, desired: Mapping[str, Any], ops: Sequence[Op]) -> Proposal | None:
    """Make a proposal of a dry run.

    Args:
        tenant: The tenant's name.
        chatbot_id: The chatbot.
        desired: The body that was dry-run: a whole document's, or that of an earlier proposal.
        ops: Every op of the answer.

    Returns:
        The proposal, or None when every op is noop.
    """
    changes = tuple(op.essence() for op in ops if not op.is_noop)
    if not changes:
        return None
    body = body_for(desired, changes)
    return Proposal(
        tenant=tenant,
        chatbot_id=chatbot_id,
        body=body,
        ops=changes,
        noops=len(ops) - len(changes),
        fingerprint=fingerprint(tenant, chatbot_id, body, [fingerprint_form(op) for op in changes]),
    )


def body_for(desired: Mapping[str, Any], changes: Iterable[Op]) -> dict[str, Any]:
    """The least body that does the wanted ops: only their sections, and prune only when one of them deletes."""
    changes = tuple(changes)
    sections = {op.section for op in changes}
    return {
        "apiVersion": desired["apiVersion"],
        "kind": desired["kind"],
        "prune": any(op.action is Action.DELETE for op in changes),
        "spec": {name: value for name, value in desired["spec"].items() if name in sections},
    }


def fingerprint_form(op: Op) -> dict[str, Any]:
    """An op as it is hashed and compared."""
    return {"section": op.section, "action": op.action, "key": op.key, "before": op.before, "after": op.after}
