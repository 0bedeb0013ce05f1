"""The database."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from reconciler.ports.events import Feed
from reconciler.ports.git import ParseCache
from reconciler.ports.queries import Queries
from reconciler.ports.repositories import UnitOfWork


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

    def parse_cache(self, source: str) -> ParseCache:
        """The cache of a source's parsed files."""
