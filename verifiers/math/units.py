r"""Amounts with units: ``10\text{ km}``, ``5 m/s^2``, ``\$10``, ``20^\circ C``, ``5 ft 3 in``.

Units are compared by pint, which is loaded when two differ; currencies, which have no fixed rates, by name. A unit that
pint does not know counts for itself: 5 apples are 5 apples.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, TypeAlias

from ..optional import require
from .brackets import outside
from .expression import DEGREES, are_variables, parse_tokens
from .tokens import CALLED, CURRENCIES, FRACTIONS, GREEK, is_numeral, words_of
from .tree import Node, Operation, ParseError, constant, unknowns

MAX_NAMES = 6  # names in a unit
MAX_POWER = 6
MAX_NAME = 32  # characters
MAX_TERMS = 4  # as in 3 hours 20 minutes 5 seconds

Unit: TypeAlias = tuple[tuple[str, int], ...]  # names in order, each with its power

CENT = Fraction(1, 100)
MONEY: dict[str, tuple[str, Fraction]] = {
    **dict.fromkeys(("$", "dollar", "dollars", "usd", "USD"), ("dollar", Fraction(1))),
    **dict.fromkeys(("cent", "cents"), ("dollar", CENT)),
    **dict.fromkeys(("euro", "euros", "EUR"), ("euro", Fraction(1))),
    **dict.fromkeys(("pound sterling", "GBP"), ("pound sterling", Fraction(1))),
    **dict.fromkeys(("yen", "JPY"), ("yen", Fraction(1))),
    **dict.fromkeys(("rupee", "rupees", "INR"), ("rupee", Fraction(1))),
}
SIGNS = CURRENCIES | {r"\Omega": "ohm"}
ALIASES = {
    "sec": "second",
    "secs": "second",
    "mins": "minute",
    "hr": "hour",
    "hrs": "hour",
    "yrs": "year",
    "yr": "year",
}
COUNTS = {"dozen": 12, "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
TEMPERATURES = {
    "C": "degC",
    "F": "degF",
    "Celsius": "degC",
    "Fahrenheit": "degF",
    "celsius": "degC",
    "fahrenheit": "degF",
}
SHORT = frozenset("km cm mm nm ms kg mg ft mi yd lb lbs oz min sec hr hrs mph kph ml mol rad deg cal day".split())  # noqa: SIM905
MIXED = frozenset("kW MW mW kWh Wh kJ mJ kN kPa Pa hPa kHz Hz kV mV mA mAh eV keV kB dB mL dL cL Gy Sv Bq".split())  # noqa: SIM905
NO_UNITS = (CALLED | {"e", "i", "pi", "or", "sqrt"}) - {"min", "sec"}
PIECES = re.compile(r"[A-Za-z]+|\d+|\*\*|[\^*/()-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A sum of amounts, each in its unit; a plain number has the unit ``()``.

    sure: no letter of it could be a variable.
    """

    terms: tuple[tuple[Node, Unit], ...]
    sure: bool

    @property
    def plain(self) -> bool:
        return self.terms[0][1] == ()


def read_quantity(tokens: list[str]) -> Quantity | None:
    """An amount with its unit, or a plain number; None for anything else."""
    if not tokens or tokens[0][0].isalpha():
        return None
    opened = any(words_of(token) is not None for token in tokens)
    tokens = [token for token in _slashed([*_spelled(tokens)]) if token != "and"]  # 2 hours and 30 minutes
    terms: list[tuple[Node, Unit]] = []
    sure = False
    try:
        for amount, unit in _terms(tokens):
            if not amount or len(terms) == MAX_TERMS:
                return None
            node = parse_tokens(amount)
            if unknowns(node):
                return None
            if unit and unit[0] in DEGREES and len(unit) == 1:
                terms.append((Operation("deg", (node,)), ()))
                continue
            terms.append(_counted(node, _unit(unit)))
            sure = sure or any(opened or _is_sure(token) for token in unit)
    except ParseError:
        return None
    return Quantity(tuple(terms), sure) if terms else None


def _counted(amount: Node, unit: Unit) -> tuple[Node, Unit]:
    """An amount of millions as one of ones."""
    count = math.prod(Fraction(COUNTS.get(name, 1)) ** power for name, power in unit)
    rest = tuple((name, power) for name, power in unit if name not in COUNTS)
    return Operation("*", (amount, constant(count))) if count != 1 else amount, rest


def mentions_unit(tokens: list[str]) -> bool:
    """Whether a token might name a unit for sure: at little cost, no for most answers."""
    return any(
        token in CURRENCIES or token == r"\circ" or (len(token) > 1 and (token[-1] == "}" or token.isalpha()))
        for token in tokens
    )


def require_library(quantity: Quantity) -> None:
    """Raises:
    MissingLibrary: a unit is not a currency, and pint is not installed.
    """
    names = {name for _, unit in quantity.terms for name, _ in unit}
    if names - MONEY.keys() and find_spec("pint") is None:
        require("pint")


def _is_sure(token: str) -> bool:
    """Whether a token names a unit and cannot be a product of letters."""
    return (
        token in MONEY
        or token in SHORT
        or token in MIXED
        or (token.isalpha() and len(token) > 1 and not are_variables(token))
    )


def _spelled(tokens: list[str]) -> Iterator[str]:
    r"""The tokens with ``\text{ m/s}`` opened, currencies after their amounts, and temperatures as one name."""
    tokens = [piece for token in tokens for piece in _opened(token)]
    index = 0
    while index < len(tokens):
        token = tokens[index]
        circle = index + (token == "^")
        if length := _temperature(tokens[circle:]):
            yield TEMPERATURES[tokens[circle + length - 1]]
            index = circle + length
            continue
        after = tokens[index + 1] if index + 1 < len(tokens) else ""
        if token in CURRENCIES and is_numeral(after):
            yield after
            index += 1
        elif token == r"\mu" and after.isalpha():
            token = f"u{after}"
            index += 1
        elif token in ("k", "M") and after == r"\Omega":
            token = f"{token}ohm"
            index += 1
        yield SIGNS.get(token, token)
        index += 1


def _slashed(tokens: list[str]) -> list[str]:
    r"""The tokens with ``9.8 \frac{m}{s^2}`` as ``9.8 m / s^2``, where such a fraction of names ends them."""
    place = next((index for index in range(len(tokens) - 1, 0, -1) if tokens[index] in FRACTIONS), 0)
    parts = tokens[place + 1 :]
    middle = next((index for index in range(len(parts)) if parts[index : index + 2] == ["}", "{"]), 0)
    top, bottom = parts[1:middle], parts[middle + 2 : -1]
    if not place or not middle or (parts[0], parts[-1]) != ("{", "}") or {"{", "}"} & {*top, *bottom}:
        return tokens
    named = all(side and _is_unit_name(side[0]) for side in (top, bottom))
    return [*tokens[:place], *top, "/", *bottom] if named else tokens


def _opened(token: str) -> list[str]:
    words = words_of(token)
    return [token] if words is None else PIECES.findall(words)


def _temperature(tokens: list[str]) -> int:
    r"""How many of the tokens spell ``\circ C`` or ``degrees Celsius``; 0 when they do not."""
    short = tokens[:1] == [r"\circ"] or (bool(tokens) and tokens[0] in DEGREES)
    circle = 1 if short else 3 if tokens[:3] == ["{", r"\circ", "}"] else 0
    return circle + 1 if circle and len(tokens) > circle and tokens[circle] in TEMPERATURES else 0


def _terms(tokens: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """The tokens of each amount, and of the unit after it."""
    places = {index for index, _ in outside(tokens)}
    start = index = 0
    while index < len(tokens):
        if index not in places or not _is_unit_name(tokens[index]):
            index += 1
            continue
        end = index
        while end < len(tokens) and not (is_numeral(tokens[end]) and tokens[end - 1] not in ("^", "-", "{")):
            end += 1
        yield tokens[start:index], tokens[index:end]
        start = index = end
    if start < len(tokens):
        yield tokens[start:], []


def _is_unit_name(token: str) -> bool:
    if token in MONEY:
        return True
    return token.isalpha() and len(token) <= MAX_NAME and token not in NO_UNITS and f"\\{token}" not in GREEK


def _unit(tokens: list[str]) -> Unit:
    """The unit that names, powers, ``/`` and ``per`` spell.

    Raises:
        ParseError: they spell none.
    """
    powers: dict[str, int] = {}
    side, times, index = 1, 1, 0
    tokens = [token for token in tokens if token not in ("(", ")", "{", "}")]
    while index < len(tokens):
        token = tokens[index]
        index += 1
        if token in ("*", "/", "per"):
            side = side if token == "*" else -1
        elif token in ("square", "sq", "cubic"):
            times = 3 if token == "cubic" else 2
        elif _is_unit_name(token):
            power, index = _power(tokens, index)
            name = ALIASES.get(token, token)
            powers[name] = powers.get(name, 0) + side * times * power
            times = 1
        else:
            raise ParseError(f"{token[:20]!a} in a unit")
    if tokens[-1:] in (["*"], ["/"], ["per"]):  # 5 km/6 is a sixth
        raise ParseError("an unfinished unit")
    if len(powers) > MAX_NAMES or any(abs(power) > MAX_POWER for power in powers.values()) or (tokens and not powers):
        raise ParseError("no unit")
    return tuple(sorted((name, power) for name, power in powers.items() if power))


def _power(tokens: list[str], index: int) -> tuple[int, int]:
    """The power written after a name, and the index after it."""
    if tokens[index : index + 1] in (["squared"], ["cubed"]):
        return 2 if tokens[index] == "squared" else 3, index + 1
    if tokens[index : index + 1] not in (["^"], ["**"]):
        return 1, index
    minus = tokens[index + 1 : index + 2] == ["-"]
    digit = tokens[index + 1 + minus : index + 2 + minus]
    if not digit or not digit[0].isdigit() or len(digit[0]) > 1:
        raise ParseError("a power of a unit that is no digit")
    return -int(digit[0]) if minus else int(digit[0]), index + 2 + minus


def total(quantity: Quantity, unit: Unit) -> Node | None:
    """The amount in another unit; None when the units measure different things, or one of them comes twice.

    Raises:
        MissingLibrary: pint is not installed.
    """
    if len({own for _, own in quantity.terms}) < len(quantity.terms):  # 5 km and 6 km are two amounts, not 11 km
        return None
    scale, offset, dimensions = _base(unit)
    sums: list[Node] = []
    for amount, own in quantity.terms:
        own_scale, own_offset, own_dimensions = _base(own)
        if own_dimensions != dimensions or ((own_offset or offset) and len(quantity.terms) > 1):
            return None
        shift = constant((own_offset - offset) / scale)
        sums.append(Operation("+", (Operation("*", (amount, constant(own_scale / scale))), shift)))
    return sums[0] if len(sums) == 1 else Operation("+", tuple(sums))


@lru_cache(maxsize=1024)
def _base(unit: Unit) -> tuple[Fraction, Fraction, frozenset[tuple[str, Fraction]]]:
    """Scale and offset that turn an amount in a unit into base units, and those."""
    scale, offset = Fraction(1), Fraction(0)
    dimensions: dict[str, Fraction] = {}
    for name, power in unit:
        if name in MONEY:
            base, factor, zero = {MONEY[name][0]: Fraction(1)}, MONEY[name][1], Fraction(0)
        else:
            base, factor, zero = _by_pint(name)
        scale *= factor**power
        if unit == ((name, 1),):
            offset = zero
        for key, exponent in base.items():
            dimensions[key] = dimensions.get(key, Fraction(0)) + exponent * power
    return scale, offset, frozenset((key, power) for key, power in dimensions.items() if power)


@lru_cache(maxsize=1024)
def _by_pint(name: str) -> tuple[dict[str, Fraction], Fraction, Fraction]:
    """What a unit is in base units, its scale and its offset."""
    registry = _registry()
    known = registry.parse_unit_name(name)
    try:
        unit = registry.UnitsContainer({known[0][0] + known[0][1]: 1})
        zero, one = (registry.Quantity(Fraction(k), unit).to_root_units() for k in (0, 1))
    except (IndexError, TypeError):  # no unit, or one with a logarithmic scale: decibels count for themselves
        return {name.removesuffix("s"): Fraction(1)}, Fraction(1), Fraction(0)
    offset = Fraction(zero.magnitude)
    return {str(key): Fraction(power) for key, power in one.unit_items()}, Fraction(one.magnitude) - offset, offset


@lru_cache(maxsize=1)
def _registry() -> Any:
    return require("pint").UnitRegistry(non_int_type=Fraction)
