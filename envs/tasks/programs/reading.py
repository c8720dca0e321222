"""Lines of the small language, read from text (operator precedence parsing: Pratt, 1973). Nothing is run."""

from __future__ import annotations

import re

from .language import ARITHMETIC, COMPARISONS, FUNCTIONS, INDENT, STRENGTH, Expression, Line

MAX_LINE = 200  # characters
MAX_DEPTH = 30  # of brackets and signs

_TOKEN = re.compile(r"\s*(\d{1,15}(?![\w.])|[A-Za-z_]\w{0,30}|//=|[-+*%]=|//|[<>=!]=|[-+*%<>()\[\],.:=])", re.ASCII)
_KEYWORDS = frozenset(
    "def for in while if elif else return break and or not print True False None lambda is".split()  # noqa: SIM905
)
_NOTHING = ""  # the token after the last


class NotInLanguage(ValueError):
    """The text is no line of the language; the message says what was met."""


def read_program(text: str) -> list[Line]:
    """The lines of a program, empty ones left out.

    Raises:
        NotInLanguage: a line is none.
    """
    lines = []
    for written in filter(str.strip, text.split("\n")):
        bare = written.lstrip(" ")
        lines.append(read_line(bare, (len(written) - len(bare)) // len(INDENT)))
    return lines


def read_line(text: str, indent: int = 0) -> Line:
    """One line, whatever spaces are around it, at this indent.

    Raises:
        NotInLanguage: it is none.
    """
    return [indent, *_Reader(text).line()]


class _Reader:
    """The tokens of a line and the place of the one to be read next."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LINE:
            raise NotInLanguage(f"a line of more than {MAX_LINE} characters")
        self.tokens: list[str] = []
        self.at = self.depth = 0
        place = 0
        text = text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise NotInLanguage(f"{text[place:].strip()[:10]!a} is not understood")
            self.tokens.append(match[1])
            place = match.end()

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else _NOTHING

    def take(self, *wanted: str) -> str:
        token = self.next
        if wanted and token not in wanted:
            raise NotInLanguage(f"{token or 'the end'!r} where {' or '.join(wanted) or 'nothing'} is expected")
        self.at += 1
        return token

    def name(self) -> str:
        token = self.take()
        if not (token[:1].isalpha() or token[:1] == "_") or token in _KEYWORDS or token in FUNCTIONS:
            raise NotInLanguage(f"{token!r} where a variable is expected")
        return token

    def line(self) -> list[object]:
        found = self._statement()
        self.take(_NOTHING)
        return found

    def _statement(self) -> list[object]:
        match self.next:
            case "def":
                self.take()
                name = self.name()
                self.take("(")
                parameters = [self.name()]
                while self.take(",", ")") == ",":
                    parameters.append(self.name())
                self.take(":")
                return ["def", name, parameters]
            case "for":
                return self._for()
            case "while" | "if" | "elif" as kind:
                self.take()
                condition = self.expression()
                self.take(":")
                return [kind, condition]
            case "else":
                self.take()
                self.take(":")
                return ["else"]
            case "return":
                self.take()
                return ["return", self.expression()]
            case "break":
                return [self.take()]
            case "print":
                self.take()
                self.take("(")
                return ["print", self.expressions(")")]
        return self._change()

    def _for(self) -> list[object]:
        self.take()
        name = self.name()
        self.take("in")
        if self.next != "range":
            items = self.expression()
            self.take(":")
            return ["each", name, items]
        self.take()
        self.take("(")
        bounds = self.expressions(")")
        self.take(":")
        if not 1 <= len(bounds) <= 3:
            raise NotInLanguage("range takes one to three numbers")
        return ["for", name, bounds]

    def _change(self) -> list[object]:
        name = self.name()
        if self.next == ".":
            self.take()
            self.take("append")
            self.take("(")
            value = self.expression()
            self.take(")")
            return ["append", name, value]
        if self.next == "[":
            self.take()
            index = self.expression()
            self.take("]")
            self.take("=")
            return ["put", name, index, self.expression()]
        sign = self.take("=", *(f"{op}=" for op in ARITHMETIC))
        value = self.expression()
        return ["set", name, value] if sign == "=" else ["add", name, sign[:-1], value]

    def expressions(self, close: str) -> list[Expression]:
        """Expressions between commas, up to ``close``."""
        found: list[Expression] = []
        while self.next != close:
            found.append(self.expression())
            if self.next != close:
                self.take(",")
        self.take(close)
        return found

    def expression(self, outer: int = 0) -> Expression:
        """The longest expression whose operators bind more than ``outer``."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotInLanguage("an expression nested too deep")
        left = self._operand()
        while STRENGTH.get(self.next, 0) > outer and self.next != "not":
            op = self.take()
            right = self.expression(STRENGTH[op])
            if op in COMPARISONS and self.next in COMPARISONS:
                raise NotInLanguage("a chain of comparisons")
            left = [op, left, right]
        self.depth -= 1
        return left

    def _operand(self) -> Expression:
        token = self.next
        if token[:1].isdigit():
            return int(self.take())
        if token == "-":
            self.take()
            operand = self.expression(STRENGTH["*"])
            return -operand if isinstance(operand, int) else ["neg", operand]
        if token == "not":
            self.take()
            return ["not", self.expression(STRENGTH["not"])]
        if token == "(":
            self.take()
            inside = self.expression()
            self.take(")")
            return inside
        if token == "[":
            self.take()
            return ["list", *self.expressions("]")]
        if token in FUNCTIONS:
            self.take()
            self.take("(")
            argument = self.expression()
            self.take(")")
            return [token, argument]
        name = self.name()
        if self.next != "[":
            return name
        self.take()
        index = self.expression()
        self.take("]")
        return ["[]", name, index]
