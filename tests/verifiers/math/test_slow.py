"""The slow path beside math-verify itself, on pairs of every kind whose truth is known."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from palaestra.verifiers.math import slow
from palaestra.verifiers.math.last_resort import may_ask
from palaestra.verifiers.workers import Workers

PAIRS = r"""
# integers, decimals, fractions, mixed numbers
7 <=> 7
-12 <=> - 12
+4 <=> 4
007 <=> 7
7 </> 8
5 </> -5
1,234 <=> 1234
1{,}234{,}567 <=> 1234567
0.5 <=> \frac{1}{2}
.25 <=> \frac14
-1.5 <=> -\frac{3}{2}
0.125 <=> 1/8
0.333 </> \frac{1}{3}
0.333333 </> \frac{1}{3}
4.9999999 </> 5
5.0000001 </> 5
2/4 <=> \frac{1}{2}
\frac{-3}{4} <=> -\frac{3}{4}
\dfrac{6}{9} <=> \tfrac{2}{3}
\frac{2}{3} </> \frac{3}{2}
\frac{22}{7} </> \pi
1\frac{1}{2} <=> \frac{3}{2}
2\frac{3}{4} <=> 2.75
1\frac{1}{2} </> \frac{1}{2}
1000000007 </> 1000000009
2^{10} <=> 1024
2^{-3} <=> 0.125
3 \cdot 4 <=> 12
3 \times 4 </> 11
5! <=> 120
\binom{5}{2} <=> 10
1+10^{-20} </> 1
2^{100} </> 2^{100}+1
# percent and scientific notation
50\% <=> \frac{1}{2}
12.5\% <=> 0.125
1.5 \times 10^{3} <=> 1500
3\cdot10^{-2} <=> 0.03
6.02 \times 10^{23} </> 6.02 \times 10^{22}
3e5 </> 3
1e999999999 </> 1
# radicals
\sqrt{8} <=> 2\sqrt{2}
\sqrt{5+2\sqrt{6}} <=> \sqrt{2}+\sqrt{3}
\frac{1}{\sqrt{2}} <=> \frac{\sqrt{2}}{2}
\sqrt[3]{27} <=> 3
\sqrt[3]{2} </> \sqrt{2}
\sqrt{2} </> 1.41421356
\sqrt{2}+\sqrt{3} </> \sqrt{5}
\frac{1}{1+\sqrt{2}} <=> \sqrt{2}-1
\sqrt{12}-\sqrt{3} <=> \sqrt{3}
\sqrt{1000001} </> 1000
8^{1/3} <=> 2
# pi, e, trigonometry, logarithms
\frac{\pi}{4} <=> 0.25\pi
3.14159265 </> \pi
2\pi <=> \pi+\pi
e^{2} <=> e \cdot e
\ln e^3 <=> 3
\log_2 8 <=> 3
\log_{10} 1000 <=> 3
\ln 8 <=> 3\ln 2
\ln 2 </> \ln 3
\log_2 9 <=> 2\log_2 3
\sin\frac{\pi}{6} <=> \frac{1}{2}
\cos\frac{\pi}{4} <=> \frac{\sqrt{2}}{2}
\tan\frac{\pi}{4} <=> 1
\sin\frac{\pi}{3} </> \frac{1}{2}
\arctan 1 <=> \frac{\pi}{4}
\arcsin 1 </> \frac{\pi}{4}
\sin^2 x+\cos^2 x <=> 1
2\sin x\cos x <=> \sin(2x)
\cos(2x) </> 2\cos x
# polynomials and rational functions
(x+1)^2 <=> x^2+2x+1
x^2-1 <=> (x-1)(x+1)
\frac{x^2-1}{x-1} <=> x+1
3x+2y <=> 2y+3x
a(b+c) <=> ab+ac
x^3-y^3 <=> (x-y)(x^2+xy+y^2)
(x+1)^2 </> x^2+1
2x </> x^2
x+1 </> y+1
\frac{1}{x}+\frac{1}{y} <=> \frac{x+y}{xy}
\frac{a}{b} </> \frac{b}{a}
2^{n+1} <=> 2\cdot 2^n
2^{n+1} </> 2^n+1
\frac{n(n+1)}{2} <=> \frac{n^2+n}{2}
-(x-3) <=> 3-x
x^{2}y^{3} </> x^{3}y^{2}
# tuples, lists, sets
(1,2) <=> (1, 2)
(1,2) </> (2,1)
(1,2,3) </> (1,2)
(\frac{1}{2},0.5) <=> (0.5,\frac{1}{2})
(x+x,1) <=> (2x,1)
\{1,2,3\} <=> \{3,2,1\}
\{1,2\} </> \{1,2,3\}
\{1,2\} </> \{1,3\}
\{\sqrt{4},3\} <=> \{2,3\}
1,2,3 <=> 1, 2, 3
1,2,4 </> 1,2,3
\left(3,-4\right) <=> (3,-4)
\{1,2\} </> (1,2)
(0,0) </> (0,1)
\emptyset <=> \emptyset
# intervals and unions
(0,1) <=> (0, 1)
[0,1) <=> [0,1)
[0,1) </> (0,1]
[0,1] </> [0,2]
(-\infty,3] <=> (-\infty, 3]
(-\infty,3] </> (-\infty,3)
(-\infty,0)\cup(1,\infty) <=> (1,\infty)\cup(-\infty,0)
(-\infty,0)\cup(1,\infty) </> (-\infty,0)\cup[1,\infty)
[0,1]\cup[1,2] <=> [0,2]
[\frac{1}{2},\infty) <=> [0.5,\infty)
1<x<2 <=> (1,2)
x\ge 3 <=> [3,\infty)
# inequalities and equations
x\le 3 <=> 3\ge x
x<3 </> x\le 3
x<3 </> x>3
2x<6 <=> x<3
1<x<2 <=> 2>x>1
x=5 <=> 5
5 <=> x=5
x=5 </> x=6
x=5 </> y=5
y=2x+1 <=> y=1+2x
x+y=2 <=> 2x+2y=4
y=2x+1 <=> 2x-y+1=0
y=2x+1 </> y=2x-1
x^2+y^2=1 <=> 1=x^2+y^2
1=5 </> 5
2+2=5 </> 5
2+3=5 </> 5
x=3=7 </> 7
x\neq 3 </> x=3
# matrices
\begin{pmatrix}1&2\\3&4\end{pmatrix} <=> \begin{bmatrix}1&2\\3&4\end{bmatrix}
\begin{pmatrix}1&2\\3&4\end{pmatrix} </> \begin{pmatrix}1&3\\2&4\end{pmatrix}
\begin{pmatrix}1\\2\end{pmatrix} </> \begin{pmatrix}1&2\end{pmatrix}
\begin{pmatrix}0.5&\sqrt{4}\end{pmatrix} <=> \begin{pmatrix}\frac12&2\end{pmatrix}
\begin{pmatrix}1&0\\0&1\end{pmatrix} </> 1
# complex numbers
3+4i <=> 4i+3
3+4i </> 3-4i
i^2 <=> -1
(1+i)^2 <=> 2i
\frac{1+i}{2} <=> \frac{1}{2}+\frac{i}{2}
0.5+0.5i <=> \frac{1+i}{2}
e^{i\pi} <=> -1
e^{i\pi/3} <=> \frac{1}{2}+\frac{\sqrt{3}}{2}i
\sqrt{-4} <=> 2i
|3+4i| <=> 5
# bases
101_2 <=> 101_{2}
101_2 </> 5
1A_{16} </> 1B_{16}
# units, choices, words
10\text{ km} <=> 10\text{ km}
10\text{ km} </> 10\text{ miles}
10\text{ km} </> 10
5\text{ cm} </> 6\text{ cm}
\text{(B)} <=> \text{(B)}
A </> B
\text{B} <=> B
\text{even} <=> \text{even}
\text{even} </> \text{odd}
\text{yes} </> \text{no}
AB </> BA
silent </> listen
# other notation
|x-1| <=> |1-x|
\lfloor 2.7 \rfloor <=> 2
\sum_{k=1}^{3} k <=> 6
\int_0^1 x\,dx <=> \frac{1}{2}
x \to 3 </> x
5\,000 <=> 5000
7. <=> 7
\frac{1}{0} </> 5
\infty <=> \infty
\infty </> -\infty
"""

# Where the slow path decides otherwise than math-verify with its own defaults, and is right.
DIFFERENCES = {
    "six digits that agree are no equality": (
        *((r"0.333333", r"\frac{1}{3}"), (r"\sqrt{2}", "1.41421356"), ("3.14159265", r"\pi")),
    ),
    "a false equation is not its last side": (("1=5", "5"), ("2+2=5", "5"), ("2+3=5", "5"), ("x=3=7", "7")),
    "units are part of the answer": ((r"10\text{ km}", r"10\text{ miles}"), (r"10\text{ km}", "10")),
    "an inequality and its interval are the same set": (("1<x<2", "(1,2)"), (r"x\ge 3", r"[3,\infty)")),
}
# Where both are wrong: what the layers before the slow path settle.
LEFT_TO_THE_CALLER = {
    "letters commute": (("AB", "BA"), ("silent", "listen")),
    "a set of two is taken for a pair": ((r"\{1,2\}", "(1,2)"),),
    "inequalities are compared side by side": (("2x<6", "x<3"), ("1<x<2", "2>x>1")),
    "i is a letter": (
        *(("i^2", "-1"), ("(1+i)^2", "2i"), ("0.5+0.5i", r"\frac{1+i}{2}"), (r"e^{i\pi}", "-1"), ("|3+4i|", "5")),
        *((r"e^{i\pi/3}", r"\frac{1}{2}+\frac{\sqrt{3}}{2}i"), (r"\sqrt{-4}", "2i")),
    ),
    "a thin space separates two numbers": ((r"5\,000", "5000"),),
}


def pairs() -> Iterator[tuple[str, str, bool]]:
    for line in PAIRS.strip().splitlines():
        for mark, same in ((" <=> ", True), (" </> ", False)):
            if mark in line and not line.startswith("#"):
                answer, gold = line.split(mark)
                yield answer, gold, same


@pytest.fixture(scope="module")
def decisions() -> dict[tuple[str, str], bool | None]:
    asked = [(answer, gold) for answer, gold, _ in pairs()]
    return dict(zip(asked, (slow.decide(*pair) for pair in asked), strict=True))


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """math-verify with its own defaults, but for the timeouts."""
    folder = tmp_path_factory.mktemp("peer")
    (folder / "math_verify_alone.py").write_text(
        "import math_verify\n\n"
        "def parse(text):\n    return math_verify.parse(f'${text}$', parsing_timeout=None)\n\n"
        "def same(answer, gold):\n    return math_verify.verify(parse(gold), parse(answer), timeout_seconds=None)\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        workers = Workers("math_verify_alone:same", seconds=20)
        yield workers
        workers.close()


def flat(groups: dict[str, tuple[tuple[str, str], ...]]) -> set[tuple[str, str]]:
    return {pair for group in groups.values() for pair in group}


def test_there_are_pairs_enough() -> None:
    assert len({(answer, gold) for answer, gold, _ in pairs()}) >= 150


def test_the_slow_path_is_right_but_where_the_caller_settles(decisions: dict[tuple[str, str], bool | None]) -> None:
    assert {(answer, gold) for answer, gold, same in pairs() if decisions[answer, gold] is not same} == flat(
        LEFT_TO_THE_CALLER
    )


def test_it_differs_from_math_verify_on_purpose_only(
    decisions: dict[tuple[str, str], bool | None], peer: Workers
) -> None:
    differing = {pair for pair, same in decisions.items() if peer.call(*pair).value != same}
    assert differing == flat(DIFFERENCES)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("1=5", "5"),
        ("x=5", "5"),
        ("1<x<2", "(1,2)"),
        (r"x\ge 3", r"[3,\infty)"),
        (r"10\text{ km}", "10"),
        (r"\{1,2\}", r"\{2,1\}"),
        ("x+y=2", "2x+2y=4"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", "(1,2)"),
    ],
)
def test_the_decision_is_symmetric(answer: str, gold: str) -> None:
    assert slow.decide(answer, gold) == slow.decide(gold, answer)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (r"100000000!", "comparing the answer: no result within 1.5 s"),
        (r"\frac", "the answer does not parse"),
        ("", "the answer does not parse"),
        ("\ud800\0", "the answer does not parse"),
        ("(" * 17 + "5" + ")" * 17, "the answer nests brackets deeper than 16"),
        ("7" * 401, "the answer holds a number of more than 400 digits"),
        ("x" * 3000, "the answer is longer than 2048 characters"),
        ("5=5=5", "the answer is a chain of equations"),
    ],
)
def test_what_the_answer_did_is_false_and_told(answer: str, reason: str) -> None:
    assert slow.explain(answer, "5") == (False, reason)


@pytest.mark.parametrize("gold", [r"100000000!", r"\frac", "", "(" * 17 + "5" + ")" * 17, "1=2=3"])
def test_what_the_gold_did_is_undecided(gold: str) -> None:
    assert slow.decide("5", gold) is None


def test_text_in_an_answer_is_not_run() -> None:
    assert slow.decide(r"\text{__import__('os').system('touch /tmp/palaestra_was_here')}", "5") is False
    assert slow.decide("__import__('os').system('touch /tmp/palaestra_was_here')", "5") is False
    assert not os.path.exists("/tmp/palaestra_was_here")


def test_a_thread_decides_the_same() -> None:
    seen: list[bool | None] = []
    thread = threading.Thread(target=lambda: seen.extend(slow.decide(a, "2") for a in (r"\sqrt{4}", r"\sqrt{5}")))
    thread.start()
    thread.join()
    assert seen == [True, False]


def test_noting_asks_no_worker() -> None:
    with slow.noting() as noted:
        assert slow.decide("5", "5") is None
    assert noted == [("5", "5")]
    assert slow.decide("5", "5") is True


def test_a_limit_that_is_a_command_is_no_word() -> None:
    assert may_ask(r"\sum_{n=0}^\infty \frac{1}{2^n}")
    assert not may_ask(r"5 infty")
