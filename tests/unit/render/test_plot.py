import re
from datetime import UTC, datetime, timedelta

from reconciler.domain.history import Point
from reconciler.render.plot import HEIGHT, WIDTH, plot

START = datetime(2026, 3, 1, tzinfo=UTC)


def points(*counts: int) -> list[Point]:
    return [Point(START + timedelta(hours=12 * step), count) for step, count in enumerate(counts)]


def test_a_curve_is_drawn_in_whole_numbers_within_its_box() -> None:
    drawn = plot(points(0, 41, 7, 13), "T")

    assert drawn is not None
    assert re.fullmatch(r"M\d+ \d+(L\d+ \d+)+", drawn.line)
    places = [tuple(map(int, place)) for place in re.findall(r"(\d+) (\d+)", drawn.line)]
    assert [x for x, _ in places] == [0, 267, 533, WIDTH]
    assert all(0 <= y <= HEIGHT for _, y in places)
    assert places[1][1] < places[3][1] < places[2][1] < places[0][1], "more stands higher"
    assert drawn.area == f"{drawn.line}L{WIDTH} {HEIGHT}L0 {HEIGHT}Z"


def test_the_figures_say_what_is_drawn() -> None:
    drawn = plot(points(0, 41, 7, 13), "T")

    assert drawn is not None
    assert drawn.peak == points(0, 41)[1]
    assert [(each.day.day, each.most, each.last) for each in drawn.days] == [(2, 13, 13), (1, 41, 41)]
    assert drawn.text == ("0 on 2026-03-01, 13 on 2026-03-02; at most 41 on 2026-03-01, at least 0 on 2026-03-01.")


def test_a_fleet_without_drift_is_a_flat_line() -> None:
    drawn = plot(points(0, 0, 0), "T")

    assert drawn is not None
    assert len(set(re.findall(r" (\d+)", drawn.line))) == 1


def test_too_few_points_are_no_curve() -> None:
    assert plot([], "T") is None
    assert plot(points(3), "T") is None
    assert plot([Point(START, 1), Point(START, 2)], "T") is None
