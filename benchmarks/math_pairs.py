"""Fresh pairs of answer and gold of many kinds, whose truth is known because they were made from the same parts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

NUMERIC = 0.6  # share of the pairs whose gold is a plain number
WRONG = 0.4  # share of the pairs whose answer is wrong


@dataclass(frozen=True, slots=True)
class Pair:
    """``same``: whether the answer is right."""

    kind: str
    answer: str
    gold: str
    same: bool


def pairs(count: int, seed: int) -> Iterator[Pair]:
    """``count`` pairs, ``NUMERIC`` of them with a number as the gold, the others of each other kind equally often."""
    rng = random.Random(seed)
    for index in range(count):
        kinds = NUMBERS if rng.random() < NUMERIC else OTHERS
        make = kinds[index % len(kinds)]
        gold, right, wrong = make(rng)
        same = rng.random() >= WRONG
        yield Pair(make.__name__.strip("_").replace("_", " "), right if same else wrong, gold, same)


Made = tuple[str, str, str]  # gold, a right answer, a wrong answer


def _integer(rng: random.Random) -> Made:
    n = rng.choice((rng.randint(-99, 99), rng.randint(1000, 10**7)))
    return str(n), rng.choice((str(n), f"{n:,}")), str(n + rng.choice((-10, -1, 1, 2, 10)))


def _fraction(rng: random.Random) -> Made:
    value = Fraction(rng.randint(1, 99), rng.choice((3, 7, 9, 11, 12, 13)))
    factor = rng.randint(2, 9)
    a, b = value.numerator, value.denominator
    right = rng.choice((rf"\frac{{{a}}}{{{b}}}", f"{a}/{b}", rf"\frac{{{a * factor}}}{{{b * factor}}}"))
    return rf"\frac{{{a}}}{{{b}}}", right, rf"\frac{{{a + 1}}}{{{b}}}"


def _decimal(rng: random.Random) -> Made:
    n = rng.randint(1, 9999) * 4 + 1
    value = Fraction(n, 100)
    return str(float(value)), rf"\frac{{{n}}}{{100}}", str(float(value + Fraction(1, 10)))


def _mixed_number(rng: random.Random) -> Made:
    whole, b = rng.randint(1, 20), rng.randint(3, 9)
    a = rng.randint(1, b - 1)
    value = whole + Fraction(a, b)
    gold = rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
    return gold, rf"{whole}\frac{{{a}}}{{{b}}}", rf"{whole + 1}\frac{{{a}}}{{{b}}}"


def _percent(rng: random.Random) -> Made:
    n = rng.randint(1, 99)
    return str(n / 100), rf"{n}\%", rf"{n + 1}\%"


def _scientific(rng: random.Random) -> Made:
    n, power = rng.randint(11, 99), rng.randint(3, 8)
    return str(n * 10 ** (power - 1)), rf"{n / 10} \times 10^{{{power}}}", rf"{n / 10} \times 10^{{{power + 1}}}"


def _radical(rng: random.Random) -> Made:
    a, b = rng.randint(2, 9), rng.choice((2, 3, 5, 6, 7))
    return rf"{a}\sqrt{{{b}}}", rf"\sqrt{{{a * a * b}}}", rf"\sqrt{{{a * a * b + 1}}}"


def _constant(rng: random.Random) -> Made:
    a, b = rng.randint(2, 9), rng.choice((3, 5, 7))
    return rf"\frac{{{a}\pi}}{{{b}}}", rf"{a}\cdot\frac{{\pi}}{{{b}}}", rf"\frac{{{a}\pi}}{{{b + 1}}}"


def _function(rng: random.Random) -> Made:
    a, n = rng.choice((2, 3, 5)), rng.randint(2, 6)
    return rng.choice(
        (
            (rf"{n}\ln {a}", rf"\ln {a**n}", rf"\ln {a**n + 1}"),
            (rf"\log_{{{a}}} {a**n}", str(n), str(n + 1)),
            (r"\sin\frac{\pi}{3}", r"\frac{\sqrt{3}}{2}", r"\frac{\sqrt{2}}{2}"),
            (r"\tan\frac{\pi}{4}", rf"\frac{{{n}}}{{{n}}}", rf"\frac{{{n + 1}}}{{{n}}}"),
        )
    )


def _polynomial(rng: random.Random) -> Made:
    a, b = rng.randint(1, 9), rng.randint(1, 9)
    expanded = f"x^2+{a + b}x+{a * b}"
    return f"(x+{a})(x+{b})", expanded, f"x^2+{a + b}x+{a * b + 1}"


def _rational_function(rng: random.Random) -> Made:
    a = rng.randint(2, 15)
    return rf"\frac{{1}}{{x-{a}}}", rf"\frac{{x+{a}}}{{x^2-{a * a}}}", rf"\frac{{x-{a}}}{{x^2-{a * a}}}"


def _tuple(rng: random.Random) -> Made:
    a, b = rng.sample(range(-9, 30), 2)
    return f"({a},{b})", rf"\left({a}, {b}\right)", f"({b},{a})"


def _list(rng: random.Random) -> Made:
    a, b, c = rng.sample(range(1, 40), 3)
    return f"{a},{b},{c}", f"{a}, {b}, {c}", f"{a}, {b}, {c + 50}"


def _set(rng: random.Random) -> Made:
    a, b, c = rng.sample(range(1, 40), 3)
    return rf"\{{{a},{b},{c}\}}", rf"\{{{c}, {a}, {b}\}}", rf"\{{{a}, {b}, {c + 50}\}}"


def _interval(rng: random.Random) -> Made:
    a, b = sorted(rng.sample(range(-20, 40), 2))
    return f"[{a},{b})", rf"\left[{a}, {b}\right)", f"({a},{b}]"


def _union(rng: random.Random) -> Made:
    a, b = sorted(rng.sample(range(-20, 40), 2))
    gold = rf"(-\infty,{a})\cup({b},\infty)"
    return gold, rf"({b},\infty)\cup(-\infty,{a})", rf"(-\infty,{a}]\cup({b},\infty)"


def _inequality(rng: random.Random) -> Made:
    a = rng.randint(-20, 40)
    return rf"x \le {a}", rf"{a} \ge x", rf"x < {a}"


def _equation(rng: random.Random) -> Made:
    a, b = rng.randint(2, 9), rng.randint(1, 9)
    return f"y={a}x+{b}", f"{a}x-y+{b}=0", f"y={a}x-{b}"


def _assignment(rng: random.Random) -> Made:
    a = rng.randint(-50, 50)
    return str(a), f"x={a}", f"x={a + 1}"


def _matrix(rng: random.Random) -> Made:
    a, b, c, d = rng.sample(range(10), 4)
    gold = rf"\begin{{pmatrix}}{a}&{b}\\{c}&{d}\end{{pmatrix}}"
    return gold, rf"\begin{{bmatrix}}{a} & {b} \\ {c} & {d}\end{{bmatrix}}", gold.replace(f"{a}&{b}", f"{b}&{a}")


def _complex_number(rng: random.Random) -> Made:
    a, b = rng.randint(1, 9), rng.randint(2, 9)
    return f"{a}+{b}i", f"{b}i+{a}", f"{a}-{b}i"


def _base(rng: random.Random) -> Made:
    n = rng.randint(4, 60)
    return f"{n:b}_2", f"{n:b}_{{2}}", f"{n + 1:b}_2"


def _unit(rng: random.Random) -> Made:
    n = rng.randint(1, 99)
    return rf"{n}\text{{ km}}", rf"{n} \text{{ km}}", rf"{n}\text{{ miles}}"


def _choice(rng: random.Random) -> Made:
    a, b = rng.sample("ABCDE", 2)
    return rf"\text{{({a})}}", f"({a})", rf"\text{{({b})}}"


def _word(rng: random.Random) -> Made:
    a, b = rng.sample(("even", "odd", "east", "west", "Tuesday", "Friday", "ellipse", "circle"), 2)
    return rf"\text{{{a}}}", a, rf"\text{{{b}}}"


def _time(rng: random.Random) -> Made:
    hour, minute = rng.randint(1, 11), rng.randint(10, 49)
    return rf"{hour}:{minute}\text{{ pm}}", rf"{hour}:{minute} \text{{ pm}}", rf"{hour}:{minute + 5}\text{{ pm}}"


NUMBERS: tuple[Callable[[random.Random], Made], ...] = (
    *(_integer, _fraction, _integer, _decimal, _integer, _mixed_number, _fraction, _percent, _integer, _scientific),
)
OTHERS: tuple[Callable[[random.Random], Made], ...] = (
    *(_radical, _constant, _function, _polynomial, _rational_function, _tuple, _list, _set, _interval, _union),
    *(_inequality, _equation, _assignment, _matrix, _complex_number, _base, _unit, _choice, _word, _time),
)

HOSTILE = (
    *("9**9**9**9", r"\frac{7^{(7^{(7^{(7^7)})}-3)}-7}{12}", "100000000!", "((20!)!)!", r"\prod_{k=1}^{10000000} k"),
    *(r"\int_0^1 \sin(x^{x^x})\cos(e^{x})\,dx", r"\sqrt{2+" * 200, "(" * 500 + "5" + ")" * 500, "7" * 10**6),
    *(r"\tan(10^{10^{10}})", "(x+1)^{3000}", r"\binom{10000000}{5000000}", "+".join(["x^2"] * 2000)),
    *(r"\sum_{k=1}^{1000000000} \frac{1}{k}", r"\begin{pmatrix}" + r"1&2&3&4\\" * 900 + r"\end{pmatrix}"),
    *(r"\{" + ",".join(map(str, range(3000))) + r"\}", "{" * 10**5),
)
