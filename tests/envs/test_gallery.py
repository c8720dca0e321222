"""The gallery in the docs is what `palaestra envs gallery` writes today."""

from __future__ import annotations

from pathlib import Path

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
