"""What the policy asks of a plan, and of a source's new revision. Never read from the repository it governs."""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Self

from reconciler.domain import fields
from reconciler.domain.losses import Loss, LossKind, counted, losses, summary, total
from reconciler.domain.plan import MCP_SERVERS, Action, Op, OpTarget
from reconciler.domain.sentences import listed


class AutoApply(StrEnum):
    """Which plans are applied without a person."""

    NONE = "none"
    ADDITIVE = "additive"
    NO_DELETE = "no_delete"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Protection:
    """What no apply may change or delete: three patterns, in which ``*`` stands for anything.

    Attributes:
        chatbot: Of the chatbot's id.
        section: Of the section's name.
        key: Of the item's key; in a section without keys, of the changed field.
    """

    chatbot: str
    section: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``chatbot/section/key``.

        Raises:
            ValueError: It has not three parts.
        """
        parts = text.split("/", 2)
        if len(parts) != 3 or not all(parts):  # noqa: PLR2004  chatbot, section, key
            raise ValueError(f"{text!r} is not a pattern chatbot/section/key, such as */mcpServers/*")
        return cls(*parts)

    def covers(self, chatbot: str, section: str, key: str) -> bool:
        """Whether it is about this item."""
        return _fits(chatbot, self.chatbot) and _fits(section, self.section) and _fits(key, self.key)

    def __str__(self) -> str:
        return f"{self.chatbot}/{self.section}/{self.key}"


def _fits(text: str, pattern: str) -> bool:
    # a bracket in a key is a bracket: as a set of characters it would leave the very item unprotected;
    # so would a name whose accents are written as characters of their own
    text, pattern = (unicodedata.normalize("NFC", item) for item in (text, pattern))
    return fnmatchcase(text, pattern.replace("[", "[[]"))


@dataclass(frozen=True, slots=True)
class Policy:
    """What people set.

    Attributes:
        approvals: How many people must approve a plan.
        delete_approvals: How many must approve one that takes something away; None means as many.
        approval_ttl: How long an approval stands.
        auto_apply: Which plans are applied without a person.
        self_heal: Whether those are also such that overwrite a live edit.
        max_deletes: A plan that takes more away needs the delete override.
        fleet_max_deletes: From how many chatbots the plans of one revision may take something away without a person.
        fleet_max_share: Which share of a source's chatbots they may change without a person, 0 to 1.
        protected: What no apply may change or delete.
        suspension_reminder: How often people are reminded of a suspension.
        source_max_removed: The share of chatbot ids that may vanish from a source in one step, 0 to 1.
        plan_ttl: How long an undecided plan stands.
        apply_settle: How long after the intent a late write may still land.
        apply_deadline: The total time of one apply call.
    """

    approvals: int = 1
    delete_approvals: int | None = None
    approval_ttl: timedelta = timedelta(days=7)
    auto_apply: AutoApply = AutoApply.NONE
    self_heal: bool = False
    max_deletes: int = 2
    fleet_max_deletes: int = 5
    fleet_max_share: float = 0.3
    protected: tuple[Protection, ...] = ()
    suspension_reminder: timedelta = timedelta(days=1)
    source_max_removed: float = 0.5
    plan_ttl: timedelta = timedelta(days=7)
    apply_settle: timedelta = timedelta(seconds=15)
    apply_deadline: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class ProtectedItem:
    """What of a plan a protection stands against.

    Attributes:
        place: The item, or in a section without keys the changed field.
        protection: The first pattern that covers it.
    """

    place: OpTarget
    protection: Protection

    def __str__(self) -> str:
        return f"{self.place} ({self.protection})"


@dataclass(frozen=True, slots=True)
class Requirements:
    """What it takes to approve a plan.

    Attributes:
        approvals: How many people.
        delete_override: Why the approval must carry ``overrides.deletes``, or None when it need not.
        losses: How much the plan takes away.
    """

    approvals: int
    delete_override: str | None
    losses: int = 0


def requirements(ops: Sequence[Op], body: Mapping[str, Any], policy: Policy) -> Requirements:
    """What it takes to approve a plan of these ops and this body (rule 6 of the design)."""
    lost = losses(ops)
    approvals = policy.delete_approvals if lost and policy.delete_approvals is not None else policy.approvals
    return Requirements(approvals, _delete_gate(ops, lost, body, policy), total(lost))


def protected_items(chatbot_id: str, ops: Iterable[Op], policy: Policy) -> tuple[ProtectedItem, ...]:
    """What of these ops the policy protects. What a create adds was not there, so nothing protects it."""
    if not policy.protected:
        return ()
    found = (
        _first_covered(chatbot_id, places, policy)
        for op in ops
        if op.action in (Action.UPDATE, Action.DELETE)
        for places in _touched(op)
    )
    return tuple(item for item in found if item is not None)


def _touched(op: Op) -> Iterator[Iterable[OpTarget]]:
    """The item; in a section without keys each changed field, or the whole section when it is deleted.

    A field is named as coarsely as the API likes: one that is replaced with all that it holds touches that, too.
    """
    if op.key is not None or not op.changed_fields:
        yield [op.place]
        return
    for name in op.changed_fields:
        names = fields.touched(name, fields.get(op.before, name), fields.get(op.after, name))
        yield [OpTarget(op.section, name) for name in names]


def _first_covered(chatbot_id: str, places: Iterable[OpTarget], policy: Policy) -> ProtectedItem | None:
    for place in places:
        protection = _covering(chatbot_id, place, policy)
        if protection is not None:
            return ProtectedItem(place, protection)
    return None


def _covering(chatbot_id: str, place: OpTarget, policy: Policy) -> Protection | None:
    for protection in policy.protected:
        # a section that is deleted as a whole takes every one of its fields with it
        if protection.covers(chatbot_id, place.section, place.key or protection.key):
            return protection
    return None


def _delete_gate(ops: Sequence[Op], lost: Sequence[Loss], body: Mapping[str, Any], policy: Policy) -> str | None:
    servers = sorted(op.key or "" for op in ops if op.action is Action.DELETE and op.section == MCP_SERVERS)
    emptied = _emptied(lost, body)
    exceeds = total(lost) > policy.max_deletes
    reasons = []
    if exceeds:
        count = "" if all(map(_is_deletion, lost)) else f": {counted(total(lost), 'loss', 'losses')}"
        reasons.append(f"it {summary(lost)}{count}, more than policy.max_deletes = {policy.max_deletes}")
    if emptied:
        reasons.append(f"it empties {listed(emptied)}")
    if servers:
        reasons.append(
            f"it deletes {counted(len(servers), 'MCP server', 'MCP servers')} ({listed(servers)}), "
            "whose credentials are not in git: this cannot be undone"
        )
    rest = [loss for loss in lost if not (_is_deletion(loss) or {loss.where, loss.place.section} & set(emptied))]
    if reasons and rest and not exceeds:
        reasons.append(f"it also {summary(rest)}")
    return "; ".join(reasons) or None


def _is_deletion(loss: Loss) -> bool:
    return loss.kind is LossKind.DELETED


def _emptied(lost: Sequence[Loss], body: Mapping[str, Any]) -> Sequence[str]:
    """The sections that are left with nothing, and the lists within other sections."""
    sections = {loss.place.section for loss in lost if fields.holds_nothing(body["spec"].get(loss.place.section))}
    lists = {loss.where for loss in lost if loss.empties and loss.place.section not in sections}
    return sorted(sections | lists)


def vanished_share(before: Collection[str], now: Collection[str]) -> float:
    """The share of chatbot ids that were there before and no longer are, 0 to 1."""
    return len(set(before) - set(now)) / len(set(before)) if before else 0.0
