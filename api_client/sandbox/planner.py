"""Plans ops from a document and the live configuration. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from api_client.contract import LIST_SECTIONS, SECTIONS
from api_client.sandbox.comparison import changed_fields, stated_fields, written

Json = dict[str, Any]


class Action(StrEnum):
    """What an op does."""

    NOOP = "noop"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Op:
    """One line of a plan.

    Attributes:
        section: The section of the document.
        action: What is done.
        key: The identity of the list item; None for the sections that are no lists.
        before: The whole live value, server-owned fields included.
        after: The whole value as it will be; for a create the stated item.
        changed_fields: The paths that differ, sorted; only of an update.
        stated: The fields that the document states, which is all that is written.
    """

    section: str
    action: Action
    key: str | None = None
    before: Json | None = None
    after: Json | None = None
    changed_fields: tuple[str, ...] = ()
    stated: Json | None = None

    def as_json(self) -> Json:
        """Return the op as the contract writes it: what does not apply to it is left out."""
        op: Json = {"section": self.section, "action": self.action.value}
        if self.key is not None:
            op["key"] = self.key
        if self.before is not None:
            op["before"] = self.before
        if self.after is not None:
            op["after"] = self.after
        if self.action is Action.UPDATE:
            op["changedFields"] = list(self.changed_fields)
        return op


@dataclass(frozen=True, slots=True)
class Plan:
    """The ops in the order in which they would be executed: sections as the contract lists them, then keys."""

    ops: tuple[Op, ...]

    def as_json(self) -> Json:
        """Return the plan as the contract writes it."""
        counts = Counter(op.action for op in self.ops)
        return {
            "ops": [op.as_json() for op in self.ops],
            "summary": {
                action.value: counts[action] for action in (Action.CREATE, Action.UPDATE, Action.DELETE, Action.NOOP)
            },
        }


def plan_document(document: Mapping[str, Any], live: Mapping[str, Any]) -> Plan:
    """Return what an apply of the document would do to the live configuration.

    Args:
        document: A validated ``ChatbotConfigDocument`` as JSON.
        live: The live configuration, section by section.
    """
    spec = document["spec"]
    prune = document.get("prune") is not False
    return Plan(
        tuple(
            op
            for section in SECTIONS
            if spec.get(section) is not None
            for op in _section_ops(section, spec[section], live, prune=prune)
        )
    )


def _section_ops(section: str, desired: Any, live: Mapping[str, Any], *, prune: bool) -> Iterator[Op]:
    identity = LIST_SECTIONS.get(section)
    if identity is None:
        yield _compared(section, None, desired, live.get(section) or {})
        return
    desired_items = {item[identity]: item for item in desired}
    present = {item[identity]: item for item in live.get(section) or []}
    for key in sorted(desired_items.keys() | present.keys()):
        if key not in desired_items:
            if prune:
                yield Op(section, Action.DELETE, key, before=present[key])
        elif key in present:
            yield _compared(section, key, desired_items[key], present[key])
        else:
            fields = stated_fields(section, desired_items[key])
            yield Op(section, Action.CREATE, key, after=fields, stated=fields)


def _compared(section: str, key: str | None, desired: Json, live: Json) -> Op:
    fields = stated_fields(section, desired)
    changed = changed_fields(section, fields, live)
    if not changed:
        return Op(section, Action.NOOP, key, before=live, after=live)
    after = written(section, fields, live)
    return Op(section, Action.UPDATE, key, before=live, after=after, changed_fields=tuple(changed), stated=fields)
