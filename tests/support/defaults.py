"""What the engine and the targets are handed, with the defaults of the settings where a test says nothing."""

from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from reconciler.domain.forge_urls import Forge
from reconciler.engine.audit.archive import AuditRules
from reconciler.engine.context import SourceBinding, TenantBinding
from reconciler.engine.retention import RetentionRules
from reconciler.ports import Clock, Source, Target
from reconciler.settings.model import SourceSettings
from reconciler.settings.sections import AuditSettings, DataSettings, TenantSettings
from reconciler.targets.budget import CallBudget


def tenant_settings(name: str = "acme", **more: Any) -> TenantSettings:
    return TenantSettings(name=name, api_key=SecretStr("key"), **more)


def tenant_binding(
    name: str, target: Target, *, read_only: bool = True, live_views_per_hour: int | None = None
) -> TenantBinding:
    tenant = tenant_settings(name)
    views = tenant.live_views_per_hour if live_views_per_hour is None else live_views_per_hour
    return TenantBinding(name, target, read_only, tenant.concurrency, views)


def source_binding(
    name: str,
    tenant: str,
    url: str,
    branch: str | None,
    port: Source,
    *,
    forge: Forge = Forge.GENERIC,
    drift_interval: timedelta | None = None,
    full_sweep_interval: timedelta | None = None,
) -> SourceBinding:
    source = SourceSettings(name=name, url=SecretStr("https://git.example.com/acme/bots.git"))
    every = drift_interval or source.drift_interval
    full = full_sweep_interval or source.full_sweep_interval
    return SourceBinding(name, tenant, url, branch, port, source.interval, every, full, forge, source.chatbots)


def call_budget(tenant: str, clock: Clock, *, sources: int = 1, **more: Any) -> CallBudget:
    return CallBudget(tenant_settings(tenant, **more), clock, sources=sources)


def retention_rules(**more: timedelta) -> RetentionRules:
    data = DataSettings()
    return RetentionRules(**{"runs": data.runs, "plans": data.plans, "history": data.history, **more})


def audit_rules(retention: timedelta | None = None) -> AuditRules:
    return AuditRules(retention, AuditSettings().head_interval)
