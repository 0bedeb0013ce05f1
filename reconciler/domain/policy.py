"""The policy: what a plan needs before it may be applied, and when a source's new revision is not trusted."""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from reconciler.domain import fields
from reconciler.domain.losses import Loss, LossKind, counted, losses, summary, total
from reconciler.domain.plan import MCP_SERVERS, Action, Op, OpTarget
from reconciler.domain.sentences import listed
from reconciler.domain.setting_values import Duration, format_duration, read_list


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
        """Whether it protects this item."""
        return _fits(chatbot, self.chatbot) and _fits(section, self.section) and _fits(key, self.key)

    def __str__(self) -> str:
        return f"{self.chatbot}/{self.section}/{self.key}"


def _fits(text: str, pattern: str) -> bool:
    # a bracket in a key is a bracket: as a set of characters it would leave the very item unprotected;
    # so would a name whose accents are written as characters of their own
    text, pattern = (unicodedata.normalize("NFC", item) for item in (text, pattern))
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _protection(value: Any) -> Protection:
    if isinstance(value, Protection):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "Input should be a valid string")
    return Protection.parse(value)


APPLY_DEADLINE: Final = timedelta(seconds=10)
"""An apply has ended after this long, whatever came of it."""
_MAX_APPROVALS: Final = 100


class Policy(BaseModel):
    """What it takes to apply a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    approvals: int = Field(1, ge=1, le=_MAX_APPROVALS, description="How many people must approve a plan.")
    delete_approvals: int | None = Field(
        None,
        ge=1,
        le=_MAX_APPROVALS,
        description="How many people must approve a plan that takes something away. Unset: as `approvals`.",
    )
    approval_ttl: Duration = Field(
        timedelta(days=7), ge=timedelta(minutes=1), description="How long an approval stands until it is applied."
    )
    auto_apply: AutoApply = Field(
        AutoApply.NONE,
        description="Which plans are applied without a person: `additive` those that only create, `no_delete` those "
        "that take nothing away, `full` also takes away within `max_deletes`. Only changes of git, and only chatbots "
        "that were in sync since it was set.",
    )
    self_heal: bool = Field(
        False,  # noqa: FBT003 - it is the default value of the field
        description="Whether `auto_apply` also undoes live edits, which are lost by that.",
    )
    max_deletes: int = Field(
        2,
        ge=0,
        description="A plan that takes away more items needs `overrides.deletes` and a reason.",
    )
    fleet_max_deletes: int = Field(
        5,
        ge=0,
        description="When the plans of one revision take something away from more chatbots, nothing of it is applied "
        "without a person.",
    )
    fleet_max_share: float = Field(
        0.3,
        ge=0,
        le=1,
        description="When the plans of one revision change a larger share of a source's chatbots, nothing of it is "
        "applied without a person. Up to three chatbots are let pass.",
    )
    protected: Annotated[
        tuple[Annotated[Protection, BeforeValidator(_protection)], ...], BeforeValidator(read_list)
    ] = Field(
        (),
        description="Patterns `chatbot/section/key` of what no apply may change or delete, whatever a document says: "
        "`*/mcpServers/*`, `bot_vip/*/*`.",
    )
    plan_ttl: Duration = Field(
        timedelta(days=7), ge=timedelta(minutes=1), description="How long a plan waits for a decision."
    )
    suspension_reminder: Duration = Field(
        timedelta(days=1),
        ge=timedelta(minutes=1),
        description="How often people are reminded of a suspension that still stands.",
    )
    source_max_removed: float = Field(
        0.5,
        ge=0,
        le=1,
        description="A source that loses more than this share of its chatbots at once is not trusted until accepted.",
    )
    apply_settle: Duration = Field(
        timedelta(seconds=15),
        description="How long after an apply without an answer a late write may still land; never below "
        f"{format_duration(APPLY_DEADLINE)}, the time limit of an apply.",
    )

    @model_validator(mode="after")
    def _settle_outlasts_an_apply(self) -> Self:
        if self.apply_settle < APPLY_DEADLINE:
            limit = format_duration(APPLY_DEADLINE)
            raise ValueError(
                f"apply_settle: {format_duration(self.apply_settle)} is less than an apply takes: use {limit} or more"
            )
        return self

    @model_validator(mode="after")
    def _deletes_need_no_fewer_people(self) -> Self:
        if self.delete_approvals is not None and self.delete_approvals < self.approvals:
            raise ValueError(
                f"delete_approvals: {self.delete_approvals} is less than approvals = {self.approvals}: "
                "use as many or more"
            )
        return self

    @model_validator(mode="after")
    def _healing_needs_applies(self) -> Self:
        if self.self_heal and self.auto_apply is AutoApply.NONE:
            raise ValueError("self_heal: it says what auto_apply may do too: set auto_apply, or leave it out")
        return self


@dataclass(frozen=True, slots=True)
class ProtectedItem:
    """An item of a plan that a protection covers.

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
    """What it takes to approve a plan of these ops and this body (guarantee 6)."""
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
        # deleting a whole section deletes every one of its fields
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


def vanished_share(gone: Collection[str], before: int) -> float:
    """The share of chatbot ids that were there before and no longer are, 0 to 1.

    Args:
        gone: The ids that no longer are.
        before: How many there were.
    """
    return len(gone) / before if before else 0.0
