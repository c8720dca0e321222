"""Dataset: layouts are recognised, golds are checked when they are read, splits are disjoint."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from palaestra.envs import make
from palaestra.envs.task import OracleMissing, sample_problem
from palaestra.envs.tasks.dataset import Dataset
from palaestra.envs.testing import check_task
from palaestra.verifiers.optional import MissingLibrary

RNG = np.random.default_rng(0)

GSM8K = {"question": "{n} apples and 1 more?", "answer": "{n}+1=<<{n}+1={m}>>{m}\n#### {m}"}
MATH = {
    "problem": "Halve {n}.",
    "level": "Level {l}",
    "type": "Algebra",
    "solution": "It is $\\boxed{{\\frac{{{n}}}{{2}}}}$.",
}
AIME = {"ID": "2024-I-{n}", "Problem": "Find {n}.", "Solution": "Look.", "Answer": 0}
MMLU = {"question": "Which is {n}?", "subject": "s", "choices": ["{n}", "x", "y", "z"], "answer": 0}
ARC = {"question": "Which is {n}?", "choices": {"text": ["a", "{n}"], "label": ["1", "2"]}, "answerKey": "2"}
TRIVIA = {"question": "Who is number {n}?", "answer": "Mr N{n}"}
HUMANEVAL = {
    "task_id": "HumanEval/{n}",
    "prompt": 'def add(x):\n    """Add {n} to x."""\n',
    "canonical_solution": "    return x + {n}\n",
    "test": "def check(candidate):\n    assert candidate(1) == {m}\n",
    "entry_point": "add",
}
MBPP = {
    "task_id": 1,
    "text": "Write a function add that adds {n}.",
    "code": "def add(x):\n    return x + {n}",
    "test_list": ["assert add(1) == {m}", "assert add(0) == {n}"],
    "test_setup_code": "",
}


def filled(value: Any, n: int) -> Any:
    """A row's fields with its number put in."""
    if isinstance(value, dict):
        return {key: filled(part, n) for key, part in value.items()}
    if isinstance(value, list):
        return [filled(part, n) for part in value]
    return value.format(n=n, m=n + 1, l=1 + n % 5) if isinstance(value, str) else value


def written(folder: Path, rows: list[Any]) -> str:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def rows_of(layout: dict[str, Any], count: int = 40) -> list[Any]:
    rows = [filled(layout, n) for n in range(count)]
    for n, row in enumerate(rows):
        if layout is AIME:
            row["Answer"] = n
    return rows


@pytest.mark.parametrize(
    ("layout", "kind", "wrong_answer"),
    [
        (GSM8K, "math", "\\boxed{0}"),
        (MATH, "math", "\\boxed{0.123}"),
        (AIME, "math", "\\boxed{-1}"),
        (MMLU, "choice", "\\boxed{B}"),
        (ARC, "choice", "\\boxed{A}"),
        (TRIVIA, "text", "\\boxed{Mr N}"),
        (HUMANEVAL, "code", "```python\ndef add(x):\n    return x - 1\n```"),
        (MBPP, "code", "```python\ndef add(x):\n    return x - 1\n```"),
    ],
)
def test_layouts_are_recognised(tmp_path: Path, layout: dict[str, Any], kind: str, wrong_answer: str) -> None:
    task = Dataset(written(tmp_path, rows_of(layout)))
    for level in task.difficulties:
        problem = sample_problem(task, 0, level)
        assert problem.reference["type"] == kind
        assert task.verify(problem, task.solve(problem, RNG)).right, problem
        assert task.verify(problem, wrong_answer).status == "wrong"
    assert list(task.difficulties) == ([1, 2, 3, 4, 5] if layout is MATH else [1])


def test_a_level_without_rows_has_those_of_the_level_below(tmp_path: Path) -> None:
    task = Dataset(written(tmp_path, [row for row in rows_of(MATH) if row["level"] not in ("Level 2", "Level 3")]))
    assert list(task.difficulties) == [1, 2, 3, 4, 5]
    asked = [{sample_problem(task, seed, level).meta["row"] for seed in range(99)} for level in task.difficulties]
    assert asked[0] == asked[1] == asked[2] != asked[3]


def test_solutions_come_without_calculator_notes(tmp_path: Path) -> None:
    task = Dataset(written(tmp_path, rows_of(GSM8K)))
    problem = sample_problem(task, 0, 1)
    n = problem.meta["row"] - 1
    assert task.solve(problem, RNG) == f"{n}+1={n + 1}\n\\boxed{{{n + 1}}}"


def test_parquet_and_json_hold_the_same_problems(tmp_path: Path) -> None:
    rows = rows_of(MMLU)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    tasks = [
        Dataset(path) for path in (written(tmp_path, rows), str(tmp_path / "rows.parquet"), str(tmp_path / "rows.json"))
    ]
    assert len({str(sample_problem(task, 4, 1)) for task in tasks}) == 1


@pytest.mark.parametrize("suffix", ["json", "jsonl"])
def test_a_file_may_begin_with_the_mark_of_its_byte_order(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"rows.{suffix}"
    file.write_text('{"question": "1+1?", "answer": "2"}\n', encoding="utf-8-sig")
    assert sample_problem(Dataset(str(file)), 0, 1, "train").reference["gold"] == "2"


def test_columns_and_type_can_be_given(tmp_path: Path) -> None:
    path = written(tmp_path, [{"frage": f"Was ist {n}?", "antwort": str(n)} for n in range(40)])
    task = Dataset(path, question="frage", answer="antwort", type="text")
    problem = sample_problem(task, 0, 1)
    assert problem.reference == {"type": "text", "gold": [str(problem.meta["row"] - 1)]}
    with pytest.raises(ValueError, match=r"which column is the question\? Give question=, one of frage, antwort"):
        Dataset(path)
    with pytest.raises(ValueError, match="no column 'answers'"):
        Dataset(path, question="frage", answer="answers")


@pytest.mark.parametrize(
    ("layout", "field", "value", "error"),
    [
        (GSM8K, "answer", "it is\n#### seven (", "row 3: answer: the gold answer"),
        (GSM8K, "question", "", "row 3: question: a text is needed"),
        (GSM8K, "answer", None, "row 3: answer: a text is needed, not None"),
        (MATH, "solution", "no box", "row 3: solution: no .*boxed answer in it"),
        (MMLU, "answer", 4, "row 3: answer: 4 is none of the 4 options"),
        (MMLU, "choices", ["one"], "row 3: choices: a list of 2 to 26 options"),
        (ARC, "answerKey", "9", "row 3: answerKey: '9' is none of the 2 options"),
        (HUMANEVAL, "test", "assert True", "row 3: test: no function check"),
        (MBPP, "test_list", [], "row 3: test_list: a list of assertions"),
    ],
)
def test_a_bad_row_is_named_with_its_field(
    tmp_path: Path, layout: dict[str, Any], field: str, value: Any, error: str
) -> None:
    rows = rows_of(layout, 5)
    rows[2][field] = value
    with pytest.raises(ValueError, match=error):
        Dataset(written(tmp_path, rows))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"question": "a", "answer": "1"}\n{"question": \n')
    with pytest.raises(ValueError, match="row 2: not JSON"):
        Dataset(str(broken))
    with pytest.raises(ValueError, match=r"has no rows"):
        Dataset(written(tmp_path, []))
    with pytest.raises(ValueError, match="there is no file"):
        Dataset(str(tmp_path / "nowhere.parquet"))
    with pytest.raises(ValueError, match=r"needs a file or a data set's name: make\('palaestra/Dataset-v0', path="):
        make("palaestra/Dataset-v0")
    (tmp_path / "rows.parquet").write_text("no table")
    with pytest.raises(ValueError, match="not Parquet"):
        Dataset(str(tmp_path / "rows.parquet"))
    with pytest.raises(ValueError, match="type is one of"):
        Dataset(str(broken), type="essay")


def test_the_hub_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingLibrary, match="pip install datasets"):
        Dataset("nobody/nothing")


def test_the_hub_is_asked_for_config_and_split(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Hub:
        @staticmethod
        def load_dataset(*args: Any, **kwargs: Any) -> list[Any]:
            asked.append((args, kwargs))
            return rows_of(GSM8K)

    monkeypatch.setitem(sys.modules, "datasets", Hub)
    Dataset("somebody/gsm8k", hub_config="main", hub_split="test")
    assert asked == [(("somebody/gsm8k", "main"), {"split": "test"})]


def test_splits_share_no_question(tmp_path: Path) -> None:
    task = Dataset(written(tmp_path, rows_of(GSM8K, 100)))
    train, test = (
        {sample_problem(task, seed, 1, split).meta["row"] for seed in range(200)} for split in ("train", "test")
    )
    assert train & test == set()
    assert len(train) > len(test) > 3


def test_rows_of_one_identity_are_in_one_split(tmp_path: Path) -> None:
    rows = [{**row, "identity": f"problem {n // 5}"} for n, row in enumerate(rows_of(GSM8K, 100))]
    task = Dataset(written(tmp_path, rows))
    train, test = (
        {task.identity(sample_problem(task, seed, 1, split)) for seed in range(200)} for split in ("train", "test")
    )
    assert train & test == set()
    assert train | test == {f"problem {n}" for n in range(20)}


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    first = Dataset(written(tmp_path, rows_of(GSM8K)))
    second = Dataset(written(tmp_path, rows_of(TRIVIA)))
    assert [sample_problem(task, 0, 1).reference["type"] for task in (first, second)] == ["math", "text"]


def test_code_without_a_solution_has_no_oracle(tmp_path: Path) -> None:
    task = Dataset(written(tmp_path, [{**row, "code": ""} for row in rows_of(MBPP)]))
    with pytest.raises(OracleMissing, match="has no solution"):
        task.solve(sample_problem(task, 0, 1), RNG)


def test_data_sets_keep_the_rules_of_tasks(tmp_path: Path) -> None:
    report = check_task(Dataset(written(tmp_path, rows_of(MMLU, 300))), seeds=range(3))
    assert report.ok, str(report)
