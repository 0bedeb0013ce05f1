"""The Prometheus metrics that requests update. No label names a chatbot, a person or a secret."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge


def _registry() -> CollectorRegistry:
    return CollectorRegistry(auto_describe=True)


@dataclass(slots=True)
class Metrics:
    """The figures of one application. No label ever names a chatbot, a person or a secret."""

    registry: CollectorRegistry = field(default_factory=_registry)
    auth_failures: Counter = field(init=False)
    unchanged: Counter = field(init=False)
    requests: Counter = field(init=False)
    webhooks: Counter = field(init=False)
    streams: Gauge = field(init=False)

    def __post_init__(self) -> None:
        self.auth_failures = Counter(
            "reconciler_auth_failures", "Requests without a valid credential.", registry=self.registry
        )
        self.unchanged = Counter(
            "reconciler_http_not_modified", "Conditional requests answered by 304.", registry=self.registry
        )
        self.requests = Counter(
            "reconciler_http_requests", "Other requests.", ["method", "route", "status"], registry=self.registry
        )
        self.webhooks = Counter(
            "reconciler_webhooks", "Deliveries by what came of them.", ["source", "result"], registry=self.registry
        )
        self.streams = Gauge("reconciler_event_streams", "Open event streams.", registry=self.registry)
