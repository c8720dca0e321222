r"""Judging a number, or a function of x, in closed form.

Integrals, limits and derivatives in an answer are refused: an engine that worked them out would pay for the question
itself in the box.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b

from palaestra.verifiers import (
    MathPolicy,
    MathVerifier,
    Node,
    Number,
    Operation,
    ParseError,
    Symbol,
    TooLarge,
    Undefined,
    Verdict,
    evaluate,
    last_boxed,
    parse_expression,
    right,
    wrong,
)
from palaestra.verifiers.math.number import read_number
from palaestra.verifiers.math.tree import UNKNOWN_BASE, symbols

ANSWER_CHARS = 2000  # a longer answer is none
VERIFIER = MathVerifier(MathPolicy(slow=False))
NAME = re.compile(r"(?:[fy]'?(?:\(x\))?|\\frac\{d[fy]\}\{dx\})\s*=\s*", re.ASCII)  # what may stand before a function
E = Symbol("e")
FUNCTIONS = frozenset(("sin", "cos", "exp", "ln"))
FIELD = frozenset("+-*/^")
KNOWN = frozenset(("x", "e", "pi", UNKNOWN_BASE))  # all that a derivative or an antiderivative may hold


def judge_number(response: str, gold: int | Fraction) -> Verdict:
    """Whether the answer has the value of ``gold``."""
    answer = last_boxed(response)
    if answer is None:
        return wrong("no \\boxed answer")
    number = read_number(answer)
    if number is None:
        return VERIFIER.verify(response, str(gold))
    return right(f"it is {gold}", answer=answer) if number == gold else wrong(f"expected {gold}, got {answer}"[:120])


def judge_function(response: str, gold: str) -> Verdict:
    """Whether the answer is the same function of x as ``gold``.

    Mostly decided at one random point, which is cheap; what that leaves open, ``MathVerifier`` decides.
    """
    answer = last_boxed(response)
    if answer is None:
        return wrong("no \\boxed answer")
    if len(answer) > ANSWER_CHARS:
        return wrong(f"an answer of more than {ANSWER_CHARS} characters")
    answer = answer[match.end() :] if (match := NAME.match(answer)) else answer
    if answer == gold:
        return right("the function asked for", answer=answer)
    try:
        node = _parsed(answer)
    except ParseError as error:
        return wrong(f"no function of x: {error}"[:120])
    if strange := symbols(node) - KNOWN:  # most text without an answer: words are products of letters
        return wrong(f"no function of x alone: it holds {min(strange)}")
    same = identical(node, _parsed(gold), f"{answer}|{gold}")
    if same is None:
        return VERIFIER.verify(f"\\boxed{{{answer}}}", gold)
    return right(f"equals {gold}", answer=answer) if same else wrong(f"expected {gold}, got another function"[:200])


_parsed = lru_cache(maxsize=512)(parse_expression)


def identical(answer: Node, gold: Node, seed: str) -> bool | None:
    """Whether two functions of x are the same, with sin, cos, exp and ln as functions of which little is known.

    At one random point (Schwartz 1980; a wrong "yes" has a chance of about the degree in 2^40), where each function of
    each argument has a random value, but for sin^2 + cos^2 = 1 and the laws of -u. Equal there is equal. Unequal there
    is unequal when all functions have one argument, since no other algebraic law then holds among them (Ax 1971);
    else None.
    """
    values = {"x": Fraction(_random(seed))}
    arguments: set[Fraction] = set()
    try:
        right_side = evaluate(_formal(gold, values, arguments, seed), values)
        known = set(arguments)
        same = evaluate(_formal(answer, values, arguments, seed), values) == right_side
    except (Undefined, TooLarge):
        return None
    return True if same else False if arguments == known and len(known) <= 1 else None


def _formal(node: Node, values: dict[str, Fraction], arguments: set[Fraction], seed: str) -> Node:
    """The expression with functions replaced by symbols, whose values and arguments are added to what is given.

    Raises:
        Undefined: an operation that is neither of the field of rational functions nor in ``FUNCTIONS``.
        TooLarge: an argument past the bounds of ``evaluate``.
    """
    if not isinstance(node, Operation):
        return node
    args = [_formal(arg, values, arguments, seed) for arg in node.args]
    function = node.op
    if function == "^" and args[0] == E:
        function, args = "exp", args[1:]
    if function not in FUNCTIONS:
        if function not in FIELD or (function == "^" and _symbolic(args[1])):
            raise Undefined(function)
        return Operation(function, tuple(args))
    argument = evaluate(args[0], values)
    negative = argument < 0 and function != "ln"
    argument = -argument if negative else argument
    arguments.add(argument)
    if function in ("sin", "cos"):  # the point of the unit circle with this tangent of the half angle
        t = _random(f"{seed} angle {argument}")
        value = Fraction(2 * t if function == "sin" else 1 - t * t, 1 + t * t)
        value = -value if negative and function == "sin" else value
    else:
        value = Fraction(_random(f"{seed} {function} {argument}"))
        value = 1 / value if negative else value
    name = f"{function} of {-argument if negative else argument}"
    values[name] = value
    return Symbol(name)


def _symbolic(exponent: Node) -> bool:
    """Whether an exponent is more than an integer: at the integer that x is here, (-1)^x would be a constant."""
    while isinstance(exponent, Operation) and exponent.op == "-":
        exponent = exponent.args[0]
    return not isinstance(exponent, Number) or exponent.value.denominator != 1


def _random(seed: str) -> int:
    """40 bits, but not 0."""
    return int.from_bytes(blake2b(seed.encode("utf-8", "replace"), digest_size=5).digest()) | 1
