"""The database."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from reconciler.ports.events import Feed
from reconciler.ports.git import ParseCache
from reconciler.ports.queries import Queries
from reconciler.ports.repositories import UnitOfWork


@dataclass(frozen=True, slots=True)
class DatabaseSize:
    """How large the database is, in bytes.

    Attributes:
        total: What it takes on the disk, without what is still to be moved into its file.
        free: How much of that holds nothing and is used for what comes next; None where only the server knows.
    """

    total: int
    free: int | None


class Store(Protocol):
    """The database. It is the truth; everything else can be rebuilt from it and from git."""

    @property
    def generation(self) -> str:
        """Changes whenever anything that a list shows, or a token, has changed, and at every start.

        It changes after the commit, never before: whoever reads it first and the rows afterwards has rows that are
        at least as new.
        """

    @property
    def feed(self) -> Feed:
        """What was committed, for whoever looks on."""

    @property
    def queries(self) -> Queries:
        """The reading side."""

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A writing transaction. Never begin one within another: it would wait for itself."""

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A reading transaction over one moment: it blocks nobody, and refuses to write."""

    async def size(self) -> DatabaseSize:
        """How large the database is."""

    async def reclaim(self) -> bool:
        """Give some of what holds nothing back to the disk, and say whether there may be more to give back."""

    def parse_cache(self, source: str) -> ParseCache:
        """The cache of a source's parsed files."""
