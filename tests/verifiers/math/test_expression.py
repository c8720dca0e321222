from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palaestra.verifiers import (
    Irrational,
    Node,
    Number,
    Operation,
    ParseError,
    Symbol,
    TooLarge,
    Undefined,
    evaluate,
    parse_expression,
)
from palaestra.verifiers.math.cursor import MAX_NESTING
from palaestra.verifiers.math.tokens import FUNCTIONS, MAX_DIGITS, MAX_LENGTH, SEVERAL
from palaestra.verifiers.math.tree import MAX_DEPTH


def number(value: int | str) -> Number:
    return Number(Fraction(value))


def show(node: Node) -> str:
    """Text with every bracket written, which parses to the same tree."""
    if isinstance(node, Number):
        whole, thousandths = divmod(int(node.value * 1000), 1000)
        return f"{whole}.{thousandths:03d}" if thousandths else str(whole)
    if isinstance(node, Symbol):
        return node.name if len(node.name) == 1 else f"\\text{{{node.name}}}"
    args = [f"({show(arg)})" if isinstance(arg, Operation) else show(arg) for arg in node.args]
    if node.op == "-":
        return f"(-{args[0]})"
    if node.op in ("!", "%"):
        return f"({args[0]}){node.op}"
    if node.op == "sqrt":
        return f"sqrt({args[0]})"
    if node.op == "root":
        return f"\\sqrt[{args[1]}]{{{args[0]}}}"
    if node.op == "binom":
        return f"\\binom{{{args[0]}}}{{{args[1]}}}"
    if node.op == "log":
        return f"\\log_{{{args[1]}}}({args[0]})"
    if node.op == "deg":
        return f"({args[0]})^\\circ"
    if node.op == "abs":
        return f"(|{args[0]}|)"
    if node.op in ("floor", "ceil"):
        return f"\\l{node.op} {args[0]}\\r{node.op}"
    if node.op in FUNCTIONS | SEVERAL:
        return f"\\{node.op}({', '.join(args)})"
    return node.op.join(args)


leaves = st.one_of(
    st.integers(0, 10**6).map(lambda n: Number(Fraction(n, 1000))),
    st.sampled_from([Symbol("x"), Symbol("y"), Symbol("km"), Symbol("North pole")]),
)


def operations(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    def of(op: str, low: int, high: int) -> st.SearchStrategy[Node]:
        return st.lists(children, min_size=low, max_size=high).map(lambda args: Operation(op, tuple(args)))

    one = st.sampled_from(["-", "!", "%", "sqrt", "deg", *sorted(FUNCTIONS)]).flatmap(lambda op: of(op, 1, 1))
    two = st.sampled_from(["/", "^", "root", "log", "binom"]).flatmap(lambda op: of(op, 2, 2))
    many = st.sampled_from(["+", "*", *sorted(SEVERAL)]).flatmap(lambda op: of(op, 2, 4))
    return st.one_of(one, two, many)


nodes: st.SearchStrategy[Node] = st.recursive(leaves, operations, max_leaves=12)


@settings(max_examples=300)
@given(nodes)
def test_a_tree_survives_printing_and_parsing(node: Node) -> None:
    assert parse_expression(show(node)) == node


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=80), st.text(alphabet="0123456789.,+-*/^!%=()[]{}\\xye_ $fracsqt", max_size=60)))
def test_any_text_parses_or_raises_parse_error(text: str) -> None:
    try:
        node = parse_expression(text)
    except ParseError as error:
        message = str(error)
        assert message.isascii() and message.isprintable()  # noqa: PT018
        return
    with suppress(Undefined, TooLarge):
        evaluate(node)


def test_literals_stay_as_written_and_minus_is_an_operation() -> None:
    product = Operation("*", (number(2), number("0.5")))
    assert parse_expression("-3 - 2*.5") == Operation("+", (Operation("-", (number(3),)), Operation("-", (product,))))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(3+5)*7-2", "54"),
        ("2^3^2", "512"),
        ("-2^2", "-4"),
        ("2**-1", "1/2"),
        ("12/2/3", "2"),
        ("1/2(4)", "2"),
        (r"\frac12", "1/2"),
        (r"\dfrac{1}{2}+\frac1{4}", "3/4"),
        (r"1\frac{1}{2}", "3/2"),
        (r"-1\frac12", "-3/2"),
        ("1 1/2", "3/2"),
        (r"-12\ 1/2", "-25/2"),
        (r"12 1/2\%", "1/8"),
        ("4-1 1/2", "5/2"),
        (r"\left(2\right)\cdot 3 \times 4 \div 5", "24/5"),
        ("1,234,567.5", "2469135/2"),
        (r"5{,}000", "5000"),
        (r"5\,000", "5000"),
        (r"5,\!000", "5000"),
        (r"1\;000\ 000", "1000000"),
        (r"2(5\,000+1,\!000)", "12000"),
        (r"\max(5\,000, 2)", "5000"),
        ("3e5", "300000"),
        ("25E-1", "5/2"),
        ("7.", "7"),
        (r"50\%", "1/2"),
        ("5!", "120"),
        ("2^{3!}", "64"),
        (r"\sqrt[3]{-8}", "-2"),
        (r"\sqrt4", "2"),
        ("sqrt(16)", "4"),
        ("\u221a16 \u00d7 2 \u2212 1", "7"),
        ("8^{2/3}", "4"),
        ("4^{-1/2}", "1/2"),
        (r"0.1\overline{6}", "1/6"),
        (r".\overline{9}", "1"),
        (r"0.\overline3+0.\bar{36}", "23/33"),
        (r"0.1\dot6", "1/6"),
        ("1011_2", "11"),
        ("(1011)_2+1", "12"),
        (r"\text{ff}_{16}", "255"),
        ("2A_{16}", "42"),
        ("FF_{16}", "255"),
        ("(C)_{16}", "12"),
        (r"\text{C}_{16}", "12"),
        (r"\binom{5}{2}", "10"),
        (r"\dbinom52", "10"),
        (r"1+5\over 2", "3"),
        (r"1+{5\over 2}", "7/2"),
        (r"3{1\over 2}", "7/2"),
        (r"4^{1\over2}-{{1\over2}\over{3\over4}}", "4/3"),
        (r"{5 \choose 2}^2", "100"),
        (r"\frac{9!}{2!\,3!4!}", "1260"),
        (r"\text{5}+\mathbf{1,000}-\textbf{ 2.5 }", "2005/2"),
        (r"\text{-5}", "-5"),
        (r"\boldsymbol{5}+\mathbf{\frac{1}{2}}", "11/2"),
        (r"\textbf{3/4}-\bm{\mathit{1+2}}", "7/4"),
        (r"2^\boldsymbol{2+1}", "8"),
        (r"\text{50\%}+25\text{ \%}", "3/4"),
        (r"\text{1011}_2", "11"),
        ("25 percent", "1/4"),
        (r"12\frac12\text{ per cent}", "1/8"),
        ("1\u00bd", "3/2"),
        ("\u00be", "3/4"),
        ("2\u2153", "7/3"),
        ("5\u20448", "5/8"),
        ("2\u00b9\u00b2", "4096"),
        ("10\u207b\u00b3", "1/1000"),
        ("1011\u2082", "11"),
        ("|-3|", "3"),
        (r"2|1-4|", "6"),
        (r"\lfloor 7/2\rfloor+\lceil 7/2\rceil", "7"),
        ("max(1, 2/3)", "1"),
        (r"\max\{1, 2/3\}", "1"),
        (r"\gcd(12, 18)", "6"),
    ],
)
def test_value(text: str, value: str) -> None:
    assert evaluate(parse_expression(text)) == Fraction(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("2x^2", 18), ("xy", 15), ("xy^2", 75), ("x(y+1)", 18), (r"\frac{x}{3}y", 5), ("2x_1", 14), (r"2\frac{x}{3}", 2)],
)
def test_value_with_symbols(text: str, value: int) -> None:
    assert evaluate(parse_expression(text), {"x": Fraction(3), "y": Fraction(5), "x_1": Fraction(7)}) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2 3",
        "x2",
        "1/2 1/2",
        "1 3/2",
        "1 000/7",
        "1 200/700",
        "1 1/2/3",
        "1 1/2^2",
        "x^2 1/2",
        "(1)2",
        "2)",
        "(2",
        "1=5",
        "(1,000)",
        "2(5,000+1)",
        r"0.\overline36",
        "1,00",
        "1.2.3",
        ".",
        "5!!",
        "2!3",
        "2!3^2",
        "2!34",
        r"\max\{1,2)",
        r"\max(5)",
        r"\text{5}0",
        r"1\boldsymbol{5}",
        "5{6}",
        "{5}{6}",
        r"1\text{5}",
        r"\text{5 or 6}",
        "25 percentage points",
        "x^2!",
        "x^ab",
        "2^",
        "\\frac{1}",
        "\\$",
        "\u0665",  # an Arabic five
        "\uff15",  # a full-width five
        "5\u200b0",
        "5\x000",
        "\ud800",
        "North pole",
        "129_2",
        "5_{40}",
        r"\sin\pi/6",
        r"\sin x y",
        r"\cos",
        r"\ln^{-1} 2",
        "|x",
        r"\vec{2}",
        r"\over",
        r"{5\over}",
        r"\text{__import__('os').system('true')}",
        r"\int_0^1 x",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_expression(text)


@pytest.mark.parametrize("name", ["C_1", "T_{30}", "A_{11}", "X_2", "S_5", "B_{12}"])
def test_a_capital_with_a_number_below_is_a_name(name: str) -> None:
    assert parse_expression(name) == Symbol(name.replace("{", "").replace("}", ""))


def test_small_digits_and_letters_side_by_side_are_one_exponent_or_index() -> None:
    assert parse_expression("x\u00b2\u00b3") == parse_expression("x^{23}")
    assert parse_expression("2\u207f\u207a\u00b9") == parse_expression("2^{n+1}")
    assert parse_expression("x\u2081\u2080y\u00b2z\u00b3") == parse_expression("x_{10}y^2z^3")


def test_words_are_names_and_letters_are_factors() -> None:
    assert parse_expression("AB") == Symbol("AB")
    assert parse_expression("silent") != parse_expression("listen")
    assert parse_expression(r"\text{(B)}") == parse_expression("(B)") == Symbol("B")
    assert parse_expression(r"\vec{v}") == Symbol("vec v")
    assert parse_expression(r"\theta") == parse_expression("theta")
    assert parse_expression("pi") == parse_expression(r"\pi") == Symbol("pi")
    assert parse_expression(r"10\text{ km }") == Operation("*", (number(10), Symbol("km")))


@pytest.mark.parametrize(
    "text",
    [
        "1" * (MAX_DIGITS + 1),
        "1" * (MAX_LENGTH + 1),
        "1e999999999",
        "(" * 100_000,
        "(" * (MAX_NESTING + 1) + "1" + ")" * (MAX_NESTING + 1),
        "-" * (MAX_NESTING + 1) + "1",
        "2^" * (MAX_NESTING + 1) + "1",
        "sqrt " * 800 + "4",
        r"\sqrt" * 800 + "4",
        r"\frac" * 800 + "4",
        "1" + "/2" * MAX_DEPTH,
        "1" + "+1" * 2000,
    ],
)
def test_past_a_bound(text: str) -> None:
    with pytest.raises(ParseError):
        parse_expression(text)


def test_long_sums_are_not_deep() -> None:
    assert evaluate(parse_expression("1" + "+1" * 900)) == 901


@pytest.mark.parametrize("text", ["1/0", "0^0", "0^{-1}", "1/(2-2)", "(-1)!", "0.5!", r"\sqrt{-4}", r"\sqrt[0]{4}"])
def test_no_value(text: str) -> None:
    with pytest.raises(Undefined):
        evaluate(parse_expression(text))


@pytest.mark.parametrize("text", [r"\sqrt2", "2^{0.5}", "x", "pi"])
def test_no_rational_value(text: str) -> None:
    with pytest.raises(Irrational):
        evaluate(parse_expression(text))


@pytest.mark.parametrize(
    "text",
    ["9**9**9**9", "((20!)!)!", "100000000!", "(1/2)^{99999}", r"\sqrt[999]{2}", "9^{4000}*9^{4000}"],
)
def test_too_large(text: str) -> None:
    with pytest.raises(TooLarge):
        evaluate(parse_expression(text))


def test_powers_of_minus_one_have_no_bound() -> None:
    assert evaluate(parse_expression("(-1)^{1000000000001}")) == -1
