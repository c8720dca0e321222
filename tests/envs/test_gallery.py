"""The gallery in the docs is what `palaestra envs gallery` writes today."""

from __future__ import annotations

from pathlib import Path

import pytest

from palaestra.envs import catalog
from palaestra.envs.gallery import adapters_page, conformance, gallery
from palaestra.envs.testing import Report, Row

PAGE = Path(__file__).parents[2] / "docs" / "gallery.md"


def test_the_page_is_current() -> None:
    own = [id for id in catalog.ids() if id.startswith("palaestra/") and catalog.complete(id)]
    assert gallery(map(catalog.card, own)) == PAGE.read_text(), "run `palaestra envs gallery`"


def test_the_conformance_table_names_what_fails() -> None:
    rows = (Row("oracle scores 1", False, "no"), Row("cheats stay below the ceiling", True, "all earn 0"))
    assert (
        conformance([Report("palaestra/A-v0", rows)]).splitlines()[-1] == "| A-v0 | oracle scores 1 | all earn 0 |  |"
    )


def test_the_adapters_page_counts_and_says_why() -> None:
    cheats = Row("cheats stay below the ceiling", True, "all earn 0")
    reports = [
        Report("a/good-v0", (cheats, Row("oracle scores 1", None, "has none"))),
        Report("a/bad-v0", (cheats, Row("oracle scores 1", False, "1 | 2"))),
        Report("a/sold-v0", (Row(catalog.MADE, False, "pays for all"),)),
    ]
    page = adapters_page(["a/*"], reports, 3)
    assert "palaestra envs check 'a/*'" in page
    assert "3 environments: 1 pass, 1 fail, 1 do not start, or are refused unless asked for." in page
    assert "--seeds 3 --out FILE" in page
    assert "'a/*' 'b/*' --seeds 2 --skip a/slow-v0 a/odd-v0 --out FILE" in adapters_page(
        ["a/*", "b/*"], reports, 2, ["a/slow-v0", "a/odd-v0"]
    )
    assert page.splitlines()[-3:] == [
        "| `a/good-v0` | passes | all earn 0 |  |",
        "| `a/bad-v0` | fails | all earn 0 | oracle scores 1: 1 \\| 2 |",
        "| `a/sold-v0` | refused |  | pays for all |",
    ]


def test_other_peoples_code_may_hang_or_take_python_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert catalog.check_apart("palaestra/RockPaperScissors-v0", 2, 60).ok
    (row,) = catalog.check_apart("palaestra/RockPaperScissors-v0", 2, 0.01).rows
    assert (row.passed, row.detail) == (False, "no result within 0.01 s")
    (tmp_path / "falls.py").write_text("import os\nos._exit(7)\n")
    monkeypatch.syspath_prepend(tmp_path)
    (row,) = catalog.check_apart("falls:x/A-v0", 2, 60).rows
    assert (row.passed, row.detail) == (False, "the process ended with exit code 7")
