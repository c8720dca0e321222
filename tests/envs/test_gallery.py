"""The gallery in the docs is what `palaestra envs gallery` writes today."""

from __future__ import annotations

from pathlib import Path

from palaestra.envs import catalog
from palaestra.envs.gallery import conformance, gallery
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
