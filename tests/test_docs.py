"""What the verifiers' page shows runs as written and says what it should."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "verifiers.md").read_text()


def test_the_examples_of_the_verifiers_page_run(tmp_path: Path) -> None:
    program = "\n".join(re.findall(r"```python\n(.*?\n)```\n", PAGE, re.DOTALL))
    (tmp_path / "page.py").write_text(program)
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("right - ")
    assert "2 of 2" in lines[1] or "all" in lines[1]
    assert "add(-1, 1) returned 5, expected 0" in lines[2]
    assert "No such file" in lines[3] or "Permission" in lines[3]
    assert lines[-1] == "0.9"


def test_every_test_that_a_numeric_rule_names_is_there() -> None:
    page = (ROOT / "docs" / "numerics.md").read_text()
    rules = [line for line in page.splitlines() if line.startswith("| ") and "`test_" in line]
    assert len(rules) == 22
    for rule in rules:
        named = re.findall(r"`(test_\w+)`|\(`([\w/]+\.py)`\)", rule)
        waiting: list[str] = []
        for test, file in named:
            if test:
                waiting.append(test)
                continue
            written = (ROOT / "tests" / file).read_text()
            assert waiting
            assert all(f"def {name}(" in written for name in waiting), f"{file} lacks one of {waiting}"
            waiting = []
        assert not waiting


def test_the_example_of_the_modules_page_evolves_with_a_function_in_a_slot(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "modules.md").read_text()
    (tmp_path / "page.py").write_text("\n".join(re.findall(r"```python\n(.*?\n)```\n", page, re.DOTALL)))
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    written = done.stdout.splitlines()[-1]
    assert re.search(r"'a=\d; b=a\+1; c=b\+1'", written), written
