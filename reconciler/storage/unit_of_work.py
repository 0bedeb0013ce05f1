"""A transaction with all repositories."""

from datetime import datetime

from reconciler.storage.repositories.access import People, Sessions, Tokens
from reconciler.storage.repositories.audit import Audit
from reconciler.storage.repositories.comparisons import Comparisons
from reconciler.storage.repositories.decisions import Applies, Approvals, Plans, Suspensions, Switches
from reconciler.storage.repositories.documents import Documents
from reconciler.storage.repositories.fleet import Baselines, Chatbots, Runs, Sources, Tenants
from reconciler.storage.repositories.history import History
from reconciler.storage.repositories.leases import Leases
from reconciler.storage.repositories.listings import Listings
from reconciler.storage.repositories.retention import Retention
from reconciler.storage.transaction import Transaction


class UnitOfWork:
    """One transaction. It is committed when its block ends well, and rolled back when it does not.

    `save` compares and sets `version`, returns the record as it now is, and raises `Conflict("concurrent_change")`
    when somebody else was faster.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.sources = Sources(transaction)
        self.tenants = Tenants(transaction)
        self.runs = Runs(transaction)
        self.documents = Documents(transaction)
        self.comparisons = Comparisons(transaction)
        self.listings = Listings(transaction)
        self.history = History(transaction)
        self.chatbots = Chatbots(transaction, self.history)
        self.baselines = Baselines(transaction)
        self.plans = Plans(transaction)
        self.approvals = Approvals(transaction)
        self.applies = Applies(transaction)
        self.suspensions = Suspensions(transaction)
        self.audit = Audit(transaction)
        self.tokens = Tokens(transaction)
        self.people = People(transaction)
        self.sessions = Sessions(transaction)
        self.switches = Switches(transaction)
        self.leases = Leases(transaction)
        self.retention = Retention(transaction, self.history)

    async def now(self) -> datetime:
        """The database's clock: what leases, settling and expiry are counted by."""
        return await self._transaction.now()
