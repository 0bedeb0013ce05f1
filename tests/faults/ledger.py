"""What services write to the rows that say who may act, noted by PostgreSQL itself: no service knows of it.

Triggers keep every change of a lease and of an apply, with the transaction and the service that made it. A service is
known by the name that the harness gave its connections, not by what it writes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg

INSTALL: Final = """
CREATE SCHEMA harness;
CREATE TABLE harness.changes (
    seq bigserial PRIMARY KEY, service text NOT NULL, transaction bigint NOT NULL,
    began timestamptz NOT NULL, at timestamptz NOT NULL, relation text NOT NULL, before jsonb, after jsonb NOT NULL
);
CREATE FUNCTION harness.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO harness.changes (service, transaction, began, at, relation, before, after) VALUES (
        current_setting('application_name'), txid_current(), transaction_timestamp(), clock_timestamp(),
        TG_TABLE_NAME, CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) END, to_jsonb(NEW)
    );
    RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE ON leases FOR EACH ROW EXECUTE FUNCTION harness.note();
CREATE TRIGGER note AFTER INSERT OR UPDATE ON applies FOR EACH ROW EXECUTE FUNCTION harness.note();
"""
"""To be run where the service's own tables are there already."""
_READ: Final = "SELECT service, transaction, began, at, relation, before, after FROM harness.changes ORDER BY seq"
_STATES: Final = ("status", "intent_at", "finished_at")


@dataclass(frozen=True, slots=True)
class Change:
    """One row that was written, and committed.

    Attributes:
        service: Whose connection wrote it.
        transaction: In which transaction.
        began: When that began, by PostgreSQL's clock.
        at: When the row was written.
        relation: Its table.
        before: The row before; None where there was none.
        after: The row since.
    """

    service: str
    transaction: int
    began: float
    at: float
    relation: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]

    @property
    def chatbot(self) -> str:
        """Which chatbot it is about."""
        return str(self.after["chatbot_id"])

    @property
    def moves_apply(self) -> bool:
        """Whether an apply that was there got another state, intent or end."""
        before = self.before
        return (
            self.relation == "applies"
            and before is not None
            and any(before[name] != self.after[name] for name in _STATES)
        )

    @property
    def lease_ends(self) -> float:
        """Until when a lease runs since."""
        return datetime.fromisoformat(self.after["expires_at"]).timestamp()


def read_changes(url: str) -> Iterator[Change]:
    """Every change that was noted in a database, in order."""
    with psycopg.connect(url) as connection:
        for service, transaction, began, at, *row in connection.execute(_READ):
            yield Change(service, transaction, began.timestamp(), at.timestamp(), *row)
