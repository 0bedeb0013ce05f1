"""Draws the number of chatbots out of sync as the paths of an SVG, and describes it in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby, pairwise
from typing import Final

from reconciler.domain.history import Point, UnknownPeriod

WIDTH: Final = 800
HEIGHT: Final = 90
_TOP: Final = 6
_FLOOR: Final = 84
"""The zero line: below it, the stroke of a curve that lies on it is still seen."""
_MAX_PERIODS: Final = 3
"""The largest number of periods of Unknown that are listed one by one."""

_Places = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class SparklineDay:
    """One day in figures.

    Attributes:
        most: The most chatbots that were out of sync.
        last: How many were at its end, or are now.
        unknown: The most chatbots that were Unknown at once.
        unknown_last: How many were at its end, or are now.
    """

    day: date
    most: int
    last: int
    unknown: int = 0
    unknown_last: int = 0


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The drawing, and its description for people who do not see it.

    Attributes:
        line: The curve, as the ``d`` of a path; it is interrupted while chatbots were Unknown.
        area: What lies below it.
        unknown_area: Where it may have run meanwhile: from those that were seen out of sync to these and the Unknown.
        title: What it shows.
        text: The same in a sentence.
        unknown: When how many chatbots were Unknown, in words; empty when none was.
        peak: When most were out of sync; the latest such bucket.
        days: The figures, newest first.
    """

    line: str
    area: str
    unknown_area: str
    title: str
    text: str
    unknown: str
    peak: Point
    days: Sequence[SparklineDay]

    @property
    def view_box(self) -> str:
        """The viewBox of the SVG."""
        return f"0 0 {WIDTH} {HEIGHT}"


def sparkline(points: Sequence[Point], title: str) -> Sparkline | None:
    """Draw a curve; None when there are too few points for one.

    Args:
        points: In order of time.
        title: What it shows.
    """
    if len(points) < 2 or points[-1].at <= points[0].at:  # noqa: PLR2004 - one point is no curve
        return None
    peak = max(points, key=lambda point: (point.most, point.at))
    periods = _joined(points)
    unknown = _unknown_text(periods, points[-1].at)
    line, area, unknown_area = _paths(points)
    return Sparkline(
        line=line,
        area=area,
        unknown_area=unknown_area,
        title=title,
        text=_text(points, peak, unknown),
        unknown=unknown,
        peak=peak,
        days=_days(points),
    )


def _paths(points: Sequence[Point]) -> tuple[str, str, str]:
    """The curve, what lies below it, and where it may have run while chatbots were Unknown."""
    buckets = [*pairwise(points)]
    scale = _scale(points, highest=max(1, *(point.most_either for point in points)))
    line, area, unknown_area = [], [], []
    for is_unknown, run in groupby(buckets, key=lambda bucket: bucket[1].unknown_period is not None):
        part = [*run]
        upper = _upper_edge(part, scale)
        if is_unknown:
            lower = [scale(point.at, point.out_of_sync) for point in (part[0][0], *(after for _, after in part))]
            unknown_area.append(f"{_path([*upper, *reversed(lower)])}Z")
        else:
            line.append(_path(upper))
            area.append(f"{_path([*upper, (upper[-1][0], HEIGHT), (upper[0][0], HEIGHT)])}Z")
    return "".join(line), "".join(area), "".join(unknown_area)


def _scale(points: Sequence[Point], *, highest: int) -> Callable[[datetime, int], tuple[int, int]]:
    first, span = points[0].at, points[-1].at - points[0].at
    return lambda moment, count: (
        round((moment - first) / span * WIDTH),
        round(_FLOOR - count / highest * (_FLOOR - _TOP)),
    )


def _upper_edge(buckets: Sequence[tuple[Point, Point]], scale: Callable[[datetime, int], tuple[int, int]]) -> _Places:
    """From the first bucket to the last; a peak that is at neither edge is drawn in the middle of its bucket."""
    begin = buckets[0][0]
    places = [scale(begin.at, begin.out_of_sync + begin.unknown)]
    for before, after in buckets:
        end = after.out_of_sync + after.unknown
        if after.most_either > max(before.out_of_sync + before.unknown, end):
            places.append(scale(before.at + (after.at - before.at) / 2, after.most_either))
        places.append(scale(after.at, end))
    return places


def _path(places: _Places) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in places)


def _days(points: Sequence[Point]) -> tuple[SparklineDay, ...]:
    days = [_day(day, [*bucket]) for day, bucket in groupby(points, key=lambda point: point.day)]
    return tuple(reversed(days))


def _day(day: date, points: Sequence[Point]) -> SparklineDay:
    last = points[-1]
    periods = [point.unknown_period.chatbots for point in points if point.unknown_period]
    return SparklineDay(
        day, max(point.most for point in points), last.out_of_sync, max(periods, default=0), last.unknown
    )


def _joined(points: Sequence[Point]) -> Sequence[UnknownPeriod]:
    """The times in which chatbots were Unknown, those that go on in the next bucket made one."""
    joined: list[UnknownPeriod] = []
    for period in (point.unknown_period for point in points if point.unknown_period):
        if joined and joined[-1].ended == period.began:
            last = joined.pop()
            chatbots, managed = max(last.chatbots, period.chatbots), max(last.managed, period.managed)
            joined.append(replace(last, ended=period.ended, chatbots=chatbots, managed=managed))
        else:
            joined.append(period)
    return joined


def _unknown_text(periods: Sequence[UnknownPeriod], until: datetime) -> str:
    """When how many were Unknown; the latest times, in order."""
    shown = [_period_text(period, until) for period in periods[-_MAX_PERIODS:]]
    earlier = len(periods) - len(shown)
    return ", ".join(
        [*([f"unknown at {earlier} earlier {'time' if earlier == 1 else 'times'}"] if earlier else []), *shown]
    )


def _period_text(period: UnknownPeriod, until: datetime) -> str:
    ended = "now" if period.ended == until else f"{period.ended:%Y-%m-%d %H:%M}"
    return (
        f"unknown for up to {period.chatbots} of {period.managed} from {period.began:%Y-%m-%d %H:%M} to {ended} (UTC)"
    )


def _text(points: Sequence[Point], peak: Point, unknown: str) -> str:
    first, last = points[0], points[-1]
    least = min(points, key=lambda point: point.least)
    sentence = (
        f"{_count(first)} on {_when(first)}, {_count(last)} on {last.at:%Y-%m-%d}; at most {peak.most} on {_when(peak)}"
    )
    return "; ".join([f"{sentence}, at least {least.least} on {_when(least)}", *([unknown] if unknown else [])]) + "."


def _count(point: Point) -> str:
    return f"{point.out_of_sync} and {point.unknown} unknown" if point.unknown else str(point.out_of_sync)


def _when(point: Point) -> str:
    return f"{point.day:%Y-%m-%d}"
