"""Leases: the right to work on a chatbot, with a fencing number that only grows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, insert, update

from reconciler.domain.entities import Lease
from reconciler.storage import tables
from reconciler.storage.repositories.base import Reader
from reconciler.storage.rows import LEASES

_OVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a lease ends that was given back; its row stays, so that the next fence is higher."""

_table = tables.leases


class Leases(Reader[Lease]):
    """The right to work on a chatbot. No list shows a lease, so it does not change the store's generation."""

    codec = LEASES

    async def take(
        self, tenant: str, chatbot_id: str, holder: str, ttl: timedelta, *, abandoned: Lease | None = None
    ) -> Lease | None:
        """A lease with a higher fence than any before, or None while another holder's still runs.

        Args:
            tenant: Whose chatbot it is.
            chatbot_id: The chatbot.
            holder: Who asks.
            ttl: How long it lasts without being renewed.
            abandoned: A lease that its holder has not renewed for its whole length, as the caller saw: should it be
                the newest still, it keeps nobody out, whatever the wall clock says.
        """
        now = await self._transaction.now()
        last = await self._find(tenant, chatbot_id)
        if last is None:
            lease = Lease(tenant, chatbot_id, holder, 1, now + ttl)
            await self._transaction.write(insert(_table).values(LEASES.to_row(lease)))
            return lease
        if last.holder != holder and last.expires_at > now and last != abandoned:
            return None
        lease = Lease(tenant, chatbot_id, holder, last.fence + 1, now + ttl)
        # by its end, too: the holder may have renewed it since it was read
        unchanged = (*self._same(last), _table.c.expires_at == last.expires_at)
        taken = update(_table).where(*unchanged).values(LEASES.to_row(lease))
        return lease if await self._transaction.write(taken) else None

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """The lease with a new end, or None when it was lost: taken, given back or run out."""
        now = await self._transaction.now()
        renewed = replace(lease, expires_at=now + ttl)
        statement = (
            update(_table).where(*self._same(lease), _table.c.expires_at > now).values(expires_at=renewed.expires_at)
        )
        return renewed if await self._transaction.write(statement) else None

    async def holds(self, lease: Lease) -> bool:
        """Whether the lease is still the newest and has not run out."""
        live = await self.live(lease.tenant, lease.chatbot_id)
        return live is not None and live.fence == lease.fence

    async def live(self, tenant: str, chatbot_id: str) -> Lease | None:
        """The lease that runs now, with any holder."""
        last = await self._find(tenant, chatbot_id)
        return last if last and last.expires_at > await self._transaction.now() else None

    async def drop(self, lease: Lease) -> None:
        """Give the lease back, unless somebody has taken it over."""
        statement = update(_table).where(*self._same(lease)).values(expires_at=_OVER)
        await self._transaction.write(statement)

    async def void_all(self) -> None:
        """End every lease: for the start of the only process."""
        await self._transaction.write(update(_table).values(expires_at=_OVER))

    def _same(self, lease: Lease) -> list[ColumnElement[bool]]:
        return [*self._at((lease.tenant, lease.chatbot_id)), _table.c.fence == lease.fence]
