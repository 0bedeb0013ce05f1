"""A small plot of how many chatbots were out of sync: the paths of an SVG in whole numbers, and the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from reconciler.domain.history import Point

WIDTH: Final = 800
HEIGHT: Final = 90
_TOP: Final = 6
_FLOOR: Final = 84
"""The zero line: below it, the stroke of a curve that lies on it is still seen."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day in figures.

    Attributes:
        most: The most chatbots that were out of sync.
        last: How many were at its end, or are now.
    """

    day: date
    most: int
    last: int


@dataclass(frozen=True, slots=True)
class Plot:
    """What is drawn, and what is told to those who do not see it.

    Attributes:
        line: The curve, as the ``d`` of a path.
        area: What lies below it.
        title: What it shows.
        text: The same in a sentence.
        peak: When most were out of sync; the latest such moment.
        days: The figures, newest first.
    """

    line: str
    area: str
    title: str
    text: str
    peak: Point
    days: Sequence[Day]

    @property
    def view_box(self) -> str:
        """What the SVG shows."""
        return f"0 0 {WIDTH} {HEIGHT}"


def plot(points: Sequence[Point], title: str) -> Plot | None:
    """Draw a curve; None when there are too few points for one.

    Args:
        points: In order of time.
        title: What it shows.
    """
    if len(points) < 2 or points[-1].at <= points[0].at:  # noqa: PLR2004 - one point is no curve
        return None
    peak = max(points, key=lambda point: (point.out_of_sync, point.at))
    line = _line(points, most=max(peak.out_of_sync, 1))
    days = _days(points)
    return Plot(
        line=line,
        area=f"{line}L{WIDTH} {HEIGHT}L0 {HEIGHT}Z",
        title=title,
        text=_text(points, peak),
        peak=peak,
        days=days,
    )


def _line(points: Sequence[Point], most: int) -> str:
    first, whole = points[0].at, points[-1].at - points[0].at
    places = [
        (round((point.at - first) / whole * WIDTH), round(_FLOOR - point.out_of_sync / most * (_FLOOR - _TOP)))
        for point in points
    ]
    return "M" + "L".join(f"{x} {y}" for x, y in places)


def _days(points: Sequence[Point]) -> tuple[Day, ...]:
    by_day: dict[date, list[int]] = {}
    for point in points:
        by_day.setdefault(point.at.date(), []).append(point.out_of_sync)
    return tuple(Day(day, max(counts), counts[-1]) for day, counts in reversed(by_day.items()))


def _text(points: Sequence[Point], peak: Point) -> str:
    least = min(points, key=lambda point: point.out_of_sync)
    return (
        f"{points[0].out_of_sync} on {_day(points[0])}, {points[-1].out_of_sync} on {_day(points[-1])}; "
        f"at most {peak.out_of_sync} on {_day(peak)}, at least {least.out_of_sync} on {_day(least)}."
    )


def _day(point: Point) -> str:
    return f"{point.at:%Y-%m-%d}"
