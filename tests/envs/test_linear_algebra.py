from __future__ import annotations

import itertools
from fractions import Fraction
from math import prod

import numpy as np
import pytest

from palaestra.envs import Problem, sample_problem
from palaestra.envs.tasks.linear_algebra.determinant import Determinant
from palaestra.envs.tasks.linear_algebra.eigenvalues import Eigenvalues, characteristic
from palaestra.envs.tasks.linear_algebra.matrices import (
    Matrix,
    determinant,
    multiply,
    read_matrix,
    read_vector,
    reduced,
)
from palaestra.envs.tasks.linear_algebra.matrix_product import MatrixProduct
from palaestra.envs.tasks.linear_algebra.null_vector import NullVector

RNG = np.random.default_rng(0)


def leibniz(matrix: Matrix) -> int:
    """The determinant as a sum over permutations."""
    n = len(matrix)
    total = 0
    for order in itertools.permutations(range(n)):
        inversions = sum(order[i] > order[j] for i in range(n) for j in range(i + 1, n))
        total += (-1) ** inversions * prod(matrix[i][order[i]] for i in range(n))
    return total


@pytest.mark.parametrize("n", range(2, 6))
def test_determinants_are_sums_over_permutations(n: int) -> None:
    for _ in range(60):
        matrix = RNG.integers(-2, 3, (n, n)).tolist()  # with zeros, for the exchange of rows
        assert determinant(matrix) == leibniz(matrix)
    assert all(sample_problem(Determinant(), seed, 1).reference for seed in range(50))
    with pytest.raises(ValueError, match="from 2 to 8"):
        Determinant(size=1)


def test_determinants_are_read_as_numbers() -> None:
    problem = Problem("", -12, 1)
    assert Determinant().verify(problem, "\\boxed{-12}").right
    assert Determinant().verify(problem, "\\boxed{2 \\cdot 3 - 18}").right
    assert Determinant().verify(problem, "\\boxed{12}").reason == "expected -12, got 12"
    assert "work it out" in Determinant().verify(problem, "\\boxed{2 \\cdot 3 - 6 \\cdot 3}").reason


PRODUCT = Problem("", [[1, -2], [3, 4]], 1)


@pytest.mark.parametrize(
    "answer",
    [
        "[[1, -2], [3, 4]]",
        "[[1,-2],[3,4]]",
        "\\begin{pmatrix} 1 & -2 \\\\ 3 & 4 \\end{pmatrix}",
        "\\begin{bmatrix}1&-2\\\\3&2+2\\end{bmatrix}",
        "AB = \\begin{pmatrix} 1 & -2 \\\\ 3 & 4 \\end{pmatrix}",
    ],
)
def test_a_product_is_read_in_several_ways(answer: str) -> None:
    assert MatrixProduct().verify(PRODUCT, f"\\boxed{{{answer}}}").right


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("[[1, -2], [3, 5]]", "row 2, column 2 is 4, not 5"),
        ("[[1, -2]]", "2 rows and 2 columns"),
        ("[[1, -2], [3]]", "2 rows and 2 columns"),
        ("[[1, -2], [3, 4], [0, 0]]", "2 rows and 2 columns"),
        ("1, -2, 3, 4", "expected"),
        ("[[1, -2], [3, 4]", "cannot be used"),
        ("[[1*3+2*(-1), 1*(-4)+2*1], [3*3+6*(-1), 3*4+8*(-1)]]", "not worked out"),
    ],
)
def test_a_wrong_product_is_told_where(answer: str, reason: str) -> None:
    verdict = MatrixProduct().verify(PRODUCT, f"\\boxed{{{answer}}}")
    assert not verdict.right
    assert reason in verdict.reason


def test_products_agree_with_numpy() -> None:
    for difficulty in range(1, 11):
        problem = sample_problem(MatrixProduct(), 1, difficulty)
        product = np.linalg.multi_dot([np.array(f) for f in problem.meta["factors"]])
        assert product.tolist() == problem.reference


def test_eigenvalues_are_the_roots_of_the_characteristic_polynomial() -> None:
    for difficulty in range(1, 11):
        for seed in range(4):
            problem = sample_problem(Eigenvalues(), seed, difficulty)
            matrix, values = problem.meta["matrix"], problem.reference["eigenvalues"]
            n = len(matrix)
            for t in range(-4, 5):
                shifted = [[(t if i == j else 0) - matrix[i][j] for j in range(n)] for i in range(n)]
                assert determinant(shifted) == prod(t - v for v in values)
                assert sum(c * t ** (n - k) for k, c in enumerate(characteristic(matrix))) == prod(
                    t - v for v in values
                )


REPEATED = Problem("", {"eigenvalues": [-1, 2, 2]}, 1)


@pytest.mark.parametrize(
    "answer", ["-1, 2, 2", "2,-1,2", "\\{2, 2, -1\\}", "[2, -1, 2]", "\\lambda_1 = 2, \\lambda_2 = -1, \\lambda_3 = 2"]
)
def test_eigenvalues_come_in_any_order(answer: str) -> None:
    assert Eigenvalues().verify(REPEATED, f"\\boxed{{{answer}}}").right


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("-1, 2", "2 numbers instead of 3"),
        ("-1, -1, 2", "-1 is an eigenvalue of multiplicity 1"),
        ("-1, 2, 3", "3 is an eigenvalue of multiplicity 0"),
        ("-1, 2, 5/2", "5/2 is an eigenvalue of multiplicity 0"),
        ("all", "cannot be used"),
        ("-1, \\frac{3 + \\sqrt{1^2 + 4 \\cdot 0}}{2}, 2", "not worked out"),
        ("", "cannot be used"),
    ],
)
def test_wrong_eigenvalues_are_named(answer: str, reason: str) -> None:
    verdict = Eigenvalues().verify(REPEATED, f"\\boxed{{{answer}}}")
    assert not verdict.right
    assert reason in verdict.reason or verdict.reason.startswith("expected")


SINGULAR = Problem("", {"matrix": [[1, 2, -5], [0, 1, -2]]}, 1)  # takes (1, 2, 1) to zero


@pytest.mark.parametrize(
    "answer",
    [
        "(1, 2, 1)",
        "(-2, -4, -2)",
        "1/2, 1, 1/2",
        "[\\frac{1}{2}, 1, 0.5]",
        "\\begin{pmatrix} 1 \\\\ 2 \\\\ 1 \\end{pmatrix}",
        "(1, 2, 1)^T",
        "x = 1, y = 2 and z = 1",
        "1; 2; 1",
    ],
)
def test_any_null_vector_is_right(answer: str) -> None:
    assert NullVector().verify(SINGULAR, f"\\boxed{{{answer}}}").right


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("(0, 0, 0)", "zero vector"),
        ("(1, 2, 0)", "row 1 times the vector is 5, not 0"),
        ("(3, 1, 1)", "row 2 times the vector is -1, not 0"),
        ("(1, 2)", "2 numbers instead of 3"),
        ("(1, 2, 1, 0)", "4 numbers instead of 3"),
        ("(1, 2, t)", "'t' is no whole number"),
        ("(1, 2, 1/0)", "no whole number"),
        ("(1, 2 1)", "'2 1' is no whole number"),
        ("", "no whole number"),
        ("9" * 3000, "more than 2000"),
    ],
)
def test_a_wrong_null_vector_is_told_why(answer: str, reason: str) -> None:
    assert reason in NullVector().verify(SINGULAR, f"\\boxed{{{answer}}}").reason


def test_null_vectors_are_unique_but_for_a_factor() -> None:
    for difficulty in range(1, 11):
        for seed in range(10):
            matrix = sample_problem(NullVector(), seed, difficulty).reference["matrix"]
            assert np.linalg.matrix_rank(np.array(matrix)) == len(matrix[0]) - 1 == len(reduced(matrix)[1])


def test_matrices_and_vectors_are_read() -> None:
    assert read_matrix("[[1, 2], [3, -4]]") == [[1, 2], [3, -4]]
    assert read_matrix("[[1, 2], [3, -4]") is None
    assert read_matrix("[[1, x]]") is None
    assert read_vector("\\left(1, -\\tfrac{2}{3}\\right)") == [1, Fraction(-2, 3)]
    assert multiply([[1, 2]], [[3], [4]]) == [[11]]
