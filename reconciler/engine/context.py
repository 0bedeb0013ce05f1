"""The context of every use case: the engine with its ports and policy, and the actor."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Self, TypeVar

from reconciler.domain.access import Role
from reconciler.domain.canonical import digest
from reconciler.domain.claim_limits import open_claims
from reconciler.domain.forge_urls import Forge
from reconciler.domain.grants import Grants, Right, highest, reach, role_for
from reconciler.domain.policy import Policy
from reconciler.engine.account_checks import AccountChecks
from reconciler.engine.audit.entry_limits import EntryLimits
from reconciler.engine.reconcile.deadlines import Deadlines
from reconciler.errors import Forbidden, NotFound
from reconciler.executors import NamedExecutor
from reconciler.ports import Clock, Dispatcher, Source, Target
from reconciler.storage import Store

T = TypeVar("T")

PLAN_THREADS: Final = 2


def plan_threads() -> NamedExecutor:
    """Where is computed what takes the longer, the larger one plan is."""
    return NamedExecutor("plans", PLAN_THREADS)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks.

    Attributes:
        name: As shown in approvals and the audit log.
        role: What they may do; the highest, where they have several rights.
        token_id: The token they came with; None for a login, and for the program itself.
        sources: The sources they may see; None means all.
        origin: Where the request came from, for the audit log.
        several: What they may do where, when that is more than one right; made by `of_rights`.
        session_id: The session they came with, opened by a login or by the token; None without a browser.
    """

    name: str
    role: Role
    token_id: str | None = None
    sources: tuple[str, ...] | None = None
    origin: str | None = None
    several: tuple[Right, ...] = ()
    session_id: str | None = None

    @classmethod
    def of_rights(cls, name: str, rights: tuple[Right, ...], origin: str | None = None) -> Self | None:
        """Somebody who came by a login, or None when they have no right at all."""
        role = highest(right.role for right in rights)
        return cls(name, role, None, reach(rights), origin, rights) if role is not None else None

    @property
    def rights(self) -> tuple[Right, ...]:
        """The rights of the actor."""
        return self.several or (Right(self.role, self.sources),)

    def require(self, role: Role, source: str | None = None) -> None:
        """Refuse what the actor may not do.

        Raises:
            Forbidden: With the words of `refusal`.
        """
        if refused := self.refusal(role, source):
            raise Forbidden(refused)

    def refusal(self, role: Role, source: str | None = None) -> str | None:
        """Why the actor may not do something; None when they may.

        Args:
            role: The role that is needed.
            source: The source that is acted on; None for what concerns all of them.

        Returns:
            A sentence that names the role, or the source.
        """
        if not self.role.includes(role):
            return f"this needs the role {role}; {self.name} has {self.role}"
        source_role = role_for(self.rights, source)
        if source_role is not None and source_role.includes(role):
            return None
        concern = f"the source {source}" if source else "every source"
        able = reach(right for right in self.rights if right.role.includes(role)) or ()
        return f"this concerns {concern}; {self.name} is {role} for {', '.join(able)} only"

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
        chatbots: The ids or patterns of chatbots that it is limited to; empty means all.
        forge: What serves its pages to people.
        interval: How often git is asked.
        drift_interval: How often WizChat's list is read, and what may have changed there is compared.
        full_sweep_interval: How old the comparison of a chatbot may become.
    """

    name: str
    tenant: str
    url: str
    branch: str | None
    port: Source
    interval: timedelta
    drift_interval: timedelta
    full_sweep_interval: timedelta
    forge: Forge
    chatbots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TenantBinding:
    """A configured tenant and the reading port to it.

    Attributes:
        read_only: Whether there is no write key: plans can be approved, but not applied.
        concurrency: How many dry runs may be under way at once.
        live_views_per_hour: How often one person may have a live configuration read.
    """

    name: str
    target: Target
    read_only: bool
    concurrency: int
    live_views_per_hour: int


@dataclass(frozen=True, slots=True)
class Engine:
    """The ports and the policy that the use cases share. It holds no write key.

    Attributes:
        new_id: Makes an id of a kind: ``new_id("plan")``.
        grants: What the members of groups may do: what a login may, at each moment anew.
        jitter: A fresh share of an interval to add to it, so that sources do not march in step; `LARGEST_JITTER` at
            most.
        deadlines: When the runs come that are due at a stored moment.
        entry_limits: How many audit entries a person may cause without deciding anything.
        account_checks: How often a chatbot that is not found has its tenant's list read.
        plan_threads: Where is computed what takes the longer, the larger one plan is.
    """

    store: Store
    clock: Clock
    dispatcher: Dispatcher
    new_id: Callable[[str], str]
    sources: Mapping[str, SourceBinding] = field(default_factory=dict)
    tenants: Mapping[str, TenantBinding] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    grants: Grants = field(default_factory=Grants)
    jitter: Callable[[], float] = lambda: 0.0
    deadlines: Deadlines = field(default_factory=Deadlines)
    entry_limits: EntryLimits = field(default_factory=EntryLimits)
    account_checks: AccountChecks = field(default_factory=AccountChecks)
    plan_threads: NamedExecutor = field(default_factory=plan_threads, compare=False)

    async def compute(self, work: Callable[[], T], *inputs: Any) -> T:
        """As `NamedExecutor.compute`, in the threads for plans."""
        return await self.plan_threads.compute(work, *inputs)

    @property
    def policy_digest(self) -> str:
        """Identifies the policy."""
        return digest(self.policy.model_dump(mode="json"))

    def source(self, name: str) -> SourceBinding:
        """The binding of a configured source.

        Raises:
            NotFound: When none has this name.
        """
        if name not in self.sources:
            raise NotFound(f"there is no source {name!r}")
        return self.sources[name]

    def open_claims(self, visible: Collection[str] | None = None) -> tuple[str, ...]:
        """What people are warned of: which sources of a tenant may claim each other's chatbots.

        Args:
            visible: The sources that the reader may see; None means all.
        """
        limits: defaultdict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        for source in self.sources.values():
            limits[source.tenant][source.name] = source.chatbots
        return tuple(
            warning for tenant, patterns in limits.items() for warning in open_claims(tenant, patterns, visible)
        )
