r"""What may be left to math-verify: notation outside our grammar, and none of what math-verify is known to get wrong.

It drops exponents of ``3e5`` and units, takes ``1=5`` for 5, ``500\%`` for 5 and for 500, ``AB`` for ``BA``, and the
last number of a sentence for its answer: a text that holds any of these never reaches it.
"""

from __future__ import annotations

import re

from .tokens import BINOMIALS, CALLED, CURRENCIES, DECORATIONS, FRACTIONS, GREEK, IGNORED, SAME

KNOWN = (
    GREEK
    | FRACTIONS
    | DECORATIONS
    | BINOMIALS
    | IGNORED
    | CURRENCIES.keys()
    | SAME.keys()
    | {f"\\{name}" for name in CALLED}
    | set(
        r"""\sqrt \text \textbf \textit \textrm \mathrm \mathbf \mathit \mathsf \mbox \operatorname \mathbb \begin \end
        \circ \in \cup \cap \setminus \emptyset \vee \wedge \pm \mp \neq \lfloor \rfloor \lceil \rceil \boxed
        \approx \sim \equiv \Rightarrow \to \implies""".split()  # noqa: SIM905
    )
)
_COMMAND = re.compile(r"\\[A-Za-z]+", re.ASCII)
_LONG = re.compile(r"\\(?:sum|prod)[^\\]{0,40}\d{5}|\d{8}", re.ASCII)  # more terms than its time is enough for
_NUMBER = re.compile(r"[-+]?[\d,.]+", re.ASCII)  # which has no terms
_SCRIPT = re.compile(r"[_^]\s*(?:\{[^{}]*\}|\S)")  # limits of sums, which hold "=" and arrows
_DIFFERENTIAL = re.compile(r"\\mathrm\s*\{\s*d\s*\}|\bd[a-z]\b")
_MISREAD = re.compile(
    r"""\d[eE][+-]?\d | [<>=%$&] | \\(?:leq?|geq?|neq?|lt|gt|in|approx|sim|equiv|to|implies|Rightarrow)\b
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
        if _MISREAD.search(_SCRIPT.sub(" ", _DIFFERENTIAL.sub(" ", text))):
            return False
    return True
