"""The Prometheus metrics that are counted from the database at each scrape."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from reconciler.domain.comparisons import CheckCounts
from reconciler.domain.entities import Run, SourceRecord
from reconciler.domain.listing import FleetCounts
from reconciler.domain.retention import Expiring
from reconciler.domain.status import CheckedBy
from reconciler.domain.tenant import TenantRecord, TenantState
from reconciler.domain.write_key import WriteKey, WriteKeyState
from reconciler.engine.audit.archive import AuditState
from reconciler.engine.retention import StorageState
from reconciler.ports import Budget
from reconciler.web.fleet.fleet_status import FleetStatus
from reconciler.web.http.metrics import Metrics
from reconciler.web.monitoring.vitals import Vitals

W = TypeVar("W", bound=StrEnum)


def render_metrics(metrics: Metrics, fleet: FleetStatus, audit: AuditState, vitals: Vitals | None = None) -> bytes:
    """Everything in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Fleet(fleet, audit, vitals))
    return bytes(generate_latest(metrics.registry)) + bytes(generate_latest(registry))


@dataclass(frozen=True, slots=True, eq=False)
class _Fleet(Collector):
    overview: FleetStatus
    audit: AuditState
    vitals: Vitals | None

    def collect(self) -> Iterable[Metric]:
        yield from _counts(self.overview.counts)
        yield from _sources(self.overview.sources, self.overview.runs)
        yield from _checks(self.overview.checks)
        yield from _tenants(self.overview.tenants)
        yield from _budgets(self.overview.budgets)
        yield from _audit(self.audit)
        if self.vitals is not None:
            yield from _process(self.vitals)


def _counts(counts: FleetCounts) -> Iterable[Metric]:
    yield _gauge("chatbots_by_sync", "Chatbots by sync.", "sync", counts.sync)
    yield _gauge("chatbots_by_direction", "Chatbots by direction.", "direction", counts.direction)
    yield _gauge("chatbots_by_reason", "Chatbots by reason.", "reason", counts.reason)
    yield _gauge("open_plans", "Open plans by status.", "status", counts.open_plans)


def _sources(sources: Sequence[SourceRecord], runs: Mapping[str, Run]) -> Iterable[Metric]:
    state = GaugeMetricFamily(
        "reconciler_source_state", "1 for the state that a source is in.", labels=["source", "state"]
    )
    finished = GaugeMetricFamily(
        "reconciler_run_finished_timestamp_seconds", "When a source's last run ended.", labels=["source", "status"]
    )
    figures = GaugeMetricFamily("reconciler_run_counts", "What a source's last run did.", labels=["source", "what"])
    brake = GaugeMetricFamily(
        "reconciler_source_brake", "1 while the fleet brake stops automatic applies of a source.", labels=["source"]
    )
    for source in sources:
        state.add_metric([source.name, source.state], 1)
        brake.add_metric([source.name], int(source.brake is not None))
        run = runs.get(source.name)
        if run is not None and run.finished_at is not None:
            finished.add_metric([source.name, run.status], run.finished_at.timestamp())
        for name, number in asdict(run.counts).items() if run is not None else ():
            figures.add_metric([source.name, name], number)
    return state, brake, finished, figures


def _checks(checks: Mapping[str, CheckCounts]) -> Iterable[Metric]:
    by = GaugeMetricFamily(
        "reconciler_chatbots_checked_by",
        "Chatbots by why they were last compared with the live side.",
        labels=["source", "reason"],
    )
    oldest = GaugeMetricFamily(
        "reconciler_oldest_check_timestamp_seconds",
        "When the chatbot of a source was compared that waits longest.",
        labels=["source"],
    )
    for source, counts in checks.items():
        for reason in CheckedBy:
            by.add_metric([source, reason], counts.by.get(reason, 0))
        if counts.oldest_at is not None:
            oldest.add_metric([source], counts.oldest_at.timestamp())
    return by, oldest


def _tenants(tenants: Sequence[TenantRecord]) -> Iterable[Metric]:
    state = GaugeMetricFamily(
        "reconciler_tenant_state", "1 for the state that a tenant's WizChat is in.", labels=["tenant", "state"]
    )
    for tenant in tenants:
        for item in TenantState:
            state.add_metric([tenant.name, item], int(tenant.state is item))
    yield state
    shortcut = GaugeMetricFamily(
        "reconciler_tenant_shortcut",
        "1 while chatbots whose updatedAt stands are left to the rotation, 0 once that showed not to be safe.",
        labels=["tenant"],
    )
    for tenant in tenants:
        shortcut.add_metric([tenant.name], int(tenant.shortcut_off_since is None))
    yield shortcut
    yield from _write_keys({tenant.name: tenant.write_key for tenant in tenants if tenant.write_key})


def _write_keys(keys: Mapping[str, WriteKey]) -> Iterable[Metric]:
    state = GaugeMetricFamily(
        "reconciler_write_key_state", "1 for the state that a tenant's write key is in.", labels=["tenant", "state"]
    )
    missing = GaugeMetricFamily(
        "reconciler_write_key_missing_rights", "What applies with a write key were refused for.", labels=["tenant"]
    )
    for tenant, key in keys.items():
        missing.add_metric([tenant], len(key.missing))
        for item in WriteKeyState:
            state.add_metric([tenant, item], int(key.state is item))
    return state, missing


def _budgets(budgets: Mapping[str, Budget]) -> Iterable[Metric]:
    used = GaugeMetricFamily("reconciler_api_calls_today", "Calls made to WizChat today.", labels=["tenant"])
    limit = GaugeMetricFamily("reconciler_api_daily_budget", "Calls allowed a day.", labels=["tenant"])
    pace = GaugeMetricFamily(
        "reconciler_api_calls_per_minute_allowed",
        "Calls a minute that may be made now: of the settings, or what WizChat was found to take.",
        labels=["tenant"],
    )
    refused = CounterMetricFamily(
        "reconciler_api_calls_refused", "Calls that WizChat refused because of the pace (429).", labels=["tenant"]
    )
    for tenant, budget in budgets.items():
        used.add_metric([tenant], budget.used_today)
        pace.add_metric([tenant], budget.requests_per_minute if budget.slowed_to is None else budget.slowed_to)
        refused.add_metric([tenant], budget.refused)
        if budget.daily_budget is not None:
            limit.add_metric([tenant], budget.daily_budget)
    return used, limit, pace, refused


def _audit(audit: AuditState) -> Iterable[Metric]:
    if audit.head is not None:
        yield GaugeMetricFamily(
            "reconciler_audit_seq", "The audit log's last entry when its head was exported.", value=audit.head.seq
        )
        head = GaugeMetricFamily(
            "reconciler_audit_head_info", "The audit log's exported head, for audit verify.", labels=["seq", "hash"]
        )
        head.add_metric([str(audit.head.seq), audit.head.hash], 1)
        yield head
    if audit.intact is not None:
        yield GaugeMetricFamily(
            "reconciler_audit_intact", "0 when the audit log is not what was written.", value=int(audit.intact)
        )


def _process(vitals: Vitals) -> Iterable[Metric]:
    yield GaugeMetricFamily(
        "reconciler_tick_age_seconds", "Seconds since the last look at what is due.", value=vitals.ticks.age
    )
    yield CounterMetricFamily(
        "reconciler_clock_jumps", "How often the wall clock was set, forward or back.", value=vitals.clock_watch.jumps
    )
    yield from _storage(vitals.storage)
    yield _gauge("connections", "Open connections by what they do.", "activity", vitals.connections.doing)
    closed = CounterMetricFamily(
        "reconciler_connections_closed", "Connections that were closed to make room, by what was full.", labels=["full"]
    )
    for full, number in vitals.connections.closed.items():
        closed.add_metric([full], number)
    yield closed


def _storage(storage: StorageState) -> Iterable[Metric]:
    if storage.size is not None:
        yield GaugeMetricFamily("reconciler_database_bytes", "What the database takes.", value=storage.size.total)
    if storage.size is not None and storage.size.free is not None:
        yield GaugeMetricFamily(
            "reconciler_database_free_bytes", "How much of it is free for what comes next.", value=storage.size.free
        )
    removed = CounterMetricFamily("reconciler_rows_removed", "What was removed for its age.", labels=["what"])
    for kind in Expiring:
        removed.add_metric([kind], storage.removed[kind])
    yield removed


def _gauge(name: str, text: str, label: str, counts: Mapping[W, int]) -> Metric:
    family = GaugeMetricFamily(f"reconciler_{name}", text, labels=[label])
    for value, number in counts.items():
        family.add_metric([value], number)
    return family
