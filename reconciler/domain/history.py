"""The history of chatbots: transitions, episodes of drift, and the number out of sync over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

from reconciler.domain.entities import Chatbot
from reconciler.domain.status import Direction, Reason, Sync

SERVICE: Final = "service"
"""The cause of a transition that no run, apply, plan or source is known for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of a chatbot's state by one transaction; intermediate states are not recorded.

    There is one whenever its sync, its direction or the source that claims it changes. What was before is None for a
    chatbot that appears, and what is now is None for one that is forgotten.

    Attributes:
        source_before: The source that claimed it; also None while unmanaged.
        source: The source that claims it; also None while unmanaged.
        reason: The one that it then showed; for a forgotten one, the last.
        revision: Of its document.
        cause: By what: ``run/ID``, ``apply/ID``, ``plan/ID`` (which expired), ``source/NAME`` (whose revision somebody
            accepted), or `SERVICE`.
    """

    at: datetime
    tenant: str
    chatbot_id: str
    source_before: str | None
    source: str | None
    sync_before: Sync | None
    sync: Sync | None
    direction_before: Direction | None
    direction: Direction | None
    reason: Reason
    revision: str | None
    cause: str


@dataclass(frozen=True, slots=True)
class Episode:
    """One drift of one chatbot, from its beginning to its end.

    Unknown is neither clean nor drifted: an episode that meets it goes on, because nobody saw it end.

    Attributes:
        opened: When it became OutOfSync; the oldest transition that is known of it, where older ones are not.
        changes: What happened in between, in order of time: another direction, Unknown, another source.
        closed: When it was Synced again, or forgotten; None while the episode lasts.
    """

    opened: Transition
    changes: tuple[Transition, ...] = ()
    closed: Transition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Chatbots counted at a moment, or by how many each number changed.

    Attributes:
        out_of_sync: Those that were OutOfSync.
        unknown: Those with a document whose sync was Unknown.
        managed: Those with a document.
    """

    out_of_sync: int = 0
    unknown: int = 0
    managed: int = 0

    def __sub__(self, change: "Tally") -> "Tally":
        """The numbers before a change."""
        return Tally(
            out_of_sync=self.out_of_sync - change.out_of_sync,
            unknown=self.unknown - change.unknown,
            managed=self.managed - change.managed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketChange:
    """How the numbers changed within one bucket of time.

    Attributes:
        net: From its beginning to its end.
        highest_out_of_sync: The most by which this number exceeded the one at the beginning, after any transition.
        lowest_out_of_sync: The same of the least, which is negative where it fell below.
        highest_unknown: The most by which the number of the Unknown exceeded the one at the beginning.
        highest_either: The same of the OutOfSync and the Unknown together.
        unknown_rose_at: When the number of the Unknown first rose; None where it did not.
        unknown_fell_at: When it last fell; None where it did not.
    """

    net: Tally = Tally()
    highest_out_of_sync: int = 0
    lowest_out_of_sync: int = 0
    highest_unknown: int = 0
    highest_either: int = 0
    unknown_rose_at: datetime | None = None
    unknown_fell_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UnknownPeriod:
    """A time in which the sync of some chatbots was Unknown.

    Attributes:
        chatbots: The most at once.
        managed: Of how many with a document.
    """

    began: datetime
    ended: datetime
    chatbots: int
    managed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """How many chatbots were OutOfSync at the end of a bucket of time, and within it.

    Attributes:
        began: When the bucket begins: as it ends, for the first point of a curve. No bucket reaches beyond a day.
        at: When it ends.
        out_of_sync: How many were OutOfSync at its end, as far as that was known.
        most: The most that were at any moment of it.
        least: The least that were.
        most_either: The most that were OutOfSync or Unknown at any moment of it: no more can have been OutOfSync.
        unknown: How many were Unknown at its end.
        unknown_period: When some were Unknown within it; None when none was.
    """

    began: datetime
    at: datetime
    out_of_sync: int
    most: int
    least: int
    most_either: int
    unknown: int = 0
    unknown_period: UnknownPeriod | None = None

    @property
    def day(self) -> date:
        """The day that the bucket belongs to."""
        return self.began.date()


def drifting(chatbot: Chatbot, now: datetime) -> Chatbot:
    """A chatbot that says since when it is OutOfSync. Through Unknown that is kept, for when it is OutOfSync again."""
    began = chatbot.drifted_at or chatbot.held_drift_at
    match chatbot.sync:
        case Sync.OUT_OF_SYNC:
            return replace(chatbot, drifted_at=began or now, held_drift_at=None)
        case Sync.UNKNOWN:
            return replace(chatbot, drifted_at=None, held_drift_at=began)
        case Sync.SYNCED:
            return replace(chatbot, drifted_at=None, held_drift_at=None)


def episodes(transitions: Sequence[Transition]) -> tuple[Episode, ...]:
    """The episodes of one chatbot, newest first, of its transitions, newest first.

    The end of an episode of which nothing else is known makes none.
    """
    found: list[Episode] = []
    current: Episode | None = None
    for transition in reversed(transitions):
        if current is None:
            current = Episode(transition) if transition.sync is Sync.OUT_OF_SYNC else None
        elif transition.sync in (Sync.SYNCED, None):
            found.append(replace(current, closed=transition))
            current = None
        else:
            current = replace(current, changes=(*current.changes, transition))
    return tuple(reversed([*found, *([current] if current else [])]))


def moments(since: datetime, until: datetime, buckets: int) -> tuple[datetime, ...]:
    """The edges of evenly spaced buckets, and each midnight between them: a bucket belongs to one day."""
    width = (until - since) / buckets
    midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (midnight + timedelta(days=day) for day in range(1, (until - midnight).days + 1))
    inner = {*(since + width * step for step in range(1, buckets)), *days} if since < until else set()
    return (since, *sorted(at for at in inner if since < at < until), until)


def curve(now: Tally, changes: Mapping[int, BucketChange], edges: Sequence[datetime]) -> tuple[Point, ...]:
    """How many chatbots were OutOfSync over time: today's numbers, less what has come since.

    Args:
        now: Today's numbers.
        changes: What changed, by the number of the bucket; what came after the last edge has the number that follows.
            A bucket without changes may be left out.
        edges: Where buckets begin and end, in order of time; see `moments`.

    Returns:
        One point for each edge, in order of time.
    """
    nothing = BucketChange()
    level = now - changes.get(len(edges) - 1, nothing).net
    points = []
    for number, (began, ended) in reversed([*enumerate(pairwise(edges))]):
        change = changes.get(number, nothing)
        before = level - change.net
        points.append(_point(began, ended, before, level, change))
        level = before
    first = _point(edges[0], edges[0], level, level, nothing)
    return (first, *reversed(points))


def _point(began: datetime, ended: datetime, before: Tally, after: Tally, change: BucketChange) -> Point:
    return Point(
        began=began,
        at=ended,
        out_of_sync=after.out_of_sync,
        most=before.out_of_sync + max(change.highest_out_of_sync, 0),
        least=before.out_of_sync + min(change.lowest_out_of_sync, 0),
        most_either=before.out_of_sync + before.unknown + max(change.highest_either, 0),
        unknown=after.unknown,
        unknown_period=_unknown_period(began, ended, before, after, change),
    )


def _unknown_period(
    began: datetime, ended: datetime, before: Tally, after: Tally, change: BucketChange
) -> UnknownPeriod | None:
    most = before.unknown + max(change.highest_unknown, 0)
    if not most:
        return None
    return UnknownPeriod(
        began if before.unknown else change.unknown_rose_at or began,
        ended if after.unknown else change.unknown_fell_at or ended,
        most,
        max(before.managed, after.managed, most),
    )
