"""The settings that say what it takes to apply a plan."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from reconciler.domain.policy import AutoApply, Policy, Protection
from reconciler.runtime.durations import format_duration
from reconciler.runtime.settings_fields import Duration, Words
from reconciler.runtime.settings_section import SettingsSection

_DEFAULTS = Policy()
_MAX_APPROVALS = 100


def _protections(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        Protection.parse(value)
    return values


class PolicySettings(SettingsSection):
    """What it takes to apply a plan."""

    approvals: int = Field(
        _DEFAULTS.approvals, ge=1, le=_MAX_APPROVALS, description="How many people must approve a plan."
    )
    delete_approvals: int | None = Field(
        None,
        ge=1,
        le=_MAX_APPROVALS,
        description="How many people must approve a plan that takes something away. Unset: as `approvals`.",
    )
    approval_ttl: Duration = Field(
        _DEFAULTS.approval_ttl, ge=timedelta(minutes=1), description="How long an approval stands until it is applied."
    )
    auto_apply: AutoApply = Field(
        _DEFAULTS.auto_apply,
        description="Which plans are applied without a person: `additive` those that only create, `no_delete` those "
        "that take nothing away, `full` also takes away within `max_deletes`. Only changes of git, and only chatbots "
        "that were in sync since it was set.",
    )
    self_heal: bool = Field(
        _DEFAULTS.self_heal, description="Whether `auto_apply` also undoes live edits, which are lost by that."
    )
    max_deletes: int = Field(
        _DEFAULTS.max_deletes,
        ge=0,
        description="A plan that takes away more items needs `overrides.deletes` and a reason.",
    )
    fleet_max_deletes: int = Field(
        _DEFAULTS.fleet_max_deletes,
        ge=0,
        description="When the plans of one revision take something away from more chatbots, nothing of it is applied "
        "without a person.",
    )
    fleet_max_share: float = Field(
        _DEFAULTS.fleet_max_share,
        ge=0,
        le=1,
        description="When the plans of one revision change a larger share of a source's chatbots, nothing of it is "
        "applied without a person. Up to three chatbots are let pass.",
    )
    protected: Annotated[Words, AfterValidator(_protections)] = Field(
        (),
        description="Patterns `chatbot/section/key` of what no apply may change or delete, whatever a document says: "
        "`*/mcpServers/*`, `bot_vip/*/*`.",
    )
    plan_ttl: Duration = Field(
        _DEFAULTS.plan_ttl, ge=timedelta(minutes=1), description="How long a plan waits for a decision."
    )
    suspension_reminder: Duration = Field(
        _DEFAULTS.suspension_reminder,
        ge=timedelta(minutes=1),
        description="How often people are reminded of a suspension that still stands.",
    )
    source_max_removed: float = Field(
        _DEFAULTS.source_max_removed,
        ge=0,
        le=1,
        description="A source that loses more than this share of its chatbots at once is not trusted until accepted.",
    )
    apply_settle: Duration = Field(
        _DEFAULTS.apply_settle,
        description="How long after an apply without an answer a late write may still land; never below "
        f"{format_duration(_DEFAULTS.apply_deadline)}, the time limit of an apply.",
    )

    @model_validator(mode="after")
    def _settle_outlasts_an_apply(self) -> Self:
        if self.apply_settle < _DEFAULTS.apply_deadline:
            limit = format_duration(_DEFAULTS.apply_deadline)
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

    def as_policy(self) -> Policy:
        """The policy as the engine takes it."""
        return Policy(
            approvals=self.approvals,
            delete_approvals=self.delete_approvals,
            approval_ttl=self.approval_ttl,
            auto_apply=self.auto_apply,
            self_heal=self.self_heal,
            max_deletes=self.max_deletes,
            fleet_max_deletes=self.fleet_max_deletes,
            fleet_max_share=self.fleet_max_share,
            protected=tuple(Protection.parse(pattern) for pattern in self.protected),
            source_max_removed=self.source_max_removed,
            plan_ttl=self.plan_ttl,
            suspension_reminder=self.suspension_reminder,
            apply_settle=self.apply_settle,
        )
