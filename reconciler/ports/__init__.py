"""What the engine needs of the world, as Protocols. Adapters implement them; so do the fakes of the tests."""

from reconciler.ports.audit import AuditShelf
from reconciler.ports.events import ChangeKind
from reconciler.ports.git import ParseCache, Source
from reconciler.ports.identity import Attempt, IdentityProvider
from reconciler.ports.queries import (
    AuditFilter,
    ChatbotFilter,
    ChatbotOrder,
    FleetCounts,
    Page,
    PlanFilter,
    PlanGroup,
    Queries,
)
from reconciler.ports.repositories import (
    ApplyRepository,
    ApprovalRepository,
    AuditRepository,
    BaselineRepository,
    ChatbotRepository,
    DocumentRepository,
    HistoryRepository,
    LeaseRepository,
    PersonRepository,
    PlanRepository,
    RunRepository,
    SessionRepository,
    SourceRepository,
    SuspensionRepository,
    SwitchRepository,
    TenantRepository,
    TokenRepository,
    UnitOfWork,
)
from reconciler.ports.store import Store
from reconciler.ports.wizchat import Budget, LiveChatbot, Target, Writer
from reconciler.ports.world import Clock, Dispatcher, Job, JobKind

__all__ = [
    "ApplyRepository",
    "ApprovalRepository",
    "Attempt",
    "AuditFilter",
    "AuditRepository",
    "AuditShelf",
    "BaselineRepository",
    "Budget",
    "ChangeKind",
    "ChatbotFilter",
    "ChatbotOrder",
    "ChatbotRepository",
    "Clock",
    "Dispatcher",
    "DocumentRepository",
    "FleetCounts",
    "HistoryRepository",
    "IdentityProvider",
    "Job",
    "JobKind",
    "LeaseRepository",
    "LiveChatbot",
    "Page",
    "ParseCache",
    "PersonRepository",
    "PlanFilter",
    "PlanGroup",
    "PlanRepository",
    "Queries",
    "RunRepository",
    "SessionRepository",
    "Source",
    "SourceRepository",
    "Store",
    "SuspensionRepository",
    "SwitchRepository",
    "Target",
    "TenantRepository",
    "TokenRepository",
    "UnitOfWork",
    "Writer",
]
