"""What the engine needs of the world, as Protocols. Adapters implement them; so do the fakes of the tests."""

from reconciler.ports.audit import AuditShelf
from reconciler.ports.git import ParseCache, Source
from reconciler.ports.identity import Attempt, IdentityProvider
from reconciler.ports.queries import AuditFilter, ChatbotFilter, FleetCounts, Page, PlanFilter, Queries
from reconciler.ports.repositories import (
    ApplyRepository,
    ApprovalRepository,
    AuditRepository,
    BaselineRepository,
    ChatbotRepository,
    DocumentRepository,
    LeaseRepository,
    PersonRepository,
    PlanRepository,
    RunRepository,
    SessionRepository,
    SourceRepository,
    SuspensionRepository,
    SwitchRepository,
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
    "ChatbotFilter",
    "ChatbotRepository",
    "Clock",
    "Dispatcher",
    "DocumentRepository",
    "FleetCounts",
    "IdentityProvider",
    "Job",
    "JobKind",
    "LeaseRepository",
    "LiveChatbot",
    "Page",
    "ParseCache",
    "PersonRepository",
    "PlanFilter",
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
    "TokenRepository",
    "UnitOfWork",
    "Writer",
]
