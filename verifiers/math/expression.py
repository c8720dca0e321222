r"""Arithmetic in plain text or basic LaTeX, read into a small immutable tree.

No text is ever handed to Python or to sympy, and every bound is checked before the work it bounds: any text whatever is
parsed or refused in bounded time.

Grammar, loosest first (sums and products are n-ary, so that a long sum is not a deep tree)::

    sum      = product (("+" | "-") product)*
    product  = signed (("*" | "/") signed | power)*     a power alone multiplies: 2x, 3(x+1); equal in rank to "*"
    signed   = ("+" | "-")* power
    power    = atom ("!" | "%")* ["^" exponent]         "^" is also "**" and binds above a sign: -x^2 = -(x^2)
    exponent = ("+" | "-")* atom ["^" exponent]
    atom     = number | letter | word | "(" sum ")" | \frac{sum}{sum} | \sqrt[sum]{sum} | \text{words}

Readings that could be taken two ways:

- ``1,000``, ``1{,}000``, ``1\,000`` and ``1,\!000`` are one number; ``(1,000)`` is refused, since it could be a pair.
- ``3e5`` and ``3e-5`` are 300000 and 0.00003; elsewhere ``e`` is a letter.
- ``1\frac{1}{2}`` is the mixed number 1 + 1/2; ``2\frac{x}{3}`` is a product.
- ``x^10`` is the tenth power, as in plain text; ``x^ab`` is refused.
- ``ab`` and ``xyz`` are products of letters; runs of capitals and of more than three letters are one name, so that
  ``AB`` is not ``BA`` and ``silent`` is not ``listen``. ``\text{km}`` is one name always.
- A number after a factor (``2 3``, ``x2``, ``(1)2``) is refused, and so is any character outside ASCII but
  the signs for times, divided by, minus, pi and root: digits of other scripts and invisible characters never count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

MAX_LENGTH = 4096  # characters of a text
MAX_DIGITS = 400  # characters of one number
MAX_EXPONENT = 400  # size of x in 1ex
MAX_NESTING = 50  # brackets, signs and exponents inside one another
MAX_DEPTH = 100  # levels of a tree
MAX_NODES = 1000  # nodes of a tree
MAX_LETTERS = 3  # lower-case letters in a run that are separate variables


class ParseError(ValueError):
    """The text is not an expression of this grammar, or is past a bound."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal as written; a minus sign before it is an ``Operation``."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable (``x``, ``x_1``, ``alpha``), the constant ``pi``, or a name (``km``)."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """``op`` applied to ``args``.

    op: ``+`` and ``*`` (two or more arguments), ``-`` (one: negation; a - b is a + (-b)), ``/`` and ``^`` (two),
        ``sqrt``, ``!`` and ``%`` (one), ``root`` (two: radicand, index).
    """

    op: str
    args: tuple[Node, ...]


Node: TypeAlias = Number | Symbol | Operation

FUNCTIONS = frozenset(
    """sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp max min mod gcd""".split()  # noqa: SIM905
)
GREEK = frozenset(
    r"""\alpha \beta \gamma \delta \epsilon \varepsilon \zeta \eta \theta \vartheta \iota \kappa \lambda \mu \nu \xi \pi
    \rho \sigma \tau \upsilon \phi \varphi \chi \psi \omega \Gamma \Delta \Theta \Lambda \Phi \Psi \Omega""".split()  # noqa: SIM905
)
FRACTIONS = frozenset((r"\frac", r"\dfrac", r"\tfrac", r"\cfrac"))
IGNORED = frozenset((r"\left", r"\right", r"\,", r"\;", r"\:", r"\!", r"\ ", r"\quad", r"\qquad", "~"))
SAME = {r"\cdot": "*", r"\times": "*", r"\div": "/", "**": "^", r"\%": "%"}
SPELLINGS = str.maketrans(  # multiplication sign, two dots, division sign, minus sign, pi, root
    {"\u00d7": "*", "\u00b7": "*", "\u22c5": "*", "\u00f7": "/", "\u2212": "-", "\u03c0": r"\pi ", "\u221a": "sqrt "}
)
SEPARATORS = str.maketrans("", "", "{},\\!")
CLOSING = {"(": ")", "[": "]", "{": "}"}
TOKENS = re.compile(
    r"""\s*(
    (?:[1-9]\d{0,2}(?:(?:,|\{,\}|\\,|,\\!)\d{3})+(?!\d)|\d+)(?:\.\d*)?(?:[eE][+-]?\d+)?   # 12  1,000.5  3e5
    | \.\d+(?:[eE][+-]?\d+)?
    | [A-Za-z]+(?:_(?:[A-Za-z0-9]|\{[A-Za-z0-9]{1,16}\}))?                               # x  km  x_1  x_{12}
    | \\(?:text|mathrm|textbf|mbox)\s*\{[^{}\\]*\}
    | \\[A-Za-z]+ | \\. | \*\* | \S )""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
NAMED = re.compile(r"\\[a-z]+\s*\{\s*([A-Za-z][A-Za-z0-9 ]*?)[\s.]*\}", re.ASCII)


def parse_expression(text: str) -> Node:
    """Read an expression; the grammar and its bounds are those of this module.

    Raises:
        ParseError: not an expression of the grammar, or past a bound.
    """
    if len(text) > MAX_LENGTH:
        raise ParseError(f"longer than {MAX_LENGTH} characters")
    if not text.isascii():
        text = text.translate(SPELLINGS)
        if not text.isascii():
            raise ParseError(f"unexpected {next(c for c in text if not c.isascii())!a}")
    tokens = [SAME.get(token, token) for token in TOKENS.findall(text) if token not in IGNORED]
    parser = _Parser([*tokens, ""])
    node = parser.sum()
    if parser.peek:
        raise ParseError(f"unexpected {parser.peek[:20]!a}")
    _check_size(node)
    return node


class _Parser:
    """Recursive descent over tokens, the last of which is empty."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.index = 0
        self.nesting = 0
        self.parentheses = 0

    @property
    def peek(self) -> str:
        return self.tokens[self.index]

    def sum(self) -> Node:
        terms = [self.product()]
        while (token := self.tokens[self.index]) in ("+", "-"):
            self.index += 1
            term = self.product()
            terms.append(term if token == "+" else Operation("-", (term,)))
        return terms[0] if len(terms) == 1 else Operation("+", tuple(terms))

    def product(self) -> Node:
        factors = [self.signed()]
        while True:
            token = self.tokens[self.index]
            if token == "*":
                self.index += 1
                factors.append(self.signed())
            elif token == "/":
                self.index += 1
                factors = [Operation("/", (_product(factors), self.signed()))]
            elif token and (token[0].isalpha() or token[0] in "([{\\"):
                factor = self.power()
                if _is_word(factors[-1]) and _is_word(factor):
                    raise ParseError("two words side by side")
                factors.append(factor)
            else:
                return _product(factors)

    def signed(self) -> Node:
        token = self.tokens[self.index]
        if token not in ("+", "-"):
            return self.power()
        self.index += 1
        self.deeper()
        node = self.signed()
        self.nesting -= 1
        return node if token == "+" else Operation("-", (node,))

    def power(self) -> Node:
        base = self.atom()
        while (token := self.tokens[self.index]) in ("!", "%"):
            if token == "!" and self.tokens[self.index - 1] == "!":
                raise ParseError("a double factorial is not supported")
            self.index += 1
            base = Operation(token, (base,))
        return self.raised(base)

    def raised(self, base: Node) -> Node:
        """``base`` with the exponent that follows it, if one does."""
        if self.tokens[self.index] != "^":
            return base
        self.index += 1
        return Operation("^", (base, self.exponent()))

    def exponent(self) -> Node:
        self.deeper()
        token = self.tokens[self.index]
        if token in ("+", "-"):
            self.index += 1
            node = self.exponent()
            node = node if token == "+" else Operation("-", (node,))
        else:
            if token[:1].isalpha() and len(token) > 1 and "_" not in token and token not in ("pi", "sqrt"):
                raise ParseError(f"write braces around the exponent {token[:20]}")
            node = self.raised(self.atom(mixed=False))
        self.nesting -= 1
        return node

    def atom(self, mixed: bool = True) -> Node:
        token = self.tokens[self.index]
        self.index += 1
        first = token[:1]
        if first.isdigit() or (first == "." and len(token) > 1):
            return self.number(token, mixed)
        if token in CLOSING:
            return self.group(token)
        if token in FRACTIONS:
            return self.fraction()
        if token in ("sqrt", r"\sqrt"):
            return self.root(token)
        if first.isalpha():
            return self.letters(token)
        if token == r"\$":
            return Operation("*", (Symbol("$"), self.amount()))
        if token in GREEK:
            return Symbol(token[1:])
        if token.endswith("}") and (match := NAMED.fullmatch(token)):
            return Symbol(" ".join(match[1].split()))
        raise ParseError(f"unexpected {token[:20]!a}" if token else "the expression is incomplete")

    def number(self, token: str, mixed: bool) -> Node:
        if self.parentheses and "," in token.replace("{,}", ""):
            raise ParseError("a comma inside parentheses")
        whole = literal(token)
        if not (mixed and token.isdigit() and self.tokens[self.index] in FRACTIONS):
            return whole
        self.index += 1
        fraction = self.fraction()
        if not all(isinstance(part, Number) for part in fraction.args):
            return Operation("*", (whole, self.raised(fraction)))
        if self.tokens[self.index] == "^":
            raise ParseError("a power of a mixed number needs parentheses")
        return Operation("+", (whole, fraction))

    def amount(self) -> Node:
        """The number after a currency sign."""
        token = self.tokens[self.index]
        if not token[:1].isdigit():
            raise ParseError("a currency sign without a number")
        self.index += 1
        return self.number(token, mixed=False)

    def group(self, opening: str) -> Node:
        self.deeper()
        self.parentheses += opening != "{"
        node = self.sum()
        found, wanted = self.tokens[self.index], CLOSING[opening]
        if found != wanted:
            raise ParseError(f"expected {wanted} and found {found[:20]!a}" if found else f"{opening} never closes")
        self.index += 1
        self.parentheses -= opening != "{"
        self.nesting -= 1
        return node

    def root(self, token: str) -> Node:
        self.deeper()
        index = self.atom() if self.tokens[self.index] == "[" else None
        radicand = self.argument() if token == r"\sqrt" else self.atom(mixed=False)
        self.nesting -= 1
        return Operation("sqrt", (radicand,)) if index is None else Operation("root", (radicand, index))

    def fraction(self) -> Operation:
        self.deeper()
        node = Operation("/", (self.argument(), self.argument()))
        self.nesting -= 1
        return node

    def argument(self) -> Node:
        """The argument of a TeX command: a group, a command, or one character of what follows."""
        token = self.tokens[self.index]
        if len(token) > 1 and token[0].isalnum():
            self.tokens[self.index : self.index + 1] = [token[0], token[1:]]
        return self.atom(mixed=False)

    def letters(self, token: str) -> Node:
        """A run of letters: one variable, a function's name, one name, or the first of several variables."""
        if len(token) == 1 or token == "pi":
            return Symbol(token)
        if token in FUNCTIONS:
            raise ParseError(f"the function {token} is not supported")
        if token[1] == "_":
            return Symbol(token.replace("{", "").replace("}", ""))
        if "_" in token:
            raise ParseError(f"unexpected {token[:20]!a}")
        if len(token) <= MAX_LETTERS and token.islower():
            self.index -= 1
            self.tokens[self.index] = token[1:]
            return Symbol(token[0])
        return Symbol(token)

    def deeper(self) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise ParseError(f"nested more than {MAX_NESTING} levels deep")


@lru_cache(maxsize=4096)
def literal(token: str) -> Number:
    """The number that a literal stands for, exactly."""
    if len(token) > MAX_DIGITS:
        raise ParseError(f"a number of more than {MAX_DIGITS} digits")
    mantissa, _, exponent = token.lower().partition("e")
    digits = mantissa.translate(SEPARATORS)
    power = int(exponent or 0)
    if abs(power) > MAX_EXPONENT:
        raise ParseError(f"an exponent beyond {MAX_EXPONENT}")
    whole, _, decimals = digits.partition(".")
    power -= len(decimals)
    value = int(whole + decimals)
    return Number(Fraction(value * 10**power) if power >= 0 else Fraction(value, 10**-power))


def _product(factors: list[Node]) -> Node:
    return factors[0] if len(factors) == 1 else Operation("*", tuple(factors))


def symbols(node: Node) -> frozenset[str]:
    """The names of the symbols in an expression."""
    if isinstance(node, Symbol):
        return frozenset((node.name,))
    if isinstance(node, Number):
        return frozenset()
    return frozenset().union(*map(symbols, node.args))


def _is_word(node: Node) -> bool:
    return isinstance(node, Symbol) and len(node.name) > 1 and "_" not in node.name and f"\\{node.name}" not in GREEK


def _check_size(root: Node) -> None:
    level: list[Node] = [root]
    nodes = 0
    for _ in range(MAX_DEPTH):
        nodes += len(level)
        if nodes > MAX_NODES:
            raise ParseError(f"more than {MAX_NODES} numbers, symbols and operations")
        level = [arg for node in level if isinstance(node, Operation) for arg in node.args]
        if not level:
            return
    raise ParseError(f"more than {MAX_DEPTH} operations inside one another")
