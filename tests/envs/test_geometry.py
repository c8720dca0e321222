from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from palaestra.envs import Problem, sample_problem
from palaestra.envs.tasks.geometry.point_in_polygon import PointInPolygon
from palaestra.envs.tasks.geometry.polygon_area import PolygonArea
from palaestra.envs.tasks.geometry.polygons import contains, draw_polygon, twice_area
from palaestra.envs.tasks.geometry.triangle_geometry import TriangleGeometry, written

RNG = np.random.default_rng(0)


def crosses(p: tuple[int, int], q: tuple[int, int], r: tuple[int, int], s: tuple[int, int]) -> bool:
    """Whether two segments without a common end meet."""

    def turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
        return int(np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])))

    return turn(p, q, r) * turn(p, q, s) <= 0 and turn(r, s, p) * turn(r, s, q) <= 0


def test_polygons_do_not_cross_themselves() -> None:
    for corners in range(3, 13):
        for _ in range(10):
            polygon = draw_polygon(RNG, corners, 15)
            edges = list(zip(polygon, polygon[1:] + polygon[:1], strict=True))
            apart = [(e, f) for i, e in enumerate(edges) for f in edges[i + 2 :] if not set(e) & set(f)]
            assert len(set(polygon)) == corners
            assert not any(crosses(*e, *f) for e, f in apart)


def test_area_and_inside_agree_by_counting_lattice_points() -> None:
    for corners in (3, 5, 8, 11):
        polygon = draw_polygon(RNG, corners, 12)
        found = [contains(polygon, x, y) for x in range(-13, 14) for y in range(-13, 14)]
        boundary = sum(
            math.gcd(a[0] - b[0], a[1] - b[1]) for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True)
        )
        assert found.count(None) == boundary
        assert abs(twice_area(polygon)) == 2 * found.count(True) + boundary - 2  # Pick's theorem


def test_areas_are_read_as_numbers() -> None:
    problem = Problem("", "45/2", 1)
    assert all(PolygonArea().verify(problem, f"\\boxed{{{a}}}").right for a in ("45/2", "22.5", "\\frac{45}{2}"))
    assert PolygonArea().verify(problem, "\\boxed{45}").reason == "expected 45/2, got 45"
    assert "work it out" in PolygonArea().verify(problem, "\\boxed{|5 \\cdot 9 - 0 \\cdot 3|/2}").reason
    assert len(sample_problem(PolygonArea(corners=7), 1, 1).meta["polygon"]) == 7
    with pytest.raises(ValueError, match="from 3 to 20"):
        PolygonArea(corners=2)


POINTS = Problem("", {"inside": "AC", "count": 4}, 1)


@pytest.mark.parametrize("answer", ["A, C", "C, A", "\\{A, C\\}", "A and C", "\\text{A, C}", "AC"])
def test_points_are_listed_in_several_ways(answer: str) -> None:
    assert PointInPolygon().verify(POINTS, f"\\boxed{{{answer}}}").right


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("A", "C is inside"),
        ("A, B, C", "B is outside"),
        ("A, C, E", "'E' is none of A, B, C, D"),
        ("none", "A is inside"),
        ("", "names no point"),
        ("all of them", "is none of"),
        ("A" * 300, "more than 200"),
    ],
)
def test_a_misplaced_point_is_named(answer: str, reason: str) -> None:
    assert reason in PointInPolygon().verify(POINTS, f"\\boxed{{{answer}}}").reason


def test_no_point_inside_is_said_by_none() -> None:
    problem = Problem("", {"inside": "", "count": 4}, 1)
    assert all(PointInPolygon().verify(problem, f"\\boxed{{{a}}}").right for a in ("none", "None", "\\emptyset"))
    assert not PointInPolygon().verify(problem, "\\boxed{A}").right


def test_half_of_the_points_are_inside() -> None:
    for difficulty in (1, 5, 10):
        references = [sample_problem(PointInPolygon(), seed, difficulty).reference for seed in range(100)]
        share = sum(len(r["inside"]) for r in references) / sum(r["count"] for r in references)
        assert 0.35 < share < 0.65


def test_lengths_agree_with_coordinates() -> None:
    for difficulty in range(1, 11):
        for seed in range(20):
            problem = sample_problem(TriangleGeometry(), seed, difficulty)
            a, b, c = problem.meta["sides"]
            length = math.sqrt(Fraction(problem.reference["square"]))
            assert length == pytest.approx(measured(difficulty, a, b, c)), problem.prompt


def measured(difficulty: int, a: int, b: int, c: int) -> float:
    """The length asked for, by coordinates with C at the origin."""
    if difficulty == 2:
        return c * math.sin(math.acos(a / c))
    if difficulty <= 5:
        angle = math.radians(90 if difficulty < 5 else 120 if c % 2 else 60)
    else:
        angle = math.acos((a * a + b * b - c * c) / (2 * a * b))
    A, B = b * complex(math.cos(angle), math.sin(angle)), complex(a, 0)
    side = abs(A - B)
    if difficulty in (1, 5):
        return side
    if difficulty in (3, 7):
        return abs((A.conjugate() * B).imag) / side
    if difficulty == 4:
        return c * a / side
    if difficulty == 6:
        return abs(A + B) / 2
    centre = (A * B * (A - B).conjugate()) / (A.conjugate() * B - A * B.conjugate())
    circum = abs(centre)
    if difficulty == 8:
        return circum
    if difficulty == 9:
        return abs((a * A + b * B) / (a + b))
    return abs(centre - (a * A + b * B) / (a + b + side))


ROOT = Problem("", {"square": "20/9", "length": "\\frac{2\\sqrt{5}}{3}"}, 7)


@pytest.mark.parametrize(
    "answer",
    [
        "\\frac{2\\sqrt{5}}{3}",
        "2\\sqrt{5}/3",
        "\\sqrt{20}/3",
        "\\frac{10}{3\\sqrt{5}}",
        "\\sqrt{\\frac{20}{9}}",
        "\\frac{2}{3}\\sqrt{5}",
        "2\\sqrt5/3",
    ],
)
def test_any_exact_expression_of_a_length_is_right(answer: str) -> None:
    assert TriangleGeometry().verify(ROOT, f"\\boxed{{{answer}}}").right


@pytest.mark.parametrize(
    "answer",
    ["\\frac{2\\sqrt{5}}{4}", "1.4907", "\\sqrt{20}", "-\\frac{2\\sqrt{5}}{3}", "\\sqrt{20}/0", "", "2\\sqrt53"],
)
def test_other_lengths_are_wrong(answer: str) -> None:
    assert not TriangleGeometry().verify(ROOT, f"\\boxed{{{answer}}}").right


def test_whole_lengths_are_read_as_numbers_and_written_so() -> None:
    problem = Problem("", {"square": "25/1", "length": "5"}, 1)
    assert TriangleGeometry().verify(problem, "\\boxed{5}").right
    assert TriangleGeometry().verify(problem, "\\boxed{\\sqrt{25}}").right
    assert not TriangleGeometry().verify(problem, "\\boxed{-5}").right
    assert written(25, 4) == "5/2"
    assert written(20, 9) == "\\frac{2\\sqrt{5}}{3}"
    assert written(3, 1) == "\\sqrt{3}"
    assert written(9 * 59 * 59 * 61, 4) == "\\frac{177\\sqrt{61}}{2}"
