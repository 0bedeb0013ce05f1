"""What every use case is given: the ports, the policy, and who is asking."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from reconciler.domain.policy import Policy
from reconciler.domain.records import Role
from reconciler.errors import Forbidden, NotFound
from reconciler.ports import Clock, Dispatcher, Source, Store, Target


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks.

    Attributes:
        name: As shown in approvals and the audit log.
        role: What they may do.
        token_id: The credential they came with; None for the program itself.
        sources: The sources they may act on; None means all.
        origin: Where the request came from, for the audit log.
    """

    name: str
    role: Role
    token_id: str | None = None
    sources: tuple[str, ...] | None = None
    origin: str | None = None

    def require(self, role: Role, source: str | None = None) -> None:
        """Refuse what the actor may not do.

        Args:
            role: The role that is needed.
            source: The source that is acted on; None for what concerns all of them.

        Raises:
            Forbidden: Naming the role, or the source.
        """
        if not self.role.includes(role):
            raise Forbidden(f"this needs the role {role}; {self.name} has {self.role}")
        if self.sources is not None and source not in self.sources:
            concern = f"the source {source}" if source else "every source"
            raise Forbidden(f"this concerns {concern}; {self.name} may act on {', '.join(self.sources)} only")

    def sees(self, source: str | None) -> bool:
        """Whether what belongs to a source may be shown to the actor."""
        return self.sources is None or source in self.sources


PROGRAM = Actor("reconciler", Role.ADMIN)
"""The program itself, for what no person asked for."""


@dataclass(frozen=True, slots=True)
class SourceBinding:
    """A configured source and the port to its repository.

    Attributes:
        url: Without credentials.
        branch: None means the remote's HEAD.
        interval: How often git is asked.
        drift_interval: How often the live side is compared as a whole.
    """

    name: str
    tenant: str
    url: str
    branch: str | None
    port: Source
    interval: timedelta = timedelta(minutes=5)
    drift_interval: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class TenantBinding:
    """A configured tenant and the reading port to it.

    Attributes:
        read_only: Whether there is no write key: plans can be approved, but not applied.
        concurrency: How many dry runs may be under way at once.
    """

    name: str
    target: Target
    read_only: bool = True
    concurrency: int = 8


@dataclass(frozen=True, slots=True)
class Engine:
    """The ports and the policy that the use cases share. It holds no write key.

    Attributes:
        new_id: Makes an id of a kind: ``new_id("plan")``.
        jitter: A fresh share of an interval to add to it, so that sources do not march in step.
    """

    store: Store
    clock: Clock
    dispatcher: Dispatcher
    new_id: Callable[[str], str]
    sources: Mapping[str, SourceBinding] = field(default_factory=dict)
    tenants: Mapping[str, TenantBinding] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    jitter: Callable[[], float] = lambda: 0.0

    def source(self, name: str) -> SourceBinding:
        """The binding of a configured source.

        Raises:
            NotFound: When none has this name.
        """
        if name not in self.sources:
            raise NotFound(f"there is no source {name!r}")
        return self.sources[name]
