"""Rows of a data set as questions with gold answers, whatever their columns are called; each gold is tried out."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from palaestra.verifiers import ChoiceVerifier, ShortTextVerifier, extract_answer, parse_gold
from palaestra.verifiers.math.number import read_number
from palaestra.verifiers.optional import MissingLibrary

TYPES = ("math", "choice", "text", "code")
QUESTIONS = ("question", "problem", "prompt", "text", "instruction", "input", "query")  # names of columns, best first
ANSWERS = ("answer", "answerkey", "gold", "target", "label", "final_answer", "expected_answer", "output", "solution")
OPTIONS = ("choices", "options")
HUMANEVAL = frozenset({"prompt", "canonical_solution", "test", "entry_point"})
MBPP = frozenset({"code", "test_list"})
HARDEST = 5  # of MATH's levels; a row that says "Level ?" is put there
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SOLVED = "passes_every_assertion"
ANNOTATION = re.compile(r"<<[^<>]*>>")  # of GSM8K's calculator

Record = Mapping[str, Any]


class Row(NamedTuple):
    """number: in the file, from 1. reference: what the verifier needs, JSON-able. solution: a worked one, or "".

    identity: equal in rows that put the same problem in other words; "" where the file does not tell.
    """

    number: int
    question: str
    reference: dict[str, Any]
    solution: str = ""
    difficulty: int = 1
    identity: str = ""


class BadRow(ValueError):
    """A field of a row cannot be used; the message names the field."""


def read_rows(path: str, question: str, answer: str, type: str, hub_config: str, hub_split: str) -> tuple[Row, ...]:
    """All rows of a file or of a data set on the hub; see ``Dataset``.

    Raises:
        ValueError: it cannot be read, or has no rows, or a row cannot be used: row number and field are named.
        MissingLibrary: ``datasets`` is needed and not installed.
    """
    file = Path(path)
    changed = 0
    if file.suffix in READERS:
        if not file.is_file():
            raise ValueError(f"there is no file {path}")
        changed = file.stat().st_mtime_ns
    elif file.exists():
        raise ValueError(f"{path}: a data set is a file that ends in {', '.join(READERS)}")
    return _read(path, changed, question, answer, type, hub_config, hub_split)


@lru_cache(maxsize=8)
def _read(
    path: str, changed: int, question: str, answer: str, type: str, hub_config: str, hub_split: str
) -> tuple[Row, ...]:
    """``changed``: when the file was, so that a new one is read again."""
    reader = READERS.get(Path(path).suffix)
    records = list(reader(path) if reader else _from_hub(path, hub_config, hub_split))
    if not records:
        raise ValueError(f"{path} has no rows")
    layout = _layout(path, records, question, answer, type)
    rows = []
    for number, record in enumerate(records, 1):
        try:
            rows.append(layout.row(number, record)._replace(identity=_identity(record, layout.names)))
        except BadRow as error:
            raise ValueError(f"{path}, row {number}: {error}") from error
    return tuple(rows)


def _from_json_lines(path: str) -> Iterator[Record]:
    with open(path, encoding="utf-8-sig") as lines:  # a mark of the byte order may come first
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _object(path, number, line)


def _object(path: str, number: int, text: str) -> Record:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path}, row {number}: not JSON: {error}") from error
    if not isinstance(record, dict):
        raise ValueError(f"{path}, row {number}: not a JSON object")
    return record


def _from_json(path: str) -> Iterator[Record]:
    text = Path(path).read_text(encoding="utf-8-sig")
    if not text.lstrip().startswith("["):
        yield from _from_json_lines(path)
        return
    try:
        records = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise ValueError(f"{path}, row {number}: not a JSON object")
        yield record


def _from_parquet(path: str) -> Iterator[Record]:
    parquet = importlib.import_module("pyarrow.parquet")
    try:
        yield from parquet.read_table(path).to_pylist()
    except importlib.import_module("pyarrow").ArrowInvalid as error:
        raise ValueError(f"{path}: not Parquet: {error}") from error


READERS = {".jsonl": _from_json_lines, ".json": _from_json, ".parquet": _from_parquet}


def _from_hub(name: str, config: str, split: str) -> Iterator[Record]:
    try:
        datasets = importlib.import_module("datasets")
    except ModuleNotFoundError as error:
        raise MissingLibrary(f"{name} is no file, and to look for it on the hub: pip install datasets") from error
    try:
        yield from datasets.load_dataset(name, config or None, split=split or "train")
    except (OSError, ValueError) as error:
        raise ValueError(f"the data set {name} cannot be loaded: {error}") from error


class Layout(NamedTuple):
    """Which columns hold what. names: of the columns in lower case, each with how it is written."""

    type: str
    question: str
    answer: str
    names: Mapping[str, str]

    def row(self, number: int, record: Record) -> Row:
        question = _text(record, self.question)
        solution, difficulty = "", 1
        if self.type == "code":
            return _code_row(number, question, record)
        if self.type == "choice":
            options, gold = _options(record, self.names), record.get(self.answer)
            question += "".join(f"\n{LETTERS[k]}. {option}" for k, option in enumerate(options))
            reference = {"type": "choice", "gold": _letter(gold, options, record, self), "options": options}
        elif self.type == "math":
            gold = _gold(record, self.answer)
            reference = {"type": "math", "gold": gold}
            solution = _solution(record, self)
            difficulty = _level(record, self.names)
        else:
            value = record.get(self.answer)
            accepted = value if isinstance(value, list) else [_text(record, self.answer)]
            reference = {"type": "text", "gold": [str(text).strip() for text in accepted]}
        _try_out(reference, self.answer)
        return Row(number, question, reference, solution, difficulty)


def _layout(path: str, records: Sequence[Record], question: str, answer: str, type: str) -> Layout:
    """The layout that the first row's columns tell, as far as it is not given."""
    first = records[0]
    names = {name.lower(): name for name in first}
    for given in filter(None, (question, answer)):
        if given not in first:
            raise ValueError(f"{path} has no column {given!r}: it has {', '.join(first)}")
    question = question or next((names[name] for name in QUESTIONS if name in names), "")
    answer = answer or next((names[name] for name in ANSWERS if name in names and names[name] != question), "")
    if not type and (names.keys() >= HUMANEVAL or names.keys() >= MBPP):
        type = "code"
    if not question or not (answer or type == "code"):
        missing = "answer" if question else "question"
        raise ValueError(f"{path}: which column is the {missing}? Give {missing}=, one of {', '.join(first)}")
    if not type:
        type = _told(records, answer, names)
    return Layout(type, question, answer, names)


def _told(records: Sequence[Record], answer: str, names: Mapping[str, str]) -> str:
    """The type of the answers by the columns, or by what most of the answers are: numbers and LaTeX, or words."""
    if any(name in names for name in OPTIONS):
        return "choice"
    numbers = sum(_is_math(record.get(answer)) for record in records)
    return "math" if "solution" in names or 2 * numbers > len(records) else "text"


def _is_math(value: Any) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return True
    return isinstance(value, str) and (read_number(_final(value)) is not None or "\\" in _final(value))


def _final(text: str) -> str:
    """The gold in an answer: behind ``####``, in the last box, or all of it."""
    if "####" in text:
        return text.rpartition("####")[2].strip()
    boxed = extract_answer(text, ("boxed",))
    return text.strip() if boxed is None else boxed.text


def _text(record: Record, column: str) -> str:
    value = record.get(column)
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise BadRow(f"{column}: a text is needed, not {value!r}"[:200])


def _gold(record: Record, column: str) -> str:
    text = _text(record, column)
    gold = _final(text)
    if column.lower() == "solution" and gold == text.strip():
        raise BadRow(f"{column}: no \\boxed answer in it")
    return gold


def _solution(record: Record, layout: Layout) -> str:
    """The worked solution, without its last line's answer where that has a line of its own."""
    written = record.get(layout.names.get("solution", layout.answer))
    if not isinstance(written, str) or _final(written) == written.strip():
        return ""
    return ANNOTATION.sub("", written.rpartition("####")[0] or written)


def _level(record: Record, names: Mapping[str, str]) -> int:
    """MATH's level: ``Level 3``, or 3."""
    if "level" not in names:
        return 1
    match = re.fullmatch(r"(?:Level )?([1-9])", str(record.get(names["level"])))
    return int(match[1]) if match else HARDEST


def _identity(record: Record, names: Mapping[str, str]) -> str:
    value = record.get(names.get("identity", ""))
    return "" if value is None else str(value)


def _options(record: Record, names: Mapping[str, str]) -> list[str]:
    """The options' texts: a list (MMLU), or a mapping with the list ``text`` (ARC, CommonsenseQA)."""
    column = next((names[name] for name in OPTIONS if name in names), "")
    value = record.get(column)
    if isinstance(value, Mapping):
        value = value.get("text")
    if not isinstance(value, list) or not 2 <= len(value) <= len(LETTERS):
        raise BadRow(f"{column or OPTIONS[0]}: a list of 2 to 26 options is needed, not {value!r}"[:200])
    return [str(option) for option in value]


def _letter(gold: Any, options: Sequence[str], record: Record, layout: Layout) -> str:
    """The gold option's letter, given as a letter, a label, an index from 0, or the option's text."""
    labels = next((record[layout.names[name]] for name in OPTIONS if name in layout.names), None)
    labels = [str(label) for label in labels["label"]] if isinstance(labels, Mapping) and "label" in labels else []
    if str(gold) in labels:
        return LETTERS[labels.index(str(gold))]
    if isinstance(gold, int) and 0 <= gold < len(options):
        return LETTERS[gold]
    if isinstance(gold, str) and len(gold) == 1 and gold.upper() in LETTERS[: len(options)]:
        return gold.upper()
    if list(options).count(str(gold)) == 1:
        return LETTERS[list(options).index(str(gold))]
    raise BadRow(f"{layout.answer}: {gold!r} is none of the {len(options)} options"[:200])


def _code_row(number: int, question: str, record: Record) -> Row:
    """HumanEval's or MBPP's: the assertions become a function that the sandbox calls after the answer's code."""
    if record.keys() >= HUMANEVAL:
        test, name = _text(record, "test"), _text(record, "entry_point")
        if "def check" not in test or not name.isidentifier():
            raise BadRow("test: no function check, or entry_point: no name")
        after = f"\n{test}\n\ndef {SOLVED}():\n    check({name})\n    return True\n"
        solution = question + _text(record, "canonical_solution")
        reference = {"type": "code", "gold": number, "before": question, "after": after}
        return Row(number, question, reference, solution)
    tests = record.get("test_list")
    if not isinstance(tests, list) or not tests or not all(isinstance(t, str) and "assert" in t for t in tests):
        raise BadRow(f"test_list: a list of assertions is needed, not {tests!r}"[:200])
    imports = record.get("test_imports") or [record.get("test_setup_code") or ""]
    body = "\n".join(f"    {line}" for test in tests for line in test.split("\n"))
    after = f"\n{chr(10).join(imports)}\n\ndef {SOLVED}():\n{body}\n    return True\n"
    shown = f"{question}\nThe code has to pass this test:\n{tests[0]}"  # which tells the function's name
    return Row(
        number, shown, {"type": "code", "gold": number, "before": "", "after": after}, str(record.get("code") or "")
    )


def _try_out(reference: Mapping[str, Any], column: str) -> None:
    """Raise BadRow where the verifier cannot use the gold."""
    gold = reference["gold"]
    try:
        if reference["type"] == "math":
            parse_gold(gold)
        elif reference["type"] == "choice":
            ChoiceVerifier(gold, tuple(reference["options"]))
        else:
            ShortTextVerifier(tuple(gold))
    except ValueError as error:
        raise BadRow(f"{column}: {error}"[:300]) from error
