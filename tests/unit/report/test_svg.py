"""Charts as SVG: where things stand, and nothing that a browser would run."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.report.model import Chart, Picture, Series
from engine.report.svg import chart, nice_ticks, picture
from tests.support.example_reports import HOSTILE

CHART = Chart(
    title="T", reading="R", x_label="X", y_label="Y", x=(512.0, 1024.0, 2048.0),
    series=(
        Series("original", "Original", (10.0, 20.0, 40.0), low=(9.0, 19.0, 38.0),
               high=(11.0, 21.0, 42.0)),
        Series("converted", "Converted", (10.0, None, 12.0), out_of_memory=(False, True, False)),
    ),
    log_x=True,
)  # fmt: skip
_NS = "{http://www.w3.org/2000/svg}"


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
@example(268435456.0, 1.2e-7)
def test_ticks_are_few_and_hold_the_values(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span)
    assert 2 <= len(ticks) <= 7 and ticks == sorted(set(ticks))
    slack = 1e-6 * max(1.0, abs(low), span)
    assert ticks[0] <= low + slack and ticks[-1] >= low + span - slack


def test_twice_the_length_is_one_step_on_a_logarithmic_axis() -> None:
    root = ElementTree.fromstring(chart(CHART))
    circles = [float(c.get("cx", "")) for c in root.iter(f"{_NS}circle")][1:]  # first: the legend
    assert circles[1] - circles[0] == pytest.approx(circles[2] - circles[1], abs=0.2)
    linear = ElementTree.fromstring(chart(replace(CHART, log_x=False)))
    circles = [float(c.get("cx", "")) for c in linear.iter(f"{_NS}circle")][1:]
    assert circles[2] - circles[1] == pytest.approx(2 * (circles[1] - circles[0]), abs=0.3)


def test_larger_stands_higher_and_a_gap_stays_a_gap() -> None:
    root = ElementTree.fromstring(chart(CHART))
    heights = [float(c.get("cy", "")) for c in root.iter(f"{_NS}circle")][1:]
    assert heights[0] > heights[1] > heights[2]
    lines = [p.get("points", "").count(",") for p in root.iter(f"{_NS}polyline")]
    assert lines == [3, 1, 1]
    assert [t.text for t in root.iter(f"{_NS}text")].count("✕") == 1


def test_everything_lies_inside_the_picture() -> None:
    for drawn in (chart(CHART), chart(replace(CHART, log_x=False, x_limit=1024.0))):
        root = ElementTree.fromstring(drawn)
        width, height = map(float, root.get("viewBox", "").split()[2:])
        for part in root.iter():
            for name, most in (("cx", width), ("x", width), ("cy", height), ("y", height)):
                assert 0 <= float(part.get(name, 0)) <= most


def test_lines_that_coincide_are_both_seen_without_colours() -> None:
    same = {"y": (1.0, 2.0), "low": (0.5, 1.0), "high": (2.0, 3.0)}
    made = Chart(
        title="t", reading="r", x_label="x", y_label="y", x=(1, 2),
        series=(Series("original", "A", **same), Series("converted", "B", **same)),
    )  # fmt: skip
    root = ElementTree.fromstring(str(chart(made)))
    lines = [dict(one.attrib) for one in root.iter() if one.tag.endswith("polyline")]
    bands = [dict(one.attrib) for one in root.iter() if one.tag.endswith("polygon")]
    assert [one["stroke-dasharray"] for one in lines] == ["none", "6 3"]
    assert [one["stroke-dasharray"] for one in bands] == ["none", "6 3"]
    assert float(lines[0]["stroke-width"]) > float(lines[1]["stroke-width"])
    circle = next(one for one in root.iter() if one.tag.endswith("circle"))
    square = next(one for one in root.iter() if one.tag.endswith("rect"))
    assert 2 * float(circle.get("r", 0)) > float(square.get("width", 0)) + 2
    assert square.get("stroke") == "#FFFFFF"


def test_names_are_escaped() -> None:
    evil = replace(CHART, title=HOSTILE.replace("\x00", "").replace("\x0b", ""), y_label="<b>")
    text = str(chart(evil))
    assert "<script" not in text and "<b>" not in text and "<img" not in text
    ElementTree.fromstring(text)


@pytest.mark.parametrize("at_most", [True, False])
def test_the_picture_of_an_interval_shows_the_allowed_side(at_most: bool) -> None:
    text = str(picture(Picture(2.0, 1.0, 3.0, 4.0, at_most, "said")))
    rect = re.search(r'<rect x="([\d.]+)".*?width="([\d.]+)"', text)
    dot = re.search(r'<circle cx="([\d.]+)"', text)
    assert rect and dot and 'aria-label="said"' in text
    left, right = float(rect[1]), float(rect[1]) + float(rect[2])
    assert (left <= float(dot[1]) <= right) is at_most
    same = str(picture(Picture(0.0, 0.0, 0.0, 0.0, at_most, "said")))  # nothing to span
    assert "nan" not in same
