"""The database: SQLite for one process, PostgreSQL for several. Exports what other packages use."""

from reconciler.storage.audit_folder import AuditFolder
from reconciler.storage.dialect import DatabaseSize
from reconciler.storage.queries import Queries
from reconciler.storage.store import Store
from reconciler.storage.unit_of_work import UnitOfWork

__all__ = ["AuditFolder", "DatabaseSize", "Queries", "Store", "UnitOfWork"]
