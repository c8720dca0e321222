"""Every row of docs/instructions.md is executed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from palaestra.verifiers.instructions import INSTRUCTIONS, InstructionVerifier, parse_instruction

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "instructions.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in DOCUMENT.splitlines() if line.startswith("| ")
]
EXAMPLES = [
    (name, *(json.loads(cell.strip("`")) for cell in (stored, good, bad))) for name, stored, _, good, bad in ROWS[1:]
]


def test_the_table_has_every_instruction_once() -> None:
    assert sorted(row[0] for row in ROWS[1:]) == sorted(INSTRUCTIONS)
    assert len(INSTRUCTIONS) == 25
    assert len({row[2] for row in ROWS[1:]}) == 25


@pytest.mark.parametrize(("name", "stored", "good", "bad"), EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_one_example_follows_and_one_breaks(name: str, stored: dict[str, object], good: str, bad: str) -> None:
    instruction = parse_instruction(stored)
    assert type(instruction).__name__ == name
    assert instruction.breach(good) is None
    assert instruction.breach(bad) is not None
    assert InstructionVerifier([instruction]).verify(good).right
    assert InstructionVerifier([instruction]).verify(bad).reason.startswith(f"{name}: ")


def test_the_code_on_top_prints_what_it_says() -> None:
    code = re.search(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert code is not None
    from palaestra.verifiers.instructions import NoCommas, Words

    told = code[1].rpartition("# ")[2].strip()
    assert InstructionVerifier([Words("at least", 3), NoCommas()]).verify("Three words, then.").reason == told
