"""How chatbots came to stand as they do: transitions, the episodes of drift they make up, and a curve over time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from reconciler.domain.records import Chatbot
from reconciler.domain.status import Direction, Reason, Sync

SERVICE: Final = "service"
"""The cause of a transition that no run, apply, plan or source is known for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of where a chatbot stands, as one transaction left it; what came in between is not told.

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


@dataclass(frozen=True, slots=True)
class Point:
    """How many chatbots were OutOfSync at a moment."""

    at: datetime
    out_of_sync: int


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
    """Evenly spaced moments, one more than there are buckets between them."""
    width = (until - since) / buckets
    return (*(since + width * step for step in range(buckets)), until)


def curve(
    now: int, net: Iterable[tuple[datetime, int]], *, since: datetime, until: datetime, buckets: int
) -> tuple[Point, ...]:
    """How many chatbots were OutOfSync at evenly spaced moments: today's number, less what has come since.

    Args:
        now: How many are OutOfSync now.
        net: By how many that rose or fell at each moment from ``since`` on, in any order.
        since: The first moment.
        until: The last moment; not before ``since``.
        buckets: Into how many parts the time is divided.

    Returns:
        One point more than there are buckets, in order of time.
    """
    later = sorted(net)
    points = []
    for at in reversed(moments(since, until, buckets)):
        while later and later[-1][0] > at:
            now -= later.pop()[1]
        points.append(Point(at, now))
    return tuple(reversed(points))
