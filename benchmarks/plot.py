"""Draws figures against the size of the fleet, both on logarithmic scales: what is flat does not grow with it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

Point = tuple[float, float]

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 250, 24, 48
_COLOURS: Final = ("#1b6ac9", "#c2410c", "#15803d", "#7c3aed", "#b91c1c", "#0f766e")
_FONT: Final = 'font-family="sans-serif" font-size="12"'
_ROOM_PX: Final = 16
"""Between the names beside the ends of the lines."""


def svg(series: Mapping[str, Sequence[Point]], *, x_name: str, y_name: str) -> str:
    """A picture of lines, each named at its end.

    Args:
        series: Name → points; every coordinate is larger than 0.
        x_name: What goes to the right, with its unit.
        y_name: What goes up, with its unit.
    """
    scale = _Scale.around([point for points in series.values() for point in points])
    parts = [*_axes(scale, x_name, y_name), *_lines(series, scale)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_FONT}>',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


class _Scale:
    """From figures to pixels, from one power of ten to another.

    Args:
        x: The first and the last exponent to the right.
        y: The first and the last one upwards.
    """

    def __init__(self, x: tuple[int, int], y: tuple[int, int]) -> None:
        self.x, self.y = x, y

    @classmethod
    def around(cls, points: Sequence[Point]) -> "_Scale":
        """A scale on which all of these can be seen."""
        xs, ys = zip(*points, strict=True)
        return cls(_exponents(xs), _exponents(ys))

    def at(self, point: Point) -> Point:
        """Where a point is drawn."""
        right = _part(point[0], self.x) * (_WIDTH - _LEFT - _RIGHT)
        up = _part(point[1], self.y) * (_HEIGHT - _TOP - _BOTTOM)
        return _LEFT + right, _HEIGHT - _BOTTOM - up


def _exponents(values: Sequence[float]) -> tuple[int, int]:
    first = math.floor(math.log10(min(values)))
    return first, max(first + 1, math.ceil(math.log10(max(values))))


def _part(value: float, exponents: tuple[int, int]) -> float:
    first, last = exponents
    return (math.log10(value) - first) / (last - first)


def _axes(scale: _Scale, x_name: str, y_name: str) -> Iterator[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for exponent in range(scale.x[0], scale.x[1] + 1):
        x, _ = scale.at((10.0**exponent, 10.0 ** scale.y[0]))
        yield f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#e5e7eb"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{10**exponent:,g}</text>'
    for exponent in range(scale.y[0], scale.y[1] + 1):
        _, y = scale.at((10.0 ** scale.x[0], 10.0**exponent))
        yield f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#e5e7eb"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**exponent:,g}</text>'
    yield f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 10}" text-anchor="middle">{escape(x_name)}</text>'
    yield (
        f'<text x="16" y="{(_TOP + bottom) / 2}" text-anchor="middle" '
        f'transform="rotate(-90 16 {(_TOP + bottom) / 2})">{escape(y_name)}</text>'
    )


def _lines(series: Mapping[str, Sequence[Point]], scale: _Scale) -> Iterator[str]:
    ends = {name: scale.at(points[-1]) for name, points in series.items()}
    free = float(_TOP)
    for number, name in enumerate(sorted(series, key=lambda name: ends[name][1])):
        colour = _COLOURS[number % len(_COLOURS)]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(scale.at, series[name]))
        yield f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>'
        free = max(free, ends[name][1])
        yield f'<text x="{ends[name][0] + 8:.1f}" y="{free + 4:.1f}" fill="{colour}">{escape(name)}</text>'
        free += _ROOM_PX
