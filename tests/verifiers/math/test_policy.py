from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import pytest

from palaestra.verifiers import MathPolicy, MathVerifier

DOCUMENT = Path(__file__).parents[3] / "docs" / "math_verifier.md"


def table() -> list[list[str]]:
    """The rows of the policy's table: field, policy, answer, gold, verdict."""
    text = DOCUMENT.read_text().partition("## The policy")[2].partition("\n## ")[0]
    rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line[:1] == "|"
    ]
    return rows[2:]


def policy(text: str) -> MathPolicy:
    if text == "default":
        return MathPolicy()
    name, _, value = text.partition("=")
    read = {"rules": lambda v: (v,), "assignment": "True".__eq__, "slow": "True".__eq__}
    read |= dict.fromkeys(("tolerance", "relative_tolerance"), Fraction)
    return MathPolicy(**{name: read.get(name, str)(value)})


@pytest.mark.parametrize("row", table(), ids=lambda row: f"{row[1]} {row[2]} for {row[3]}")
def test_each_row_of_the_documented_table(row: list[str]) -> None:
    _, settings, answer, gold, verdict = row
    assert MathVerifier(policy(settings)).verify(answer, gold).status == verdict


def test_every_field_has_a_default_row_and_another() -> None:
    described = [row[0] for row in table() if row[0]]
    assert described == [field.name for field in fields(MathPolicy)]
    for field in fields(MathPolicy):
        assert any(row[1].startswith(f"{field.name}=") for row in table())


@pytest.mark.parametrize(
    "settings",
    [
        {"order": "sorted"},
        {"units": "ignored"},
        {"rules": ()},
        {"rules": ("boxed", "boxed")},
        {"rules": ("guess",)},
        {"tolerance": Fraction(-1)},
        {"tolerance": 0.1},
        {"relative_tolerance": Fraction(1)},
        {"tolerance": Fraction(1, 10), "relative_tolerance": Fraction(1, 10)},
        {"separator": " "},
        {"separator": "; " * 20},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(reversed(settings))):
        MathPolicy(**settings)  # type: ignore[arg-type]


def test_equal_policies_share_their_parsed_golds() -> None:
    a, b = MathPolicy(order="any"), MathPolicy(order="any")
    assert a == b
    assert hash(a) == hash(b)
    assert a != MathPolicy()
