r"""Arithmetic in plain text or basic LaTeX, read into a small immutable tree.

No text is ever handed to Python or to sympy, and every bound is checked before the work it bounds: any text whatever is
parsed or refused in bounded time.

Grammar, loosest first (sums and products are n-ary, so that a long sum is not a deep tree)::

    sum      = product (("+" | "-") product)*
    product  = signed (("*" | "/") signed | power)*     a power alone multiplies: 2x, 3(x+1); equal in rank to "*"
    signed   = ("+" | "-")* power
    power    = atom ("!" | "%")* ["^" exponent]         "^" is also "**" and binds above a sign: -x^2 = -(x^2)
    exponent = ("+" | "-")* atom ["^" exponent] | \circ
    atom     = number | letter | word | "(" sum ")" | "|" sum "|" | \frac{sum}{sum} | \sqrt[sum]{sum} | \text{words}
             | function ["_" base] ["^" exponent] argument

Readings that could be taken two ways:

- ``1,000``, ``1{,}000``, ``1\,000``, ``1\;000`` and ``1,\!000`` are one number; ``(1,000)`` is refused, since it could
  be a pair.
- ``3e5`` and ``3e-5`` are 300000 and 0.00003; elsewhere ``e`` is Euler's number, and ``i`` the imaginary unit.
- ``1\frac{1}{2}`` and ``1 1/2`` are the mixed number 1 + 1/2; ``2\frac{x}{3}`` is a product.
- ``x^10`` is the tenth power, as in plain text; ``x^ab`` is refused.
- ``1011_2``, ``(1011)_2`` and ``\text{ff}_{16}`` are integers in that base; ``C_1`` and ``T_{30}`` are names, and
  ``(C)_{16}`` and ``\text{C}_{16}`` are twelve.
- ``ab``, ``xyz``, ``Ce^x`` and ``xA`` are products of letters; runs of capitals and of more than three letters are one
  name, so that ``AB`` is not ``BA`` and ``silent`` is not ``listen``, and so are ``Bob``, ``NaF`` and the ``Re`` of
  ``Re(z)``. ``\text{km}`` is one name always.
- The argument of a function without brackets is one factor, or a number and the letters after it: ``\sin 2n\pi``.
  ``\sin x y`` and ``\sin\pi/6`` are refused, ``\ln 2/3`` is a third of ``\ln 2``, ``sin(x)^2`` is ``(sin x)^2``.
- ``0.1\overline{6}`` is 1/6; ``\vec{v}``, ``\overline{AB}`` and ``\angle ABC`` are names, none of them that of ``AB``.
- A number after a factor (``2 3``, ``x2``, ``(1)2``) is refused, but for ``2!3!``, and so is any character outside
  ASCII but for a few mathematical signs: digits of other scripts and invisible characters never count.
"""

from __future__ import annotations

import re
from fractions import Fraction

from .cursor import Cursor
from .tokens import (
    ALIASES,
    BASED,
    BINOMIALS,
    CALLED,
    CURRENCIES,
    DECORATIONS,
    FRACTIONS,
    GREEK,
    LOGS,
    SEVERAL,
    TRIGONOMETRIC,
    is_numeral,
    literal,
    numeral,
    tokenize,
    words_of,
)
from .tree import INFINITY, UNKNOWN_BASE, Node, Number, Operation, ParseError, Symbol, check_size, symbols

__all__ = ["Node", "Number", "Operation", "ParseError", "Symbol", "parse_expression", "parse_tokens"]

# Runs of letters that are variables side by side: xy, Ce, xA, Axe, not Bob or NaF.
VARIABLES = re.compile(r"[a-z]{2,3}|[A-Z][a-z]|[a-z]{1,2}[A-Z]|[a-z][A-Z][a-z]|[A-Z][txyz][eitxyz]", re.ASCII)
FUNCTION_NAMES = frozenset(("Re", "Im", "Ei", "Li", "Si", "Ci"))  # in front of a bracket

CLOSING = {"(": ")", "[": "]", "{": "}", "|": "|", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}
ENCLOSED = {"|": "abs", r"\lfloor": "floor", r"\lceil": "ceil"}
NO_FACTOR = frozenset((r"\rfloor", r"\rceil", r"\}"))
INFINITIES = frozenset(("infty", "infinity", "inf", "oo"))
DEGREES = frozenset(("deg", "degree", "degrees"))
NAME = re.compile(r"([A-Za-z][A-Za-z0-9 ]*?)[\s.]*", re.ASCII)
CHOICE = re.compile(r"\(?([A-Z])\)?[.:]?", re.ASCII)


def parse_expression(text: str) -> Node:
    """Read an expression; the grammar and its bounds are those of this module.

    Raises:
        ParseError: not an expression of the grammar, or past a bound.
    """
    return parse_tokens(tokenize(text))


def parse_tokens(tokens: list[str]) -> Node:
    """``parse_expression`` of what is cut into tokens already."""
    parser = _Parser([*tokens, ""])
    node = parser.sum()
    if parser.peek:
        raise ParseError(f"unexpected {parser.peek[:20]!a}")
    check_size(node)
    number = node.args[0] if isinstance(node, Operation) and node.op == "-" else node
    if isinstance(number, Operation) and INFINITY in symbols(number):  # it cancels as no letter does
        raise ParseError("arithmetic with infinity")
    return node


class _Parser(Cursor):
    """Recursive descent over tokens."""

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
            elif token in DEGREES or words_of(token) in DEGREES:
                self.index += 1
                factors = [Operation("deg", (_product(factors),))]
            elif self.begins_factor(token) or self.between_factorials(token):
                factor = self.power()
                if _is_word(factors[-1]) and _is_word(factor):
                    raise ParseError("two words side by side")
                factors.append(factor)
            else:
                return _product(factors)

    def begins_factor(self, token: str) -> bool:
        if token == "|":
            return not self.bars
        if token == "{":  # 5{6} is set as 56
            return not is_numeral(self.tokens[self.index + 1])
        return bool(token) and (token[0].isalpha() or token[0] in "([{\\") and token not in NO_FACTOR

    def between_factorials(self, token: str) -> bool:
        """Whether a number stands as the second does in ``2!3!``."""
        return token.isdigit() and self.tokens[self.index - 1] == self.tokens[self.index + 1] == "!"

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
        """``base`` with the exponent or degree sign that follows it, if one does."""
        if self.tokens[self.index] != "^":
            return base
        self.index += 1
        circle = self.tokens[self.index : self.index + 3]
        if circle[0] == r"\circ" or circle == ["{", r"\circ", "}"]:
            self.index += 1 if circle[0] == r"\circ" else 3
            return Operation("deg", (base,))
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
        if is_numeral(token):
            return self.number(token, mixed)
        if token in CLOSING:
            return self.based_group() or self.group(token)
        if token in FRACTIONS or token in BINOMIALS:
            return self.fraction("/" if token in FRACTIONS else "binom")
        if token in ("sqrt", r"\sqrt"):
            return self.root(token)
        if match := BASED.fullmatch(token):
            return numeral(match[1], int(match[2]))
        if token[:1].isalpha():
            return self.letters(token)
        if token in CURRENCIES:
            return Operation("*", (Symbol(CURRENCIES[token]), self.amount()))
        if token in GREEK:
            return Symbol(token[1:])
        if ALIASES.get(token[1:], token[1:]) in CALLED:
            return self.function(token[1:])
        if (words := words_of(token)) is not None:
            return self.named(words)
        if token in DECORATIONS:
            return self.decorated(token[1:])
        raise ParseError(f"unexpected {token[:20]!a}" if token else "the expression is incomplete")

    def named(self, words: str) -> Node:
        r"""What ``\text{...}`` stands for: a name, a letter of choice, a function, a numeral with its base."""
        if self.tokens[self.index] == "_" and words.isalnum():
            return numeral(words, self.base())
        if words in CALLED:
            return self.function(words)
        if match := CHOICE.fullmatch(words) or NAME.fullmatch(words):
            return Symbol(match[1])
        raise ParseError(f"unexpected {words[:20]!a}")

    def decorated(self, mark: str) -> Node:
        r"""``\vec{v}`` and ``\angle ABC``: names of their own."""
        name = self.argument() if mark not in ("angle", "triangle") else self.atom(mixed=False)
        if not isinstance(name, Symbol):
            raise ParseError(f"{mark} of what is no name")
        return Symbol(f"{mark} {name.name}")

    def number(self, token: str, mixed: bool) -> Node:
        if self.parentheses and "," in token:
            raise ParseError("a comma inside parentheses")
        whole = literal(token)
        if mixed and (fraction := self.plain_fraction()):
            return Operation("+", (whole, fraction))
        if not (mixed and token.isdigit() and self.tokens[self.index] in FRACTIONS):
            return whole
        self.index += 1
        fraction = self.fraction()
        if not all(isinstance(part, Number) for part in fraction.args):
            return Operation("*", (whole, self.raised(fraction)))
        if self.tokens[self.index] == "^":
            raise ParseError("a power of a mixed number needs parentheses")
        return Operation("+", (whole, fraction))

    def plain_fraction(self) -> Node | None:
        """The fraction of ``1 1/2`` after its whole number; None for anything that could be meant otherwise."""
        whole, top, slash, bottom, after = [*self.tokens[self.index - 1 : self.index + 4], "", "", ""][:5]
        if slash != "/" or not (whole.isdigit() and top.isdigit() and bottom.isdigit()) or after in ("^", "/", "!"):
            return None
        before = self.tokens[self.index - 2] if self.index > 1 else ""
        if before == "/" or len(top) > 2 or top[0] == "0" or int(top) >= int(bottom):  # 1 000/7 is a seventh of 1000
            return None
        self.index += 3
        return Operation("/", (literal(top), literal(bottom)))

    def amount(self) -> Node:
        """The number after a currency sign."""
        token = self.tokens[self.index]
        if not is_numeral(token):
            raise ParseError("a currency sign without a number")
        self.index += 1
        return self.number(token, mixed=False)

    def group(self, opening: str) -> Node:
        self.deeper()
        bars, self.bars = self.bars, opening == "|"
        self.parentheses += opening != "{"
        node = self.sum()
        self.close(CLOSING[opening])
        self.parentheses -= opening != "{"
        self.bars = bars
        self.nesting -= 1
        return Operation(ENCLOSED[opening], (node,)) if opening in ENCLOSED else node

    def root(self, token: str) -> Node:
        self.deeper()
        index = self.atom() if self.tokens[self.index] == "[" else None
        radicand = self.argument() if token == r"\sqrt" else self.atom(mixed=False)
        self.nesting -= 1
        return Operation("sqrt", (radicand,)) if index is None else Operation("root", (radicand, index))

    def fraction(self, op: str = "/") -> Operation:
        self.deeper()
        node = Operation(op, (self.argument(), self.argument()))
        self.nesting -= 1
        return node

    def argument(self) -> Node:
        """The argument of a TeX command: a group, a command, or one character of what follows."""
        token = self.tokens[self.index]
        if len(token) > 1 and token[0].isalnum():
            self.tokens[self.index : self.index + 1] = [token[0], token[1:]]
        return self.atom(mixed=False)

    def function(self, name: str) -> Node:
        """A function after its name."""
        self.deeper()
        name, _, base = name.partition("_")
        name = ALIASES.get(name, name)
        bases: list[Node] = [numeral(base.strip("{}"), 10)] if base else []
        if name == "log" and self.tokens[self.index] == "_":
            self.index += 1
            bases = [self.argument()]
        if name == "lg":
            name, bases = "log", [Number(Fraction(10))]
        if name in SEVERAL:
            node: Node = Operation(name, tuple(self.several()))
        else:
            power = None
            if self.tokens[self.index] == "^":
                self.index += 1
                power = self.exponent()
            if power == Operation("-", (Number(Fraction(1)),)):
                if f"arc{name}" not in CALLED:
                    raise ParseError(f"an inverse of {name}")
                name, power = f"arc{name}", None
            if name == "log":
                bases = bases or [Symbol(UNKNOWN_BASE)]
            node = Operation(name, (self.operand(name), *bases))
            node = node if power is None else Operation("^", (node, power))
        self.nesting -= 1
        return node

    def several(self) -> list[Node]:
        opening = self.peek
        if opening not in ("(", r"\{"):
            raise ParseError("expected (")
        args: list[Node] = []
        while not args or self.peek == ",":
            self.index += 1
            if "," in self.peek and is_numeral(self.peek):
                raise ParseError("a comma without a space in a list of arguments")
            args.append(self.sum())
        self.close(")" if opening == "(" else r"\}")
        if len(args) == 1:
            raise ParseError("a maximum or divisor of one number")
        return args

    def operand(self, name: str) -> Node:
        """The argument of a function: in brackets, or one factor, or a number and the letters after it."""
        token = self.tokens[self.index]
        if token in CLOSING:
            self.index += 1
            return self.group(token)
        if token in ("+", "-"):
            self.index += 1
            return Operation("-", (self.operand(name),)) if token == "-" else self.operand(name)
        factors = [self.power()] if is_numeral(token) else []
        letters = 0
        while (token := self.tokens[self.index]) in GREEK or (token.isalpha() and not letters):
            letters += token.isalpha()
            single = are_variables(token) and token not in CALLED | {"pi", "sqrt"}
            factors += [self.power() for _ in range(len(token) if single else 1)]
        if not factors or token == r"\sqrt":
            if token[:1] != "\\":
                raise ParseError(f"{name} of nothing")
            factors.append(self.power())
            token = self.tokens[self.index]
        if token[:1].isalpha() or token in GREEK or (token == "/" and name in TRIGONOMETRIC):
            raise ParseError(f"write brackets around the argument of {name}")
        return _product(factors)

    def letters(self, token: str) -> Node:
        """A run of letters: one variable, a function's name, one name, or the first of several variables."""
        if len(token) == 1 or token == "pi":
            return Symbol(token)
        if token in INFINITIES:
            return Symbol(INFINITY)
        name, _, base = token.partition("_")
        if ALIASES.get(name, name) in CALLED and (not base or (name in LOGS and base.strip("{}").isdigit())):
            return self.function(token)
        if token[1] == "_":
            return Symbol(token.replace("{", "").replace("}", ""))
        if token[-1] in "xyz" and token[:-1] in CALLED:  # sinx
            self.index -= 1
            self.tokens[self.index] = token[-1]
            return self.function(token[:-1])
        if "_" in token:
            raise ParseError(f"unexpected {token[:20]!a}")
        if are_variables(token) and not (token in FUNCTION_NAMES and self.peek == "("):
            self.index -= 1
            self.tokens[self.index] = token[1:]
            return Symbol(token[0])
        return Symbol(token)


def are_variables(run: str) -> bool:
    """Whether a run of letters is a product of them, unless it has a meaning of its own."""
    return VARIABLES.fullmatch(run) is not None


def _product(factors: list[Node]) -> Node:
    return factors[0] if len(factors) == 1 else Operation("*", tuple(factors))


def _is_word(node: Node) -> bool:
    return isinstance(node, Symbol) and len(node.name) > 1 and "_" not in node.name and f"\\{node.name}" not in GREEK
