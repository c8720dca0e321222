"""Formulas of logic and arithmetic in plain text, read into a small tree in which every term has a sort.

Grammar, loosest first::

    iff        = implies ("<->" implies)*                          also <=>
    implies    = or ["->" implies]                                 also =>
    or         = and (("or" | "xor") and)*                         also | || \\/
    and        = not ("and" not)*                                  also & && /\\
    not        = "not" not | quantified | comparison               also ~ !
    quantified = ("forall" | "exists") variables (("." | "," | ":") iff | not)
    variables  = name ("," name)* [":" sort] ["," variables]
    comparison = sum (("=" | "!=" | "<" | "<=" | ">" | ">=") sum)*   also ==; 1 < x < 3 is both
    sum        = product (("+" | "-") product)*
    product    = signed (("*" | "/" | "div" | "mod") signed)*      the divisor is a number other than 0
    signed     = "-" signed | atom ["^" whole number]
    atom       = number | "true" | "false" | name ["(" iff ("," iff)* ")"] | "(" iff ")" | "[" iff "]"

The signs of logic and their names in LaTeX do as well (``SPELLINGS``).
A dot gives a quantifier all that follows, as do a comma and a colon before what is no variable (a sign, a known
predicate, a name that a sign follows); without one it takes the next formula alone: ``forall x P(x) -> Q`` is
``(forall x P(x)) -> Q``. ``(forall x)`` is ``forall x``.

Sorts are Bool, Int, Real and any other name. What is not declared gets its sort where it first stands: Bool as a
formula, Int in arithmetic, else Object; a quantified variable without a sort is an Object too. ``div`` rounds down and
``mod`` is never negative, for a positive divisor.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

MAX_LENGTH = 4096  # characters of a text
MAX_NESTING = 40  # brackets inside one another
MAX_DEPTH = 100  # levels of a tree
MAX_TOKENS = 1500
MAX_DIGITS = 100  # of one number
MAX_POWER = 8

BOOL, INT, REAL, OBJECT = "Bool", "Int", "Real", "Object"


class FormulaError(ValueError):
    """The text is not a formula of this grammar, does not fit its sorts, or is past a bound."""


@dataclass(frozen=True, slots=True)
class Term:
    """``op`` applied to ``args``, of a sort.

    op: ``true false not and or xor implies iff = < <= + * - / div mod ^ number name apply forall exists``. ``-`` has
        one argument, ``number`` its value in ``name`` as a fraction, a quantifier its variables before its body.
    """

    op: str
    sort: str
    args: tuple[Term, ...] = ()
    name: str = ""

    def plain(self) -> list[object]:
        """As JSON."""
        return [self.op, self.sort, self.name, [arg.plain() for arg in self.args]]


Signature = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Formula:
    """A term of sort Bool. ``signature``: the sorts of each free name's arguments, and last its own."""

    text: str
    term: Term
    signature: Signature = field(default_factory=dict)


SPELLINGS = {
    spelling: token
    for token, spellings in {
        "or": r"| || \/ \lor \vee OR" + " \u2228",
        "and": r"& && /\ \land \wedge AND ∧",
        "xor": r"\oplus XOR ⊕",
        "not": r"~ ! \lnot \neg NOT ¬",
        "implies": r"-> => \to \rightarrow \longrightarrow \implies \Rightarrow \Longrightarrow \supset IMPLIES"
        " → ⇒ ⊃ ⟶ ⟹",
        "iff": r"<-> <=> \leftrightarrow \longleftrightarrow \iff \Leftrightarrow \Longleftrightarrow \equiv IFF"
        " ↔ ⇔ ≡ ⟷ ⟺",
        "forall": r"\forall ∀",
        "exists": r"\exists ∃",
        "true": r"True \top" + " \u22a4",
        "false": r"False \bot ⊥",
        "=": "==",
        "!=": r"\ne \neq ≠",
        "<=": r"\le \leq ≤",
        ">=": r"\ge \geq ≥",
        "*": r"\cdot ·",
        "-": "\u2212",
        "mod": r"\bmod",
    }.items()
    for spelling in spellings.split()
}
QUANTIFIERS = ("forall", "exists")
WORDS = frozenset(("and", "or", "xor", "not", "implies", "iff", "forall", "exists", "true", "false", "div", "mod"))
COMPARISONS = frozenset(("=", "!=", "<", "<=", ">", ">="))
BETWEEN = COMPARISONS | frozenset(("and", "or", "xor", "implies", "iff", "+", "-", "*", "/", "div", "mod", "^"))
TOKENS = re.compile(
    r"""\s*(
    [A-Za-z_][A-Za-z0-9_']* | \d+(?:\.\d+)? | <->|<=>|->|=>|==|!=|<=|>=|\|\||&&|\\/|/\\ | \\[A-Za-z]+ | \S )""",
    re.VERBOSE | re.ASCII,
)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_']*", re.ASCII)


def parse_declarations(text: str) -> Signature:
    """Read declarations such as ``x, y: Int; alice: Person; loves: Person, Person -> Bool``.

    Raises:
        FormulaError: not a list of declarations.
    """
    signature: dict[str, tuple[str, ...]] = {}
    for declaration in filter(None, map(str.strip, text.split(";"))):
        names, colon, sorts = declaration.partition(":")
        arguments, arrow, result = sorts.rpartition("->")
        words = [word.strip() for word in (*(arguments.split(",") if arrow else ()), result)]
        declared = [name.strip() for name in names.split(",")]
        if not colon or not all(NAME.fullmatch(word) and word not in WORDS for word in (*words, *declared)):
            raise FormulaError(f"not a declaration: {declaration[:40]!a}")
        signature |= dict.fromkeys(declared, tuple(words))
    return signature


def parse_formula(text: str, signature: Signature | None = None) -> Formula:
    """Read a formula; names in ``signature`` are declared.

    Raises:
        FormulaError: see there.
    """
    from .sorts import elaborate

    raw = parse_terms(text, {name for name, sorts in (signature or {}).items() if sorts[-1] == BOOL})
    if len(raw) != 1:
        raise FormulaError("unexpected ','")
    known = dict(signature or {})
    return Formula(text, elaborate(raw[0], BOOL, known), known)


def parse_terms(text: str, formulas: Collection[str] = ()) -> list[Term]:
    """The terms of a list with commas, without sorts yet. ``formulas``: known names of sort Bool.

    Raises:
        FormulaError: see there.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"longer than {MAX_LENGTH} characters")
    tokens = [SPELLINGS.get(token, token) for token in TOKENS.findall(text)]
    if len(tokens) > MAX_TOKENS:
        raise FormulaError(f"more than {MAX_TOKENS} symbols")
    parser = _Parser([*_unbracketed(tokens), ""], formulas)
    terms = [parser.iff()]
    while parser.accept(","):
        terms.append(parser.iff())
    if parser.peek:
        raise FormulaError(f"unexpected {parser.peek[:20]!a}")
    level = terms
    for _ in range(MAX_DEPTH):
        level = [arg for term in level for arg in term.args]
    if level:
        raise FormulaError(f"nested deeper than {MAX_DEPTH}")
    return terms


def _unbracketed(tokens: list[str]) -> list[str]:
    """``(forall x)`` as ``forall x``."""
    drop: set[int] = set()
    for place, (left, word, _, right) in enumerate(zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False)):
        if (left, right) == ("(", ")") and word in QUANTIFIERS:
            drop |= {place, place + 3}
    return [token for place, token in enumerate(tokens) if place not in drop]


class _Parser:
    """Recursive descent over tokens, the last of which is empty."""

    def __init__(self, tokens: list[str], formulas: Collection[str]) -> None:
        self.tokens = tokens
        self.formulas = formulas
        self.index = 0
        self.depth = 0

    @property
    def peek(self) -> str:
        return self.tokens[self.index]

    def next(self) -> str:
        token = self.tokens[self.index]
        self.index += token != ""
        return token

    def accept(self, *tokens: str) -> str:
        """The next token if it is one of these, else nothing."""
        return self.next() if self.peek in tokens else ""

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise FormulaError(f"expected {token!a}, got {self.peek[:20] or 'the end'!a}")

    def iff(self) -> Term:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise FormulaError(f"nested deeper than {MAX_NESTING}")
        term = self.implies()
        while self.accept("iff"):
            term = Term("iff", "", (term, self.implies()))
        self.depth -= 1
        return term

    def implies(self) -> Term:
        sides = [self.disjunction()]
        while self.accept("implies"):
            sides.append(self.disjunction())
        term = sides.pop()
        while sides:
            term = Term("implies", "", (sides.pop(), term))
        return term

    def disjunction(self) -> Term:
        term = self.conjunction()
        while op := self.accept("or", "xor"):
            term = _joined(op, term, self.conjunction())
        return term

    def conjunction(self) -> Term:
        term = self.negation()
        while self.accept("and"):
            term = _joined("and", term, self.negation())
        return term

    def negation(self) -> Term:
        prefixes: list[tuple[str, tuple[Term, ...]]] = []
        while op := self.accept("not", *QUANTIFIERS):
            prefixes.append((op, () if op == "not" else self.variables()))
            if op != "not" and self.accept(".", ",", ":"):
                term = self.iff()
                break
        else:
            term = self.comparison()
        for op, variables in reversed(prefixes):
            term = Term(op, "", (*variables, term))
        return term

    def variables(self) -> tuple[Term, ...]:
        variables: list[Term] = []
        names: list[str] = []
        while not names or self.goes_on(","):
            names.append(self.name())
            if self.goes_on(":"):
                sort = self.name()
                variables += [Term("name", sort, name=name) for name in names]
                names = []
                if not self.goes_on(","):
                    return tuple(variables)
        return (*variables, *(Term("name", OBJECT, name=name) for name in names))

    def goes_on(self, sign: str) -> bool:
        """Whether the sign comes next, and a variable or a sort behind it, not a formula. If so, the sign is read."""
        name, after = [*self.tokens[self.index + 1 : self.index + 3], "", ""][:2]
        formula = not NAME.fullmatch(name) or name in WORDS or name in self.formulas or after in BETWEEN
        return not formula and self.accept(sign) != ""

    def name(self) -> str:
        token = self.next()
        if not NAME.fullmatch(token) or token in WORDS:
            raise FormulaError(f"expected a name, got {token[:20] or 'the end'!a}")
        return token

    def comparison(self) -> Term:
        left = self.sum()
        parts: list[Term] = []
        while op := self.accept(*COMPARISONS):
            right = self.sum()
            smaller, larger = (right, left) if op in (">", ">=") else (left, right)
            term = Term({">": "<", ">=": "<=", "!=": "="}.get(op, op), "", (smaller, larger))
            parts.append(Term("not", "", (term,)) if op == "!=" else term)
            left = right
        return left if not parts else parts[0] if len(parts) == 1 else Term("and", "", tuple(parts))

    def sum(self) -> Term:
        term = self.product()
        while op := self.accept("+", "-"):
            right = self.product()
            term = _joined("+", term, Term("-", "", (right,)) if op == "-" else right)
        return term

    def product(self) -> Term:
        term = self.signed()
        while op := self.accept("*", "/", "div", "mod"):
            right = self.signed()
            term = _joined("*", term, right) if op == "*" else Term(op, "", (term, right))
        return term

    def signed(self) -> Term:
        negative = False
        while self.accept("-"):
            negative = not negative
        term = self.atom()
        if self.accept("^"):
            power = self.next()
            if not (power.isdecimal() and len(power) == 1 and 1 <= int(power) <= MAX_POWER):
                raise FormulaError(f"a power is a whole number from 1 to {MAX_POWER}")
            term = Term("^", "", (term,), power)
        return Term("-", "", (term,)) if negative else term

    def atom(self) -> Term:
        token = self.next()
        if token in ("(", "["):
            term = self.iff()
            self.expect(")" if token == "(" else "]")
            return term
        if token in ("true", "false"):
            return Term(token, BOOL)
        if token[:1].isdecimal():
            if len(token) > MAX_DIGITS:
                raise FormulaError(f"a number of more than {MAX_DIGITS} digits")
            return Term("number", REAL if "." in token else INT, name=str(Fraction(token)))
        if not NAME.fullmatch(token) or token in WORDS:
            raise FormulaError(f"expected a formula, got {token[:20] or 'the end'!a}")
        if not self.accept("("):
            return Term("name", "", name=token)
        arguments = [self.iff()]
        while self.accept(","):
            arguments.append(self.iff())
        self.expect(")")
        return Term("apply", "", tuple(arguments), token)


def _joined(op: str, left: Term, right: Term) -> Term:
    """``and``, ``or``, ``+`` and ``*`` of many arguments, so that a long one is not a deep tree."""
    if left.op == op != "xor" and not left.sort:
        return Term(op, "", (*left.args, right))
    return Term(op, "", (left, right))
