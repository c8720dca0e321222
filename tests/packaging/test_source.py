"""What the source may not hold: text run as code, shared random state, printing, and files or functions too long."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ("verifiers", "envs", "episodes", "agents", "arena", "trainers", "src/palaestra")
PRINTERS = ("display", "__main__")  # modules that write to the terminal
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

RUNS_TEXT = {
    *("eval", "exec", "builtins.eval", "builtins.exec", "pickle.Unpickler", "sympy.S"),
    *(f"{module}.{name}" for module in ("pickle", "cloudpickle", "dill", "marshal") for name in ("load", "loads")),
}
SYMPY_PARSERS = ("sympify", "parse_expr")  # wherever they are imported from
SEEDED = {
    *("random.Random", "numpy.random.Generator", "numpy.random.BitGenerator", "numpy.random.SeedSequence"),
    *("numpy.random.default_rng", "numpy.random.PCG64", "numpy.random.PCG64DXSM", "numpy.random.Philox"),
}
TORCH_DRAWS = {
    f"torch.{name}" for name in ("rand", "randn", "randint", "randperm", "multinomial", "bernoulli", "normal")
}
TORCH_SEEDS = {"torch.manual_seed", "torch.random.manual_seed", "torch.seed", "torch.cuda.manual_seed_all"}


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def offences(source: str, printing: bool = False) -> Iterator[tuple[int, str]]:
    """Line and name of each forbidden thing in ``source``."""
    tree = ast.parse(source)
    full_names = imported_names(tree)
    forked = [
        range(node.lineno, (node.end_lineno or node.lineno) + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.With) and any("fork_rng" in ast.unparse(item.context_expr) for item in node.items)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = full_name(node, full_names)
            if forbidden(name, printing) or (name in TORCH_SEEDS and not any(node.lineno in lines for lines in forked)):
                yield node.lineno, name
        elif isinstance(node, ast.Call):
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            name = full_name(node.func, full_names)
            if name in TORCH_DRAWS and "generator" not in given:
                yield node.lineno, f"{name} without generator"
            if given.get("weights_only") == "False":
                yield node.lineno, "weights_only=False"


def forbidden(name: str, printing: bool) -> bool:
    if name in RUNS_TEXT or name.rpartition(".")[2] in SYMPY_PARSERS or (name == "print" and not printing):
        return True
    return name.startswith(("random.", "numpy.random.")) and name not in SEEDED


def imported_names(tree: ast.AST) -> dict[str, str]:
    """Local name -> full dotted name, of everything imported anywhere in the file."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def full_name(node: ast.AST, names: dict[str, str]) -> str:
    """ "np.random.rand" -> "numpy.random.rand"; "" for what is no dotted name."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        base = full_name(node.value, names)
        return f"{base}.{node.attr}" if base else ""
    return ""


# The conformance kits disturb the shared generators on purpose, to catch tasks that draw from them, and put them back;
# and they unpickle a snapshot that they have just pickled themselves.
KITS = (
    *("envs/testing.py", "envs/dialogue_testing.py", "envs/games/testing.py"),
    "envs/adapters/textarena_testing.py",
)
SHARED_STATE = (
    *("random.getstate", "random.seed", "random.setstate"),
    *("numpy.random.get_state", "numpy.random.seed", "numpy.random.set_state"),
)
ON_PURPOSE = {
    *(f"{kit}: {name}" for kit in KITS for name in (*SHARED_STATE, "pickle.loads")),
    "verifiers/sandbox/program.py: exec",  # in the sandbox's child: what a sandbox is for
    # In the worker process in which reasoning-gym's scorers run, for that is what they do to answers.
    *(f"envs/adapters/reasoning_gym_worker.py: {name}" for name in (*SHARED_STATE, "sympy.parse_expr")),
    # In the worker process in which Prime Intellect's environments run, for they draw from the shared generators.
    *(f"envs/adapters/prime_verifiers_worker.py: {name}" for name in ("random.seed", "numpy.random.seed")),
    # TextArena's games draw from the shared generators: these are lent to them, and put back.
    *(f"envs/adapters/textarena.py: {name}" for name in (*SHARED_STATE, "numpy.random.RandomState", "pickle.loads")),
}


def test_the_library_runs_no_text_shares_no_random_state_and_prints_nothing() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in files(*LIBRARY)
        for line, name in offences(path.read_text(), printing=path.stem in PRINTERS)
        if f"{path.relative_to(ROOT)}: {name}" not in ON_PURPOSE
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "list(map(exec, texts))",
        "import sympy as sp\nsp.sympify(text)",
        "from sympy.parsing.sympy_parser import parse_expr as p\np(text)",
        "def f():\n    import pickle\n    return pickle.loads(b)",
        "from pickle import loads as read\nread(b)",
        "import random\nrandom.shuffle(xs)",
        "import numpy as np\nnp.random.seed(0)",
        "from numpy.random import randint\nrandint(3)",
        "import torch\ntorch.manual_seed(0)",
        "import torch\ntorch.multinomial(p, 1)",
        "import torch\ntorch.load(path, weights_only=False)",
        "print(1)",
    ],
)
def test_an_offence_is_seen(source: str) -> None:
    assert [line for line, _ in offences(source)] == [len(source.splitlines())]


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "import random\nrng = random.Random(3)\nrng.shuffle(xs)",
        "import numpy as np\nnp.random.default_rng(3).random()",
        "import torch\nwith torch.random.fork_rng(devices=[]):\n    torch.manual_seed(0)",
        "import torch\ntorch.multinomial(p, 1, generator=g)",
        "console.print(1)",
    ],
)
def test_what_is_allowed_is_no_offence(source: str) -> None:
    assert list(offences(source)) == []


def test_files_and_functions_are_short() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {offence}"
        for path in files(*LIBRARY, "tests", "benchmarks")
        for offence in too_long(path.read_text())
    ]
    assert found == []


def too_long(source: str) -> Iterator[str]:
    if (lines := len(source.splitlines())) > MAX_FILE_LINES:
        yield f"{lines} lines"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines >= MAX_FUNCTION_LINES:
                yield f"line {node.lineno}: {node.name} has {lines} lines"


def test_a_long_file_and_a_long_function_are_seen() -> None:
    assert list(too_long("x = 1\n" * 401)) == ["401 lines"]
    assert list(too_long("def f():\n" + "    x = 1\n" * 59)) == ["line 1: f has 60 lines"]
    assert list(too_long("def f():\n" + "    x = 1\n" * 58 + "x = 1\n" * 341)) == []


def code_lines(source: str) -> int:
    """Lines without those that are blank, comments or docstrings."""
    told: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            told |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = enumerate((line.strip() for line in source.splitlines()), 1)
    return sum(bool(line) and not line.startswith("#") and number not in told for number, line in lines)


def test_trainers_stay_under_three_thousand_lines_of_code() -> None:
    assert code_lines('"""Told."""\n\n# why\nx = 1  # how\ndef f():\n    """Told\n    too."""\n    return x\n') == 3
    assert sum(code_lines(path.read_text()) for path in files("trainers")) < 3000
