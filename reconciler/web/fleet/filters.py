"""The fleet page's filters, and the links that change one of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import model_validator

from reconciler.domain.listing import ChatbotFilter, ChatbotOrder, FleetCounts
from reconciler.domain.status import Direction, Sync
from reconciler.web.chatbots.schemas import ChatbotFilterQuery
from reconciler.web.ui.badges import SIDE_BADGES, SYNC_BADGES, Badge, reason_words
from reconciler.web.ui.forms import FormQuery

_OLD_DESCENDING: Final = "down"


class FleetQuery(ChatbotFilterQuery, FormQuery):
    """Which chatbots the page lists, and in which order."""

    order: ChatbotOrder = ChatbotOrder.STATE

    @model_validator(mode="before")
    @classmethod
    def _by_its_old_name(cls, query: Any) -> Any:
        """Addresses that people kept say ``down`` for ``descending``."""
        if isinstance(query, dict) and _OLD_DESCENDING in query:
            renamed = {name: value for name, value in query.items() if name != _OLD_DESCENDING}
            return {"descending": query[_OLD_DESCENDING], **renamed}
        return query

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.filter() == ChatbotFilter()

    def path(self, **changes: Any) -> str:
        """The page with something changed; it begins at the first part, unless that is what changes."""
        return self.address("/", **changes)


@dataclass(frozen=True, slots=True)
class FilterOption:
    """A filter with how many chatbots of the whole fleet it leaves.

    Attributes:
        sign: How it looks, and what people call it.
        count: How many chatbots it selects by itself.
        path: The page with it, or without it when it is chosen already.
        chosen: Whether it is chosen.
    """

    sign: Badge
    count: int
    path: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ColumnHeader:
    """The head of a column by which the list can be ordered.

    Attributes:
        title: The column.
        path: The page in that order, or the other way round when it is in that order already.
        sorted: ``ascending``, ``descending``, or None when another column decides.
    """

    title: str
    path: str
    sorted: str | None


_SIDES: Final = (Direction.GIT_AHEAD, Direction.LIVE_AHEAD, Direction.DIVERGED)
_RARE_SIDES: Final = (Direction.UNKNOWN,)


def tiles(query: FleetQuery, counts: FleetCounts) -> Sequence[FilterOption]:
    """The filters by sync and by the side that moved, with their counts."""
    by_sync = [
        # only what is out of sync has a side that moved
        _choice(query, "sync", value, counts.sync.get(value, 0), SYNC_BADGES[value], **_no_side(value))
        for value in Sync
    ]
    by_side = [
        _choice(query, "direction", value, counts.direction.get(value, 0), SIDE_BADGES[value], **_no_other_sync(query))
        for value in _SIDES
    ]
    return [*by_sync, *by_side]


def chips(query: FleetQuery, counts: FleetCounts) -> Sequence[FilterOption]:
    """The filters by reason, the most frequent first, and the rarer sides."""
    return [*_sides(query, counts), *_reasons(query, counts)]


def heads(query: FleetQuery) -> Sequence[ColumnHeader]:
    """The columns' heads: name, state, and since when."""
    columns = ((ChatbotOrder.NAME, "Chatbot"), (ChatbotOrder.STATE, "State"), (ChatbotOrder.DRIFTED, "Since"))
    return [_head(query, order, title) for order, title in columns]


def _sides(query: FleetQuery, counts: FleetCounts) -> Iterator[FilterOption]:
    for value in _RARE_SIDES:
        count = counts.direction.get(value, 0)
        if count or query.direction is value:
            yield _choice(query, "direction", value, count, SIDE_BADGES[value])


def _reasons(query: FleetQuery, counts: FleetCounts) -> Iterator[FilterOption]:
    reason_counts = {reason: count for reason, count in counts.reason.items() if count or query.reason is reason}
    if query.reason is not None:
        reason_counts.setdefault(query.reason, 0)
    for reason, count in sorted(reason_counts.items(), key=lambda item: (-item[1], item[0])):
        yield _choice(query, "reason", reason, count, Badge("", "", reason_words(reason)))


def _choice(query: FleetQuery, name: str, value: StrEnum, count: int, sign: Badge, **cleared: None) -> FilterOption:
    chosen = getattr(query, name) is value
    path = query.path(**{name: None}) if chosen else query.path(**{name: value}, **cleared)
    return FilterOption(sign, count, path, chosen)


def _no_side(value: Sync) -> dict[str, None]:
    return {} if value is Sync.OUT_OF_SYNC else {"direction": None}


def _no_other_sync(query: FleetQuery) -> dict[str, None]:
    return {} if query.sync is Sync.OUT_OF_SYNC else {"sync": None}


def _head(query: FleetQuery, order: ChatbotOrder, title: str) -> ColumnHeader:
    if query.order is not order:
        return ColumnHeader(title, query.path(order=order, descending=False), None)
    return ColumnHeader(
        title, query.path(descending=not query.descending), "descending" if query.descending else "ascending"
    )
