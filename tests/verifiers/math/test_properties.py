"""Properties of the whole verifier: symmetry, invariance under spelling, and no exception on any text."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from palaestra.verifiers import GoldError, MathPolicy, MathVerifier, Status, parse_gold

POLICIES = (
    MathPolicy(slow=False),
    MathPolicy(
        rules=("boxed", "whole"),
        order="any",
        repeats="ignored",
        brackets="any",
        ends="any",
        inequalities="intervals",
        units="optional",
        log="10",
        dates="mdy",
        separator=";;",
        slow=False,
    ),
)

numbers = st.one_of(
    st.integers(-30, 30).map(str),
    st.decimals(-9, 9, places=2).map(lambda d: f"{d:f}"),
    st.tuples(st.integers(-9, 9), st.integers(1, 9)).map(lambda f: f"\\frac{{{f[0]}}}{{{f[1]}}}"),
    st.integers(2, 50).map(lambda n: f"\\sqrt{{{n}}}"),
    st.sampled_from(
        [r"\pi", r"2\pi", r"\ln 2", r"\sin 30^\circ", r"e^{i\pi}", "1+i", "1011_2", "x", "x+1", "AB", "-x"]
    ),
)


def collections(items: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    rows = st.lists(items, min_size=1, max_size=3)
    pairs = st.tuples(items, items)
    return st.one_of(
        rows.map(lambda r: r"\{" + ",".join(r) + r"\}"),
        pairs.map(lambda p: f"({p[0]},{p[1]})"),
        pairs.map(lambda p: f"[{p[0]},{p[1]}]"),
        pairs.map(lambda p: f"({p[0]},{p[1]}]"),
        pairs.map(lambda p: f"{p[0]}, {p[1]}"),
        pairs.map(lambda p: f"{p[0]} < y \\le {p[1]}"),
        pairs.map(lambda p: f"z = {p[0]} + {p[1]}"),
        pairs.map(lambda p: f"{p[0]}y + {p[1]} = 0"),
        pairs.map(lambda p: f"\\begin{{pmatrix}}{p[0]}&{p[1]}\\end{{pmatrix}}"),
        items.map(lambda n: f"{n}\\text{{ km}}"),
    )


answers = st.one_of(numbers, collections(numbers))


def judge(answer: str, gold: str, policy: MathPolicy) -> Status | None:
    """The verdict's status; None when the gold cannot be used."""
    try:
        return MathVerifier(policy).verify(f"\\boxed{{{answer}}}", gold).status
    except GoldError:
        return None


def usable(text: str, policy: MathPolicy) -> bool:
    try:
        parse_gold(text, policy)
    except GoldError:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(answers, answers, st.sampled_from(POLICIES))
def test_the_verdict_is_symmetric(a: str, b: str, policy: MathPolicy) -> None:
    if usable(a, policy) and usable(b, policy):
        assert judge(a, b, policy) is judge(b, a, policy)


@settings(max_examples=150, deadline=None)
@given(answers, st.sampled_from(POLICIES))
def test_every_usable_answer_equals_itself(text: str, policy: MathPolicy) -> None:
    if usable(text, policy):
        assert judge(text, text, policy) is Status.RIGHT


def spaced(text: str) -> str:
    """The same with spaces and sizes that mean nothing."""
    for token in (",", "+", r"\}", ")", "]", "=", "<"):
        text = text.replace(token, f" {token} ")
    for token in ("(", "["):
        text = text.replace(token, f"\\left{token}\\, ")
    return f" $ {text} $ "


@settings(max_examples=150, deadline=None)
@given(answers, st.sampled_from(POLICIES))
def test_spacing_and_sizing_mean_nothing(text: str, policy: MathPolicy) -> None:
    if usable(text, policy):
        assert judge(spaced(text), text, policy) is Status.RIGHT


@settings(max_examples=100, deadline=None)
@given(numbers, numbers)
def test_brackets_and_equivalent_forms_mean_nothing(a: str, b: str) -> None:
    policy = POLICIES[0]
    for other in (f"({a})", f"{{{a}}}", f"({a})\\cdot 1", f"0+({a})", f"\\frac{{2({a})}}{{2}}", f"-(-({a}))"):
        assert judge(other, a, policy) is Status.RIGHT
    for form, again in (
        ("(({a}), ({b}))", "({a}, {b})"),
        (r"\{{ {a}, {b} \}}", r"\{{ {b}, {a} \}}"),
        ("({a})y + {b} = 0", "-2({a})y = 2({b})"),
    ):
        gold = again.format(a=a, b=b)
        if usable(gold, policy):
            assert judge(form.format(a=a, b=b), gold, policy) is Status.RIGHT


COMMANDS = r"\frac \sqrt \pi \sin \log \text{ \{ \} \cup \in \infty \le \neq \pm \\ ^\circ or and km 3:45"
ALPHABET = st.sampled_from(
    [*"0123456789.,;:+-*/^!%=()[]{}|<>_ $&xyziekm'", *COMMANDS.split(), r"\begin{pmatrix}", " or "]
)


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.lists(ALPHABET, max_size=30).map("".join), st.text(max_size=60)), st.sampled_from(POLICIES))
@example(r"\{x:y\in1\}", POLICIES[0])
def test_no_text_raises_as_an_answer_and_only_gold_error_as_a_gold(text: str, policy: MathPolicy) -> None:
    for gold in ("x+1", "(1,2)", r"\{1,2\}", r"10\text{ km}", "2x+y=3", "[1,3)", "3:45 pm"):
        verdict = MathVerifier(policy).verify(f"\\boxed{{{text}}}", gold)
        assert verdict.reason.isascii()
        assert verdict.reason.isprintable()
    with suppress(GoldError):
        MathVerifier(policy).verify(r"\boxed{(1,2)}", text)
