from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest

from palaestra.verifiers import MathPolicy, MathVerifier, Status, Verdict
from palaestra.verifiers.math import units
from palaestra.verifiers.optional import MissingLibrary

SAME = [
    (r"10\text{ km}", r"10\,\mathrm{km}"),
    ("1000 m", "1 km"),
    ("5 m/s", "18 km/h"),
    (r"5\,\mathrm{m\,s^{-1}}", r"18\text{ km/h}"),
    (r"3\times 10^8\ \mathrm{m \cdot s^{-1}}", r"3\times 10^5\text{ km/s}"),
    (r"5\,\text{m/s}^2", "5 m s^{-2}"),
    (r"60\text{ miles per hour}", "60 mph"),
    ("100 cm^2", r"0.01\text{ m}^2"),
    (r"3\text{ square feet}", "3 ft^2"),
    (r"2\text{ cubic metres}", "2000 L"),
    ("5 ft 3 in", "63 inches"),
    ("2 hours 30 minutes", r"150\text{ min}"),
    ("2 hours and 30 minutes", "2.5 h"),
    (r"20^\circ C", r"68^\circ\text{F}"),
    ("20 degrees Celsius", r"20^\circ C"),
    (r"25^\circ\mathrm{C}", r"25\text{ degrees Celsius}"),
    (r"25\text{ degrees Celsius}", r"298.15\text{ K}"),
    ("1 1/2 hours", "90 minutes"),
    (r"1.5\text{ million}", "1,500,000"),
    (r"\$1.5\text{ million}", r"\$1500000"),
    ("3 dozen eggs", "36 eggs"),
    (r"5\text{ boys and }6\text{ girls}", "6 girls and 5 boys"),
    (r"5\text{ m and }6\text{ m}", "5 m and 6 m"),
    (r"5\text{ km}/6", r"\frac56\text{ km}"),
    (r"5\ \mu m", r"0.005\text{ mm}"),
    (r"5\,\text{k}\Omega", "5000 ohms"),
    ("v = 5 km.", r"5\text{ km}"),
    ("\u00b0".join(["20", "C"]), "293.15 kelvin"),
    (r"\$10", "10 dollars"),
    ("$10", "1000 cents"),
    ("10\u20ac", r"10\text{ euros}"),
    ("\u20ac10", "10 euros"),
    ("5 apples", r"5\text{ apples}"),
    ("1 apple", "1 apples"),
    (r"5\sqrt2\text{ km}", r"5000\sqrt{2} m"),
    (r"\frac{\pi}{2}\text{ m}", r"50\pi\text{ cm}"),
    ("1,000 m", "1 km"),
    ("2xy", "2yx"),
    ("2AB", "AB+AB"),
    (r"30^\circ", "30 degrees"),
    (r"v=10\text{ km}", r"10000\text{ m}"),
    (r"v=5\text{ m/s}", r"v = 5\,\text{m/s}"),
    ("20 dB", r"20\text{ dB}"),
    ("5 kWh", "5000 Wh"),
    ("5 kPa", "5000 Pa"),
    (r"9.8\,\frac{\text{m}}{\text{s}^2}", "9.8 m/s^2"),
    (r"\frac12\frac{\text{J}}{\text{kg}\cdot\text{K}}", r"0.5\text{ J/(kg K)}"),
    ("2\u221a3 cm", r"2\sqrt{3}\text{ cm}"),
    (r"60\degree", r"60^\circ"),
    (r"20\degree C", r"20^{\degree}\text{C}"),
]
DIFFERENT = [
    (r"10\text{ miles}", r"10\text{ km}"),
    (r"1\text{ km}", "1000"),
    ("10", r"10\text{ km}"),
    (r"\$10", "10 euros"),
    (r"\$10", "10"),
    ("5 m", "5 s"),
    (r"v=5\text{ m/s}", r"w=5\text{ m/s}"),
    ("20 dB", "20 dBm"),
    ("3 decades", "3 years"),
    ("5 m^2", r"5\text{ m}"),
    ("5 apples", "5 oranges"),
    (r"1.5\text{ million}", "1.5"),
    ("5 km and 6 km", "11 km"),
    ("5 boys and 6 girls", "6 boys and 5 girls"),
    ("5 boys and 6 girls", "5 boys"),
    (r"\$5 \text{ and } \$6", r"\$11"),
    (r"9.8\,\frac{\text{s}^2}{\text{m}}", "9.8 m/s^2"),
    (r"5\frac{\text{J K}}{\text{kg}}", r"5\text{ J/(kg K)}"),
    (r"60\degree", "60"),
    ("2AB", "2BA"),
    (r"20^\circ\text{C}", "20"),
    (r"20^\circ C", r"20^\circ F"),
    (r"20^\circ", "20"),
    ("2 hours 30 minutes", "2.3 hours"),
    ("5 ft 3 s", "63 inches"),
]


def judge(answer: str, gold: str, **policy: object) -> Verdict:
    return MathVerifier(MathPolicy(**policy)).verify(f"\\boxed{{{answer}}}", gold)  # type: ignore[arg-type]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_same(a: str, b: str) -> None:
    assert judge(a, b).right, judge(a, b).reason
    assert judge(b, a).right


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different(a: str, b: str) -> None:
    assert judge(a, b).score == 0.0
    assert judge(b, a).score == 0.0


def test_a_missing_unit_is_forgiven_by_policy_and_a_wrong_one_never() -> None:
    assert judge("10", r"10\text{ km}", units="optional").right
    assert judge(r"10\text{ km}", "10", units="optional").right
    assert judge("30", r"30^\circ", units="optional").right
    assert judge("d = 10", r"10\text{ km}", units="optional").right
    assert not judge("11", r"10\text{ km}", units="optional").right
    assert not judge("10000", r"10\text{ km}", units="optional").right
    assert not judge("1.5", r"1.5\text{ million}", units="optional").right
    assert not judge(r"10\text{ miles}", r"10\text{ km}", units="optional").right
    assert not judge(r"30\text{ rad}", r"30^\circ", units="optional").right
    assert not judge(r"30^\circ", "30 radians", units="optional").right
    assert judge(r"30\text{ degrees}", r"30^\circ", units="optional").right


def test_a_tolerance_is_in_the_unit_of_the_gold() -> None:
    assert judge("10400 m", "10 km", tolerance=Fraction(1, 2)).right
    assert not judge("10600 m", "10 km", tolerance=Fraction(1, 2)).right


@pytest.mark.parametrize("unit", ["m" * 60, "m^99", "m" + "/s" * 500, "a b c d e f g h", "__import__", "m**9**9**9"])
def test_strange_units_are_only_wrong(unit: str) -> None:
    assert judge(f"10\\text{{ {unit}}}", r"10\text{ km}").score == 0.0


def test_without_pint_a_gold_with_a_unit_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "pint", None)
    with pytest.raises(MissingLibrary, match=r"pip install 'palaestra\[verifiers\]'"):
        judge(r"11\text{ furlongs}", r"11\text{ leagues}")
    assert judge(r"\$12", "12 dollars").right


def test_pint_is_imported_only_when_two_units_differ() -> None:
    code = """
import sys
from palaestra.verifiers import MathVerifier
verify = MathVerifier().verify
assert verify(r"\\boxed{10\\text{ km}}", r"10\\text{ km}").right
assert not verify(r"\\boxed{11\\text{ km}}", r"10\\text{ km}").right
assert not verify(r"\\boxed{11}", r"10\\text{ km}").right
assert "pint" not in sys.modules
assert verify(r"\\boxed{10000\\text{ m}}", r"10\\text{ km}").right
assert "pint" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_answer_in_another_unit_is_undecided_when_pint_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    gold = r"17\text{ versts}"
    MathVerifier().verify("", gold)

    def missing(name: str) -> None:
        raise MissingLibrary(f"{name} is not installed")

    monkeypatch.setattr(units, "require", missing)
    units._registry.cache_clear()
    units._by_pint.cache_clear()
    units._base.cache_clear()
    assert judge(r"17\text{ parsangs}", gold).status is Status.UNDECIDED
