r"""Text cut into tokens: numbers, names, LaTeX commands, signs. Spacing and sizing commands are dropped."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from .signs import in_ascii
from .tree import Number, ParseError

MAX_LENGTH = 4096  # characters of a text
MAX_DIGITS = 400  # characters of one number
MAX_EXPONENT = 400  # size of x in 1ex
MAX_BASE = 36

FUNCTIONS = frozenset(
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln exp abs floor ceil".split()  # noqa: SIM905
)
LOGS = frozenset(("log", "lg"))
SEVERAL = frozenset(("max", "min", "gcd", "lcm"))
CALLED = FUNCTIONS | LOGS | SEVERAL
TRIGONOMETRIC = frozenset(("sin", "cos", "tan", "cot", "sec", "csc"))
ALIASES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "tg": "tan", "ctg": "cot", "degree": "deg"}
GREEK = frozenset(
    r"""\alpha \beta \gamma \delta \epsilon \varepsilon \zeta \eta \theta \vartheta \iota \kappa \lambda \mu \nu \xi \pi
    \rho \sigma \tau \upsilon \phi \varphi \chi \psi \omega \Gamma \Delta \Theta \Lambda \Phi \Psi \Omega
    \infty""".split()  # noqa: SIM905
)
FRACTIONS = frozenset((r"\frac", r"\dfrac", r"\tfrac", r"\cfrac"))
BINOMIALS = frozenset((r"\binom", r"\dbinom", r"\tbinom"))
STACKED = {r"\over": r"\frac", r"\choose": r"\binom"}
SETTING = frozenset(
    r"\text \textbf \textit \textrm \mathrm \mathbf \mathit \mathsf \mbox \boldsymbol \bm \pmb".split()  # noqa: SIM905
)
DECORATIONS = frozenset((r"\vec", r"\hat", r"\overline", r"\bar", r"\angle", r"\triangle"))
CURRENCIES = {r"\$": "$", "$": "$", r"\euro": "euro", r"\pounds": "pound sterling", r"\yen": "yen"}
IGNORED = frozenset(
    r"""\left \right \, \; \: \! ~ \quad \qquad \thinspace \displaystyle \textstyle \limits
    \big \Big \bigl \bigr \Bigl \Bigr \biggl \biggr""".split()  # noqa: SIM905
) | {"\\ "}
SAME = {
    **{r"\cdot": "*", r"\times": "*", r"\div": "/", "**": "^", r"\%": "%", r"\ast": "*"},
    **{r"\le": "<=", r"\leq": "<=", r"\leqslant": "<=", r"\ge": ">=", r"\geq": ">=", r"\geqslant": ">="},
    **{
        r"\lt": "<",
        r"\gt": ">",
        r"\ne": r"\neq",
        r"\lbrace": r"\{",
        r"\rbrace": r"\}",
        r"\lbrack": "[",
        r"\rbrack": "]",
    },
    **{
        r"\lvert": "|",
        r"\rvert": "|",
        r"\vert": "|",
        r"\mid": "|",
        r"\degree": r"\circ",
        r"\colon": ":",
        r"\langle": "(",
        r"\rangle": ")",
    },
    **{r"\varnothing": r"\emptyset", r"\backslash": r"\setminus", r"\lor": r"\vee", r"\land": r"\wedge"},
}
UNBRACED = re.compile(r"(\\mathbb)\s+([A-Z])(?![A-Za-z])", re.ASCII)  # \mathbb R
ROW_GAP = re.compile(r"\\\\\s*\[\s*-?[\d.]{1,8}\s*(?:pt|em|ex|mm|cm)\s*\]", re.ASCII)  # \\[4pt] between rows
WORDED = re.compile(r"_\s*(\{\s*)?\\(?:(?:text|mathrm)\s*\{\s*([A-Za-z]{1,16})\s*\}|(max|min)\b)(?(1)\s*\})", re.ASCII)
THIN = re.compile(r"\{,\}|\\[,:; ]|,\\!|~")  # between thousands, where a comma alone may also part two numbers
TOKENS = re.compile(
    r"""\s*(
    \d+_(?:\d{1,2}(?!\d)|\{\d{1,2}\})                                                    # 1011_2  377_{8}
    | \d*[A-F][0-9A-F]+_\{?16\}? | \d+[A-F]_\{?16\}? | \d*[A-Z]+\d[0-9A-Z]*_\{\d\d\}     # FF_{16}  A5_{12}
    | \d*\.\d*\\(?:overline|bar|dot)\s*(?:\{\d+\}|\d)                                       # 0.1\overline{6}
    | (?:[1-9]\d{0,2}(?:(?:,|\{,\}|\\[,:;\ ]|,\\!|~)\d{3})+(?!\d)|\d+)(?:\.\d*)?(?:[eE][+-]?\d+)?   # 1,000.5  3e5
    | \.\d+(?:[eE][+-]?\d+)?
    | [A-Za-z]+(?:_(?:[A-Za-z]|\d{1,4}|\{[A-Za-z0-9]{1,16}\}))?                          # x  km  x_1  x_{12}
    | \\(?:text|textrm|mathrm|mathsf|mbox|operatorname|mathbb|begin|end)\s*\{[^{}\\]*\}
    | \\(?:text|math)(?:bf|it)\s*\{(?:[A-Za-z\s().:~]*|\d*)\}                               # not \mathbf{x+1}
    | \\[A-Za-z]+ | \\. | \*\* | [<>]= | \S )""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
WORDS = re.compile(
    r"\\(?:text|math|operator)[a-z]*\s*\{[\s~]*([^{}\\]*?)[\s~]*\}|\\mbox\s*\{\s*([^{}\\]*?)\s*\}", re.ASCII
)
PERCENT = frozenset(("percent", "per cent", "%"))
SPELLED = re.compile(r"per ?cent|degree|\{\s*[-+%\d.]", re.ASCII)  # what ``_respelled`` may change
SET_NUMBER = re.compile(r"[-+]?(?:\d+|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d+)?", re.ASCII)  # in \text, \mathbf, ...
REPEATING = re.compile(r"(\d*)\.(\d*)\\[a-z]+\s*\{?(\d+)\}?", re.ASCII)
BASED = re.compile(r"(?![A-Z]_)([0-9A-Z]+)_\{?(\d{1,2})\}?", re.ASCII)  # one capital is a name: C_1, T_{30}


def tokenize(text: str) -> list[str]:
    """The tokens of a text, each sign in one spelling.

    Raises:
        ParseError: too long, or a character outside ASCII but for a few mathematical signs.
    """
    if len(text) > MAX_LENGTH:
        raise ParseError(f"longer than {MAX_LENGTH} characters")
    text = in_ascii(text)
    text = ROW_GAP.sub(r"\\\\", text)
    text = WORDED.sub(r"_{\2\3}", UNBRACED.sub(r"\1{\2}", text))
    tokens = [THIN.sub("", token) if token[0].isdigit() else token for token in TOKENS.findall(text)]
    tokens = [token for token in tokens if token not in IGNORED]
    if SPELLED.search(text):
        tokens = [piece for place, token in enumerate(tokens) for piece in _respelled(token, tokens, place)]
    while not SETTING.isdisjoint(tokens):
        tokens = _unset(tokens)
    while not STACKED.keys().isdisjoint(tokens):
        tokens = _unstacked(tokens)
    return [SAME.get(token, token) for token in tokens]


def _unset(tokens: list[str]) -> list[str]:
    r"""``\boldsymbol{x+1}`` as ``x+1``, the first of them: braces stay only around what is raised or lowered."""
    place = next(index for index, token in enumerate(tokens) if token in SETTING)
    start = place + 1
    if tokens[start : start + 1] != ["{"] or tokens[place - 1 : place] in (["^"], ["_"]):
        return [*tokens[:place], *tokens[start:]]
    end = start + 1 + _unclosed(tokens[start + 1 :], "{", "}")
    return [*tokens[:place], *tokens[start + 1 : end], *tokens[end + 1 :]]


def _unstacked(tokens: list[str]) -> list[str]:
    r"""The first ``{n \choose k}`` as ``\binom{n}{k}``: as TeX has it, each side reaches to the braces around both."""
    place = next(index for index, token in enumerate(tokens) if token in STACKED)
    start, end = _unclosed(tokens[:place][::-1], "}", "{"), _unclosed(tokens[place + 1 :], "{", "}")
    before, top = tokens[: max(place - start - 1, 0)], tokens[place - start : place]
    bottom, after = tokens[place + 1 : place + 1 + end], tokens[place + 2 + end :]
    return [*before, STACKED[tokens[place]], "{", *top, "}", "{", *bottom, "}", *after]


def _unclosed(tokens: list[str], opening: str, closing: str) -> int:
    """The index of the first closing brace without its opening one; behind the last token when there is none."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token == opening) - (token == closing)
        if depth < 0:
            return index
    return len(tokens)


def _respelled(token: str, tokens: list[str], place: int) -> list[str]:
    r"""A token that is written in words or in bold: ``25 percent``, ``\text{5}``, ``60\degree``."""
    before, after = tokens[place - 1] if place else "", tokens[place + 1] if place + 1 < len(tokens) else ""
    words = words_of(token)
    if (token in PERCENT or words in PERCENT) and (is_numeral(before) or before in (")", "}")):
        return ["%"]
    if words and after != "_" and SET_NUMBER.fullmatch(words):
        return TOKENS.findall(words)
    if token in (r"\degree", r"\textdegree"):
        return [r"\circ"] if before in ("^", "{") else ["^", r"\circ"]
    return [token]


def is_numeral(token: str) -> bool:
    """Whether a token is a plain number, not one with its base."""
    return (token[:1].isdigit() or (token[:1] == "." and len(token) > 1)) and "_" not in token


def words_of(token: str) -> str | None:
    r"""What a command such as ``\text{ km }`` holds, with single spaces; None for another token."""
    match = WORDS.fullmatch(token) if token[:1] == "\\" and token[-1] == "}" else None
    return " ".join((match[1] or match[2] or "").split()) if match else None


@lru_cache(maxsize=4096)
def literal(token: str) -> Number:
    """The number that a literal stands for, exactly."""
    if len(token) > MAX_DIGITS:
        raise ParseError(f"a number of more than {MAX_DIGITS} digits")
    if match := REPEATING.fullmatch(token):
        whole, decimals, period = match.groups()
        repeated = Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(decimals))
        return Number(Fraction(int((whole + decimals) or 0), 10 ** len(decimals)) + repeated)
    mantissa, _, exponent = token.lower().partition("e")
    digits = mantissa.replace(",", "")
    power = int(exponent or 0)
    if abs(power) > MAX_EXPONENT:
        raise ParseError(f"an exponent beyond {MAX_EXPONENT}")
    whole, _, decimals = digits.partition(".")
    power -= len(decimals)
    value = int(whole + decimals)
    return Number(Fraction(value * 10**power) if power >= 0 else Fraction(value, 10**-power))


def numeral(digits: str, base: int) -> Number:
    """The integer that ``digits`` spell in a base from 2 to ``MAX_BASE``; letters of either case are digits."""
    if not 2 <= base <= MAX_BASE:
        raise ParseError(f"a base outside 2 to {MAX_BASE}")
    if len(digits) > MAX_DIGITS:
        raise ParseError(f"a number of more than {MAX_DIGITS} digits")
    try:
        return Number(Fraction(int(digits, base)))
    except ValueError:
        raise ParseError(f"{digits[:20]} is no numeral of base {base}") from None
