"""Lines against the size of the fleet."""

import re
from xml.etree import ElementTree as ET

from benchmarks.plot import svg


def test_a_line_that_is_flat_is_drawn_flat_and_named() -> None:
    drawn = svg({"flat & low": [(100, 5), (10_000, 5)], "steep": [(100, 5), (10_000, 500)]}, x_name="x", y_name="y")
    ET.fromstring(drawn)  # noqa: S314  our own text
    lines = [
        [float(part.split(",")[1]) for part in points.split()] for points in re.findall(r'points="([^"]+)"', drawn)
    ]
    flat, steep = sorted(lines, key=lambda line: line[0] - line[-1])
    assert flat[0] == flat[-1]
    assert steep[0] > steep[-1]
    assert "flat &amp; low" in drawn
