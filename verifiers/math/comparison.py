"""Are two values the same answer under a policy? True, False, or None when no method here can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import TypeVar

from . import regions
from .budget import spend
from .constants import within
from .dates import Moment
from .equality import equal
from .evaluation import Irrational, TooLarge, Undefined, evaluate
from .matrices import as_matrix
from .policy import MathPolicy
from .relations import atoms, same_atom
from .tree import Node, Operation, Symbol, constant, unknowns
from .units import Quantity, total
from .values import Listing, Matrix, Named, Piece, Ratio, Region, Relation, Value

ZERO = constant(0)
SCALARS = 4  # work of a comparison, with what it takes to come to it
T = TypeVar("T")


class Comparison:
    """Compares two values; symmetric. ``seed`` is what the random points of ``equal`` are drawn from."""

    def __init__(self, policy: MathPolicy, seed: str) -> None:
        self.policy = policy
        self.seed = seed

    def same(self, a: Value, b: Value) -> bool | None:
        """Whether two values are one answer.

        Raises:
            Undefined: a part of one has no value.
            TooLarge, OutOfBudget: past a bound.
        """
        if a == b:
            return True
        a, b = _solved(a), _solved(b)
        if isinstance(a, Named) or isinstance(b, Named):
            return self.named(a, b)
        if isinstance(a, Node) and isinstance(b, Node):
            return self.scalars(a, b)
        if isinstance(a, Relation) and isinstance(b, Relation):
            return self.matching(atoms(a), atoms(b), lambda x, y: same_atom(x, y, self.seed))
        if isinstance(a, Moment) or isinstance(b, Moment) or isinstance(a, Ratio) or isinstance(b, Ratio):
            return self.times(a, b)
        if isinstance(a, Matrix) or isinstance(b, Matrix):
            return self.matrices(a, b)
        if isinstance(a, Region) or isinstance(b, Region):
            x, y = regions.as_region(a), regions.as_region(b)
            return x is not None and y is not None and self.sets(x, y)
        return isinstance(a, Listing) and isinstance(b, Listing) and self.listings(a, b)

    def scalars(self, a: Node, b: Node) -> bool | None:
        spend(SCALARS)
        policy = self.policy
        if policy.units == "optional" and _is_angle(a) != _is_angle(b):  # 30 for 30 degrees
            a, b = (x.args[0] if isinstance(x, Operation) and x.op == "deg" else x for x in (a, b))
        same = equal(a, b, self.seed)
        if same or not (policy.tolerance or policy.relative_tolerance) or unknowns(a) | unknowns(b):
            return same
        return within(a, b, policy.tolerance, policy.relative_tolerance)

    def named(self, a: Value, b: Value) -> bool | None:
        """At least one says what a letter is."""
        if isinstance(a, Named) and isinstance(b, Named):
            if a.name == b.name:
                return self.same(a.value, b.value)
            if a.how != "=" or b.how != "=":
                return False
            return self.equations(a, b)
        one, other = (a, b) if isinstance(a, Named) else (b, a)
        assert isinstance(one, Named)
        if isinstance(other, Relation):
            return self.equations(one, other)
        if isinstance(other, Listing) and not _letters(other) <= _letters(Listing("bare", (one,))):
            return False
        allowed = self.policy.inequalities == "intervals" if one.how == "order" else self.policy.assignment
        return allowed and self.same(one.value, other)

    def equations(self, a: Named | Relation, b: Named | Relation) -> bool | None:
        x, y = _equation(a), _equation(b)
        return x is not None and y is not None and self.same(x, y)

    def times(self, a: Value, b: Value) -> bool | None:
        """Moments, and ratios, which ``3:45`` can be as well."""
        if isinstance(a, Moment) and isinstance(b, Moment):
            return _said(a) == _said(b)
        x, y = _ratio(a), _ratio(b)
        return x is not None and y is not None and len(x.terms) == len(y.terms) and self.ratios(x, y)

    def ratios(self, a: Ratio, b: Ratio) -> bool | None:
        """Proportional, as is told at a term of ``b`` that is not zero: zeros alone are proportional to anything."""
        present = [k for k, term in enumerate(b.terms) if equal(term, ZERO, self.seed) is False]
        if not present or equal(a.terms[present[0]], ZERO, self.seed):
            return False
        x, y = a.terms[present[0]], b.terms[present[0]]
        pairs = zip(a.terms, b.terms, strict=True)
        return every(self.scalars(Operation("/", (p, x)), Operation("/", (q, y))) for p, q in pairs)

    def matrices(self, a: Value, b: Value) -> bool | None:
        x, y = (as_matrix(value, flat=self.policy.brackets == "any") for value in (a, b))
        if x is None or y is None:
            return False
        if self.policy.brackets == "any" and len(x.rows[0]) == len(y.rows) == 1:  # a row for a column
            x, y = (Matrix(tuple((cell,) for row in value.rows for cell in row)) for value in (x, y))
        if len(x.rows) != len(y.rows) or len(x.rows[0]) != len(y.rows[0]):
            return False
        cells = zip((c for row in x.rows for c in row), (c for row in y.rows for c in row), strict=True)
        return every(self.scalars(p, q) for p, q in cells)

    def sets(self, a: Region, b: Region) -> bool | None:
        if regions.symbolic(a) or regions.symbolic(b):
            return self.matching(a.pieces, b.pieces, self.pieces)
        x, y = regions.canonical(a), regions.canonical(b)
        return len(x) == len(y) and every(self.pieces(p, q) for p, q in zip(x, y, strict=True))

    def pieces(self, a: Piece, b: Piece) -> bool | None:
        closed = self.policy.ends == "any" or (a.low_closed, a.high_closed) == (b.low_closed, b.high_closed)
        return closed and every(self.ends(p, q) for p, q in ((a.low, b.low), (a.high, b.high)))

    def ends(self, a: Node, b: Node) -> bool | None:
        return a == b if regions.infinite(a) or regions.infinite(b) else self.scalars(a, b)

    def listings(self, a: Listing, b: Listing) -> bool | None:
        policy, kinds = self.policy, {a.kind, b.kind}
        named = _all_named(a), _all_named(b)
        if kinds == {"bare", "or"} and max(len(_letters(a)), len(_letters(b))) > 1:  # x=1 and y=2, or one of them
            return False
        if len(kinds) > 1 and kinds != {"bare", "or"} and not (all(named) and kinds == {"bare", "()"}):
            interval = kinds == {"()", "[]"} and len(a.items) == len(b.items) == 2 and policy.ends == "any"
            if "and" in kinds or not (interval or policy.brackets == "any"):
                return False
        free = kinds & {"{}", "or", "and"} or (policy.order == "any" and kinds <= {"bare", "[]"})
        if not free and not all(named):
            pairs = zip(a.items, b.items, strict=False)
            return len(a.items) == len(b.items) and every(self.same(x, y) for x, y in pairs)
        if policy.repeats == "counted":
            return self.matching(a.items, b.items, self.same)
        covered = (every(some(self.same(x, y) for y in q.items) for x in p.items) for p, q in ((a, b), (b, a)))
        return every(covered)

    def quantities(self, answer: Quantity, gold: Quantity) -> bool | None:
        """Whether two amounts with units are one; a tolerance is in the gold's unit.

        Raises:
            MissingLibrary: pint is needed and not installed.
        """
        (x, unit), (y, gold_unit) = answer.terms[0], gold.terms[0]
        if answer.plain != gold.plain:
            single = len(answer.terms) == len(gold.terms) == 1
            degrees = _is_angle(x) or _is_angle(y)  # a unit too: 30 radians are not 30 degrees
            return self.policy.units == "optional" and single and not degrees and self.scalars(x, y)
        if len(answer.terms) == len(gold.terms) == 1 and unit == gold_unit:
            return self.scalars(x, y)
        totals = total(answer, gold_unit), total(gold, gold_unit)
        if totals[0] is not None and totals[1] is not None:
            return self.scalars(totals[0], totals[1])
        a, b = (sorted(side.terms, key=lambda term: term[1]) for side in (answer, gold))  # 5 boys and 6 girls
        return [unit for _, unit in a] == [unit for _, unit in b] and every(
            self.scalars(p, q) for (p, _), (q, _) in zip(a, b, strict=True)
        )

    def matching(self, a: Sequence[T], b: Sequence[T], same: Callable[[T, T], bool | None]) -> bool | None:
        """Whether each of ``a`` can be paired with another one of ``b`` (Kuhn 1955, by augmenting paths)."""
        if len(a) != len(b):
            return False
        exact = not (self.policy.tolerance or self.policy.relative_tolerance)
        if exact and (x := _rationals(a)) is not None and (y := _rationals(b)) is not None:
            return x == y
        table: list[list[bool | None]] = []
        for item in a:
            table.append([_comparable(item, other, same) for other in b])
            if not any(cell is not False for cell in table[-1]):
                return False
        partner: dict[int, int] = {}

        def place(row: int, tried: set[int]) -> bool:
            for column, cell in enumerate(table[row]):
                if cell and column not in tried:
                    tried.add(column)
                    if column not in partner or place(partner[column], tried):
                        partner[column] = row
                        return True
            return False

        if all(place(row, set()) for row in range(len(a))):
            return True
        return None if any(cell is None for row in table for cell in row) else False


def _comparable(x: T, y: T, same: Callable[[T, T], bool | None]) -> bool | None:
    """``same`` of two items that need not belong together: ``x`` and the root of -1, which is not real, differ."""
    try:
        return same(x, y)
    except Undefined:
        return False


def every(results: Iterable[bool | None]) -> bool | None:
    """False when one is; None when one cannot be told; else True."""
    unknown = False
    for result in results:
        if result is False:
            return False
        unknown = unknown or result is None
    return None if unknown else True


def some(results: Iterable[bool | None]) -> bool | None:
    """True when one is; None when one cannot be told; else False."""
    opposite = every(None if result is None else not result for result in results)
    return None if opposite is None else not opposite


def _rationals(items: Sequence[object]) -> list[Fraction] | None:
    """The values of the items in order; None unless all are rational numbers."""
    try:
        values = [evaluate(item) for item in items if isinstance(item, Node)]
    except (Irrational, TooLarge):
        return None
    return sorted(values) if len(values) == len(items) else None


def _all_named(listing: Listing) -> bool:
    """Whether each item is the value of a letter of its own: ``x=1, y=2`` says the same as ``y=2, x=1``.

    Only names on both sides free the order: beside ``(1,2)`` anyone could name the items as it suits them.
    """
    names = {item.name for item in listing.items if isinstance(item, Named)}
    return len(names) == len(listing.items) > 0


def _letters(listing: Listing) -> set[str]:
    """The letters that items are values of: x_1 and x_2 are two values of x."""
    return {item.name.partition("_")[0] for item in listing.items if isinstance(item, Named)}


def _solved(value: Value) -> Value:
    """A linear inequality as what it says of its letter."""
    solved = regions.solve(value)
    return value if solved is None else Named(solved[0], solved[1], "order")


def _equation(value: Named | Relation) -> Relation | None:
    if isinstance(value, Relation):
        return value
    if value.how != "=" or not isinstance(value.value, Node):
        return None
    return Relation((Symbol(value.name), value.value), ("=",))


def _is_angle(node: Node) -> bool:
    return isinstance(node, Operation) and node.op == "deg"


def _said(moment: Moment) -> tuple[object, ...]:
    return moment.year, moment.month, moment.day, moment.seconds, moment.half_known


def _ratio(value: Value) -> Ratio | None:
    if isinstance(value, Moment) and value.bare:
        return Ratio(tuple(map(constant, value.bare)))
    return value if isinstance(value, Ratio) else None
