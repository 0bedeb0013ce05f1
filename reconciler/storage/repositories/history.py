"""Records the transitions of chatbots within a transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, exists, insert, or_, tuple_

from reconciler.domain.entities import Chatbot
from reconciler.domain.history import SERVICE, Transition
from reconciler.domain.status import Direction, Reason, Sync
from reconciler.storage import tables
from reconciler.storage.rows import CHATBOTS, TRANSITIONS
from reconciler.storage.transaction import Transaction

Key = tuple[str, str]

_AT_ONCE = 1000
"""So many chatbots are looked up by one statement: databases limit its parameters."""


class HistoryState(NamedTuple):
    """The state whose changes the history records."""

    source: str | None
    sync: Sync | None
    direction: Direction | None


_NOWHERE = HistoryState(None, None, None)


class HistoryChange(NamedTuple):
    """The change of a chatbot by a transaction, and its cause: no more of it, as there may be thousands.

    Attributes:
        after: The state in the end.
        reason: The chatbot's, in the end.
        revision: Likewise.
    """

    after: HistoryState
    reason: Reason
    revision: str | None
    cause: str


class History:
    """The transitions of chatbots, written when the transaction ends, for every chatbot that it changed.

    There is one for each transaction; `Chatbots` notes here what it reads and writes.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._cause = SERVICE
        self._before: dict[Key, HistoryState] = {}
        self._changes: dict[Key, HistoryChange] = {}

    def because(self, cause: str) -> None:
        """Set the cause of the changes that follow, as in `Transition.cause`."""
        self._cause = cause

    def met(self, chatbots: Iterable[Chatbot]) -> None:
        """Note chatbots as they were read: their state before the transaction changes them."""
        unchanged = (chatbot for chatbot in chatbots if _key(chatbot) not in self._changes)
        self._before.update({_key(chatbot): _state_of(chatbot) for chatbot in unchanged})

    def added(self, chatbot: Chatbot) -> None:
        """Note a new chatbot."""
        self._before.setdefault(_key(chatbot), _NOWHERE)
        self._note(chatbot, _state_of(chatbot))

    async def saving(self, chatbots: Sequence[Chatbot]) -> None:
        """Note chatbots that are about to be saved."""
        unmet = [_key(chatbot) for chatbot in chatbots if _key(chatbot) not in self._before]
        for start in range(0, len(unmet), _AT_ONCE):
            await self._read_states(unmet[start : start + _AT_ONCE])
        for chatbot in chatbots:
            self._note(chatbot, _state_of(chatbot))

    async def removing(self, chatbot: Chatbot) -> None:
        """Note a chatbot that is about to be removed."""
        await self.saving([chatbot])
        self._note(chatbot, _NOWHERE)

    async def write(self) -> None:
        """Insert the transitions of the transaction, by few statements."""
        changed = [(key, change) for key, change in self._changes.items() if self._before[key] != change.after]
        self._changes = {}
        for start in range(0, len(changed), _AT_ONCE):
            now = await self._transaction.now()
            part = changed[start : start + _AT_ONCE]
            rows = [TRANSITIONS.to_row(self._transition(key, change, now)) for key, change in part]
            await self._transaction.write(insert(tables.transitions), rows)

    async def forget_before(self, moment: datetime) -> int:
        """Remove what ended before a moment, and say how much.

        Episodes stay whole: what belongs to one that lasted until then, or lasts, is kept however old it is. So what
        goes is the end of an episode before the moment, and what came before such an end.
        """
        table, later = tables.transitions, tables.transitions.alias("later")
        over = exists().where(
            later.c.tenant == table.c.tenant,
            later.c.chatbot_id == table.c.chatbot_id,
            later.c.id >= table.c.id,
            later.c.at < moment,
            or_(later.c.sync == Sync.SYNCED.value, later.c.sync.is_(None)),
        )
        return await self._transaction.write(delete(table).where(table.c.at < moment, over))

    def _note(self, chatbot: Chatbot, state: HistoryState) -> None:
        key = _key(chatbot)
        last = self._changes.get(key)
        cause = self._cause if last is None or last.after != state else last.cause
        self._changes[key] = HistoryChange(state, chatbot.reason, chatbot.revision, cause)

    async def _read_states(self, keys: Sequence[Key]) -> None:
        table = tables.chatbots
        statement = CHATBOTS.selection.where(tuple_(table.c.tenant, table.c.id).in_(keys))
        self.met(await self._transaction.all(CHATBOTS, statement))

    def _transition(self, key: Key, change: HistoryChange, now: datetime) -> Transition:
        (tenant, chatbot_id), before, after = key, self._before[key], change.after
        return Transition(
            at=now,
            tenant=tenant,
            chatbot_id=chatbot_id,
            source_before=before.source,
            source=after.source,
            sync_before=before.sync,
            sync=after.sync,
            direction_before=before.direction,
            direction=after.direction,
            reason=change.reason,
            revision=change.revision,
            cause=change.cause,
        )


def _key(chatbot: Chatbot) -> Key:
    return chatbot.tenant, chatbot.id


def _state_of(chatbot: Chatbot) -> HistoryState:
    return HistoryState(chatbot.source, chatbot.sync, chatbot.direction)
