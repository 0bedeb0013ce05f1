"""A PostgreSQL server that several services share, and its database as it is at the beginning of every trial."""

from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

import psycopg

from tests.faults.ledger import INSTALL, Change, read_changes
from tests.support.postgres import EMPTY, create_database, postgres_server

_TEMPLATE: Final = "first"


class Database:
    """A server of its own, as a context manager.

    Attributes:
        url: The database that the next service uses.
    """

    url: str

    def __enter__(self) -> Self:
        self._held = ExitStack()
        self._server = self._held.enter_context(postgres_server())
        self._name = ""
        self._kept = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def renew(self) -> None:
        """Go on with a database as it was when it was kept, or an empty one; the last one stays for its users."""
        self._name = create_database(self._server, template=_TEMPLATE if self._kept else EMPTY)
        self.url = str(self._server.get_uri(self._name))

    def url_for(self, service: str) -> str:
        """The database, under the name by which a service's connections are told apart."""
        return f"{self.url}{'&' if '?' in self.url else '?'}application_name={service}"

    def changes(self) -> tuple[Change, ...]:
        """What services wrote to leases and applies since the database was made."""
        return tuple(read_changes(self.url))

    def keep(self) -> None:
        """Let every database from now on begin as this one is, which nobody uses any more; note what changes in it."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(INSTALL)
        self._server.psql(f"ALTER DATABASE {self._name} RENAME TO {_TEMPLATE}")
        self._kept = True
