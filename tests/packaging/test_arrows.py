"""The rooms are imported one way only, and under one name only."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("verifiers", "envs", "episodes", "agents", "arena", "trainers")


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)


def test_every_arrow_points_down() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "told"),
    [
        ("verifiers/verdict.py", "import palaestra.envs.task", "palaestra.verifiers.verdict -> palaestra.envs.task"),
        ("envs/task.py", "from palaestra.agents import agent", "palaestra.envs.task -> palaestra.agents.agent"),
        ("episodes/record.py", "def f(): import torch", "palaestra.episodes.record -> torch"),
    ],
)
def test_a_wrong_arrow_behind_a_link_is_named(tmp_path: Path, module: str, line: str, told: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("src", *ROOMS):
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / module).open("a") as source:
        source.write(f"\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert told in done.stdout


def test_no_module_imports_a_room_by_its_bare_name() -> None:
    folders = [*(ROOT / room for room in ROOMS), *(ROOT / other for other in ("src", "tests", "benchmarks"))]
    bare = [
        f"{path.relative_to(ROOT)}: {name}"
        for folder in folders
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in imported(node)
        if name.partition(".")[0] in ROOMS
    ]
    assert bare == []


def imported(node: ast.AST) -> list[str]:
    """The modules that an import statement names absolutely."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), level=0):
            return [module]
    return []


def test_bare_names_are_told_from_full_and_relative_ones() -> None:
    source = "import envs.task, os\nfrom verifiers import x\nfrom .envs import y\nfrom palaestra.envs import z"
    names = [name for node in ast.walk(ast.parse(source)) for name in imported(node)]
    assert sorted(names) == ["envs.task", "os", "palaestra.envs", "verifiers"]
