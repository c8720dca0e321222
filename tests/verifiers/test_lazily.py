from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

from palaestra.verifiers import graphs, puzzles


@pytest.mark.parametrize("package", [graphs, puzzles])
def test_every_name_comes_from_its_module(package: ModuleType) -> None:
    for name, module in package.MODULES.items():
        assert getattr(package, name).__module__ == f"{package.__name__}.{module}"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'palaestra\.verifiers\.puzzles' has no attribute 'Chess'"):
        _ = puzzles.Chess  # type: ignore[attr-defined]  # there is none


def test_a_module_is_imported_without_its_neighbours() -> None:
    code = "import sys, palaestra.verifiers.puzzles.answer; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "palaestra.verifiers.puzzles.answer" in loaded
    assert "palaestra.verifiers.puzzles.sudoku" not in loaded
