r"""What may be left to math-verify: notation outside our grammar, and none of what math-verify is known to get wrong.

It drops exponents of ``3e5`` and units, takes ``1=5`` for 5, ``500\%`` for 5 and for 500, ``AB`` for ``BA``, and the
last number of a sentence for its answer. It takes a set for a pair or an interval, drops commands that it does not
know, and quotes, and adds two numbers side by side: ``4 \ldots 5``, ``\phantom{4} 5`` and ``4(5)`` are 9. A text that
holds any of these never reaches it.
"""

from __future__ import annotations

import re

from .tokens import BINOMIALS, CALLED, CURRENCIES, DECORATIONS, FRACTIONS, GREEK, IGNORED, SAME, SETTING, STACKED

KNOWN = (
    GREEK
    | FRACTIONS
    | DECORATIONS
    | BINOMIALS
    | IGNORED
    | CURRENCIES.keys()
    | SAME.keys()
    | STACKED.keys()
    | SETTING
    | {f"\\{name}" for name in CALLED}
    | set(
        r"""\sqrt \operatorname \mathbb \begin \end \circ \in \cup \cap \setminus \emptyset \vee \wedge \pm \mp \neq
        \lfloor \rfloor \lceil \rceil \boxed \approx \sim \equiv \Rightarrow \to \implies""".split()  # noqa: SIM905
    )
)
MAX_LEVELS = 16  # of scripts and fractions inside one another
TRUSTED = (  # what math-verify reads as it is meant
    GREEK
    | FRACTIONS
    | BINOMIALS
    | IGNORED
    | {f"\\{name}" for name in CALLED}
    | set(
        r"""\sqrt \cdot \times \div \ast \circ \int \sum \prod \lim \to \rightarrow \partial
        \arcsec \arccsc \arccot \arcsinh \arsinh \lfloor \rfloor \lceil \rceil \lvert \rvert \vert \mid""".split()  # noqa: SIM905
    )
)
_COMMAND = re.compile(r"\\[A-Za-z]+", re.ASCII)
_LONG = re.compile(r"\\(?:sum|prod)[^\\]{0,40}\d{5}|\d{8}", re.ASCII)  # more terms than its time is enough for
_NUMBER = re.compile(r"[-+]?[\d,.]+", re.ASCII)  # which has no terms
_SCRIPT = re.compile(r"[_^]\s*(?:\{[^{}]*\}|\\[A-Za-z]+|[^\s{])")  # limits of sums, which hold "=" and arrows
_ARGUMENT = r"\s*(?:(\w)|\{([^{}]*)\})"
_FRACTION = re.compile(r"\\(?:[dtc]?frac|[dt]?binom)" + 2 * _ARGUMENT, re.ASCII)
_ROOT = re.compile(r"\\sqrt\s*(?:\[[^\[\]]*\])?" + _ARGUMENT, re.ASCII)
_SPACING = re.compile("|".join(re.escape(name) + r"(?![A-Za-z])" * name[-1].isalpha() for name in sorted(IGNORED)))
_SIDE_BY_SIDE = re.compile(r"\d[\s(){}\[\]]+[\d.]|\d\s*_", re.ASCII)
_DIFFERENTIAL = re.compile(r"\\mathrm\s*\{\s*d\s*\}|\bd[a-z]\b")
_MISREAD = re.compile(
    r"""\d[eE][+-]?\d | [<>=%$&'"`@?;~\#] | \\[{}]
    | (?<!\d), | ,(?!\d{3}(?!\d))
    | \\(?:leq?|geq?|neq?|lt|gt|in|approx|sim|equiv|to|rightarrow|implies|Rightarrow)\b
    | \\(?:text|mathrm|mathbf|textbf|textit|mbox|operatorname|begin|boxed|euro|pounds|yen)\b
    | (?<![A-Za-z\\])(?:[A-Za-z]*[A-Z][A-Za-z]+|[A-Za-z]{3,})""",
    re.VERBOSE,
)


def is_foreign(text: str) -> bool:
    """Whether a text holds a LaTeX command that our grammar does not know, such as an integral."""
    return any(command not in KNOWN for command in _COMMAND.findall(text))


def may_ask(*texts: str) -> bool:
    """Whether math-verify is to be trusted with these texts, and could answer in time."""
    for text in texts:
        if not text.isascii() or (_LONG.search(text) and not _NUMBER.fullmatch(text)):
            return False
        text = _DIFFERENTIAL.sub(" ", text)
        if not TRUSTED.issuperset(_COMMAND.findall(text)):
            return False
        text = _opened(text)
        if _MISREAD.search(text) or _SIDE_BY_SIDE.search(text):
            return False
    return True


def _opened(text: str) -> str:
    """A text without spacing and scripts, and with the arguments of fractions and roots in round brackets."""
    text = " ".join(_SPACING.sub(" ", text).split())
    for _ in range(MAX_LEVELS):
        inner = _ROOT.sub(r"\\sqrt(\1\2)", _FRACTION.sub(r"(\1\2)/(\3\4)", _SCRIPT.sub(" ", text)))
        if inner == text:
            break
        text = inner
    return text
