r"""Numbers that are not rational, to as many digits as it takes: pi, e, i, roots, logarithms, trigonometry.

Two values whose boxes (``boxes``) are apart are different, for certain. Two that agree to ``AGREEMENT`` bits (154
digits), relative to the terms that they are sums of, are declared equal: there is no general proof, and no such
coincidence is known.
"""

from __future__ import annotations

from fractions import Fraction

from .boxes import Boxes, Values
from .budget import spend
from .enclosure import Blurred, Interval
from .evaluation import TooLarge, Undefined
from .tree import Node, Operation, constant, difference

AGREEMENT = 512  # bits
PRECISIONS = (64, 640, 1280)  # bits after the point, tried in turn
FAINT = 64  # bits: values below 2^-FAINT whose terms are as small are not declared equal
MAX_STEPS = 60  # functions, powers and roots in an expression
ARITHMETIC = frozenset("+-*/%")
CANCELLING = frozenset("sin cos tan cot ln log arcsin arccos arctan sinh tanh".split())  # noqa: SIM905


def agree(
    a: Node, b: Node, values: Values, real: bool, bits: int = AGREEMENT, precisions: tuple[int, ...] = PRECISIONS
) -> bool | None:
    """Whether two expressions have one value, by the rule of this module; None when they are too small to tell.

    Raises:
        Undefined: one has no value, or none that can be told from a singularity.
        TooLarge: past a bound.
    """
    steps = check_steps(a, b)
    blurred = False
    for precision in precisions:
        spend(4 + steps * precision // 64)
        boxes = Boxes(values, precision, real)
        try:
            x, y = boxes.of(a), boxes.of(b)
            blurred = False
            if _apart(x[0], y[0]) or _apart(x[1], y[1]):
                return False
            if precision <= bits or any(high - low >> (precision - bits) for low, high in (*x, *y)):
                continue
            if max(_scale(a, boxes), _scale(b, boxes)) >> (precision - FAINT):
                return True
        except Blurred:
            blurred = True
    if blurred:
        raise Undefined("its value cannot be told from a singularity")
    return None


def sign(node: Node) -> int | None:
    """-1 or 1 for a real constant that is certainly negative or positive; None when it may be zero.

    Raises:
        Undefined: the value is not real, or cannot be told from a singularity.
        TooLarge: past a bound.
    """
    steps = check_steps(node)
    for precision in PRECISIONS:
        spend(4 + steps * precision // 64)
        try:
            (low, high), imaginary = Boxes({}, precision, real=False).of(node)
        except Blurred:
            continue
        if imaginary[0] > 0 or imaginary[1] < 0:
            raise Undefined("not a real number")
        if low > 0 or high < 0:
            return 1 if low > 0 else -1
    return None


def within(a: Node, b: Node, absolute: Fraction, relative: Fraction) -> bool:
    """Whether |a - b| <= max(absolute, relative max(|a|, |b|)), for certain.

    Raises:
        Undefined, TooLarge: as ``agree``.
    """
    distance = Operation("abs", (difference(a, b),))
    bounds = [constant(absolute)] + [Operation("*", (constant(relative), Operation("abs", (x,)))) for x in (a, b)]
    return sign(difference(Operation("max", tuple(bounds)), distance)) == 1


def check_steps(*nodes: Node) -> int:
    """The number of functions, powers and roots.

    Raises:
        TooLarge: more than ``MAX_STEPS``.
    """
    steps = sum(map(_steps, nodes))
    if steps > MAX_STEPS:
        raise TooLarge(f"more than {MAX_STEPS} functions and powers")
    return steps


def _steps(node: Node) -> int:
    if not isinstance(node, Operation):
        return 0
    return (node.op not in ARITHMETIC) + sum(map(_steps, node.args))


def _apart(a: Interval, b: Interval) -> bool:
    return a[1] < b[0] or b[1] < a[0]


def _scale(node: Node, boxes: Boxes) -> int:
    """A bound on the terms that a value is a sum of: what its rounding error is to be compared with."""
    if isinstance(node, Operation):
        if node.op in CANCELLING:
            return 1 << boxes.p
        scales = [_scale(arg, boxes) for arg in node.args] if node.op in ("+", "-", "*", "/") else []
        if node.op in ("+", "-"):
            return max(scales)
        if node.op == "/":
            return (scales[0] << boxes.p) // max(boxes.size(boxes.of(node.args[1]))[0], 1)
        if node.op == "*":
            total = 1 << boxes.p
            for scale in scales:
                total = total * scale >> boxes.p
            return total
    return boxes.size(boxes.of(node))[1]
