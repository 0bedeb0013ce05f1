"""The orders in which chatbots are listed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, TypeAdapter
from sqlalchemy import Column, ColumnElement, case, func, literal

from reconciler.domain.entities import Chatbot
from reconciler.domain.listing import ChatbotOrder
from reconciler.domain.status import Direction, Sync
from reconciler.storage import tables
from reconciler.storage.paging import Moment, Number, Order, Text
from reconciler.storage.repositories.fleet import LONGEST_KEY, called

_CHATBOTS: Final = tables.chatbots.c
_URGENT: Final = (Sync.OUT_OF_SYNC, Sync.UNKNOWN, Sync.SYNCED)
_WORST: Final = (
    Direction.DIVERGED,
    Direction.LIVE_AHEAD,
    Direction.GIT_AHEAD,
    Direction.UNKNOWN,
    Direction.IN_SYNC,
)
# never a moment of a drift, and comparable on every database
_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
_EVER: Final = datetime(1, 1, 2, tzinfo=UTC)
# cursors of older programs hold whole names
_Key = Annotated[Text, AfterValidator(lambda name: name[:LONGEST_KEY])]


def chatbot_order(order: ChatbotOrder, *, descending: bool) -> Order:
    """An order and its direction, down to tenant and id."""
    return _ORDERS[order, descending]


def _order(order: ChatbotOrder, *, descending: bool) -> Order:
    match order:
        case ChatbotOrder.ID:
            return _make(order, descending, TypeAdapter(tuple[str, Text, Text]), (), lambda _: ())
        case ChatbotOrder.NAME:
            return _make(
                order,
                descending,
                TypeAdapter(tuple[str, _Key, Text, Text]),
                (_CHATBOTS.called,),
                lambda bot: (called(bot),),
            )
        case ChatbotOrder.STATE:
            ranks = (_rank(_CHATBOTS.sync, _URGENT), _rank(_CHATBOTS.direction, _WORST))
            return _make(order, descending, TypeAdapter(tuple[str, Number, Number, Text, Text]), ranks, _state)
        case ChatbotOrder.DRIFTED:
            none = _EVER if descending else _NEVER
            since = func.coalesce(_CHATBOTS.drifted_at, literal(none, _CHATBOTS.drifted_at.type))
            return _make(
                order,
                descending,
                TypeAdapter(tuple[str, Moment, Text, Text]),
                (since,),
                lambda bot: (bot.drifted_at or none,),
            )


def _make(
    order: ChatbotOrder,
    descending: bool,  # noqa: FBT001  as in `chatbot_order`
    cursor: TypeAdapter[Any],
    by: tuple[ColumnElement[Any], ...],
    values: Callable[[Chatbot], tuple[Any, ...]],
) -> Order:
    return Order(
        name=f"chatbots by {order}{', descending' if descending else ''}",
        by=(*by, _CHATBOTS.tenant, _CHATBOTS.id),
        values=lambda bot: (*values(bot), bot.tenant, bot.id),
        cursor=cursor,
        descending=descending,
    )


def _rank(column: Column[Any], words: Sequence[StrEnum]) -> ColumnElement[int]:
    return case({word.value: literal(rank) for rank, word in enumerate(words)}, value=column)


def _state(chatbot: Chatbot) -> tuple[int, int]:
    return _URGENT.index(chatbot.sync), _WORST.index(chatbot.direction)


_ORDERS: Final[Mapping[tuple[ChatbotOrder, bool], Order]] = {
    (order, descending): _order(order, descending=descending) for order in ChatbotOrder for descending in (False, True)
}
