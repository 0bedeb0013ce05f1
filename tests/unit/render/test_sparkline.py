import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.domain.history import Point, UnknownPeriod
from reconciler.render.sparkline import HEIGHT, WIDTH, sparkline

START = datetime(2026, 3, 1, tzinfo=UTC)


def at(step: int) -> datetime:
    return START + timedelta(hours=12 * step)


def points(*counts: int) -> list[Point]:
    """One every twelve hours, with nothing between them that they do not show."""
    return [
        Point(began=at(max(step - 1, 0)), at=at(step), out_of_sync=count, most=count, least=count, most_either=count)
        for step, count in enumerate(counts)
    ]


def test_a_curve_is_drawn_in_whole_numbers_within_its_box() -> None:
    drawn = sparkline(points(0, 41, 7, 13), "T")

    assert drawn is not None
    assert re.fullmatch(r"M\d+ \d+(L\d+ \d+)+", drawn.line)
    places = [tuple(map(int, place)) for place in re.findall(r"(\d+) (\d+)", drawn.line)]
    assert [x for x, _ in places] == [0, 267, 533, WIDTH]
    assert all(0 <= y <= HEIGHT for _, y in places)
    assert places[1][1] < places[3][1] < places[2][1] < places[0][1], "more stands higher"
    assert drawn.area == f"{drawn.line}L{WIDTH} {HEIGHT}L0 {HEIGHT}Z"


def test_the_figures_say_what_is_drawn() -> None:
    drawn = sparkline(points(0, 41, 7, 13), "T")

    assert drawn is not None
    assert drawn.peak == points(0, 41)[1]
    assert [(each.day.day, each.most, each.last) for each in drawn.days] == [(2, 13, 13), (1, 41, 7)]
    assert drawn.text == ("0 on 2026-03-01, 13 on 2026-03-02; at most 41 on 2026-03-01, at least 0 on 2026-03-01.")


def test_a_fleet_without_drift_is_a_flat_line() -> None:
    drawn = sparkline(points(0, 0, 0), "T")

    assert drawn is not None
    assert len(set(re.findall(r" (\d+)", drawn.line))) == 1


def test_too_few_points_are_no_curve() -> None:
    assert sparkline([], "T") is None
    assert sparkline(points(3), "T") is None
    assert sparkline([points(1)[0], points(2)[0]], "T") is None


def test_a_peak_between_two_points_is_drawn_and_said() -> None:
    first, middle, last = points(1, 1, 2)
    drawn = sparkline([first, replace(middle, most=7, least=0, most_either=7), last], "T")

    assert drawn is not None
    assert (drawn.peak.most, drawn.peak.day.day) == (7, 1)
    assert "at most 7 on 2026-03-01, at least 0 on 2026-03-01." in drawn.text
    assert f"L{WIDTH // 4} 6L" in drawn.line, "the peak stands at the top, in the middle of its bucket"
    assert [(each.most, each.last) for each in drawn.days] == [(7, 2)]


def unknown_between(began: datetime, ended: datetime, *, chatbots: int = 3) -> UnknownPeriod:
    return UnknownPeriod(began, ended, chatbots, 9)


def test_the_curve_is_interrupted_while_chatbots_are_unknown() -> None:
    seen, begins, goes_on, ends, back = points(5, 2, 2, 5, 5)
    unknown = [
        replace(
            begins, most_either=5, unknown=3, unknown_period=unknown_between(START + timedelta(hours=3), begins.at)
        ),
        replace(goes_on, most_either=7, unknown=3, unknown_period=unknown_between(begins.at, goes_on.at)),
        replace(ends, unknown_period=unknown_between(goes_on.at, START + timedelta(hours=33))),
    ]
    drawn = sparkline([seen, *unknown, back], "T")

    assert drawn is not None
    assert drawn.line == "M600 28L800 28", "no line where nobody could see"
    assert drawn.area == f"M600 28L800 28L800 {HEIGHT}L600 {HEIGHT}Z"
    possible, seen_at_least = "M0 28L200 28L300 6L400 28L600 28", "L600 28L400 62L200 62L0 28Z"
    assert drawn.unknown_area == possible + seen_at_least
    assert drawn.unknown == "unknown for up to 3 of 9 from 2026-03-01 03:00 to 2026-03-02 09:00 (UTC)"
    assert drawn.text.endswith(f"; {drawn.unknown}.")
    assert [(each.unknown, each.unknown_last) for each in drawn.days] == [(3, 0), (3, 3)]


def test_what_is_unknown_now_does_not_look_like_a_fall() -> None:
    seen, lost = points(4, 0)
    drawn = sparkline([seen, replace(lost, unknown=4, unknown_period=unknown_between(at(1), at(1), chatbots=4))], "T")

    assert drawn is not None
    assert drawn.line == drawn.area == ""
    assert drawn.text.startswith("4 on 2026-03-01, 0 and 4 unknown on 2026-03-01; ")
    assert drawn.unknown.endswith(" to now (UTC)")


def test_many_times_of_unknown_are_told_by_the_latest() -> None:
    hour = timedelta(hours=1)
    flat = points(*[0] * 6)
    times = [replace(each, unknown_period=unknown_between(each.began + hour, each.at - hour)) for each in flat[1:]]
    drawn = sparkline([flat[0], *times], "T")

    assert drawn is not None
    assert drawn.unknown.startswith("unknown at 2 earlier times, unknown for up to 3 of 9 from 2026-03-02 01:00 to ")
    assert drawn.unknown.count("up to") == 3
