"""Trees in the log: what is read back, and how it is drawn."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from palaestra.agents.search.tree import Proposal, Tree
from palaestra.arena.tree_page import terminal_trees, write_tree_page
from palaestra.episodes import Actor, Episode, EpisodeStore, Outcome, Turn
from palaestra.episodes.trees import tree_of, trees
from palaestra.verifiers import Status


def grown() -> list[dict[str, Any]]:
    """A root with two steps, of which the second goes on to an end; Q 0.5, 0.2 and 0.9."""
    tree = Tree.rooted(None)
    one, two = Proposal("a=<b>1\n", None, prior=0.6, meta={"ids": [5, 6]}), Proposal("c[x]", None, meta={"ids": [7]})
    first, second = tree.attach(tree.root, [one, two])
    (end,) = tree.attach(second, [Proposal("\\boxed{1}", None, True, meta={"ids": [8, 9]})])
    for node, visits, total, value in ((tree.root, 4, 2.0, 0.1), (first, 1, 0.2, 0.2), (second, 2, 1.8, 0.7)):
        node.visits, node.total, node.value = visits, total, value
    end.value = 1.0  # evaluated, but not backed up
    tree.answer = end
    return tree.rows()


def episode(meta: dict[str, Any]) -> Episode:
    return Episode(
        id="held-out/00001",
        env_id="palaestra/ChainArith-v0",
        env_kwargs={},
        reset_options={},
        seed=1,
        group_id="g",
        roles={"reasoner": Actor("policy+sbs")},
        turns=(Turn("reasoner", "What is 1 < 2?", "text", 1.0, prompt_ids=(1, 2), meta=meta),),
        outcome={"reasoner": Outcome(1.0, Status.RIGHT)},
        terminated=True,
        truncated=False,
    )


@pytest.fixture
def searched(tmp_path: Path) -> Episode:
    """Through the log, as every reader gets it."""
    store = EpisodeStore(tmp_path / "log")
    store.append([episode({"tree": grown()})])
    return next(store.read())


def test_a_tree_comes_back_from_the_log(searched: Episode) -> None:
    ((number, nodes),) = trees(searched)
    assert number == 0
    assert [(node.parent, node.visits, node.q, node.chosen) for node in nodes] == [
        (None, 4, 0.5, True),
        (0, 1, 0.2, False),
        (0, 2, 0.9, True),
        (2, 0, None, True),
    ]
    assert list(trees(episode({}))) == []


def test_a_tree_is_drawn_in_the_terminal(searched: Episode) -> None:
    out = StringIO()
    console = Console(file=out, width=100)
    for drawn in terminal_trees(searched):
        console.print(drawn)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines == [
        "policy+sbs on palaestra/ChainArith-v0: right  n=4  Q=0.50  V=0.10",
        "├── a=<b>1  n=1  Q=0.20  V=0.20  P=0.60",
        "└── c[x]  n=2  Q=0.90  V=0.70  P=1.00",
        "    └── \\boxed{1} ■  V=1.00  P=1.00",
    ]


class Balanced(HTMLParser):
    """Fails on a tag that is closed out of order; collects the text in <code>."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.codes: list[str] = []

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "code":
            self.codes.append(data)


def test_a_tree_is_drawn_as_a_page_that_shows_text_as_text(searched: Episode, tmp_path: Path) -> None:
    page = write_tree_page([searched], tmp_path / "tree.html").read_text()
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert parser.codes == ["start", "a=<b>1", "c[x]", "\\boxed{1}"]
    assert "What is 1 &lt; 2?" in page
    assert not re.search(r"https?://", page)


def test_a_long_path_is_drawn(tmp_path: Path) -> None:
    first = {"parent": None, "action": "", "visits": 1, "q": None, "value": None, "prior": 1.0}
    path = [{**first, "id": n, "parent": n - 1 if n else None, "terminal": False, "chosen": True} for n in range(2000)]
    parser = Balanced()
    parser.feed(write_tree_page([episode({"tree": path})], tmp_path / "tree.html").read_text())
    assert parser.open == []
    assert len(parser.codes) == 2000


def test_the_roots_row_is_first_and_parents_come_before_children(searched: Episode) -> None:
    nodes = tree_of(searched.turns[0])
    assert all(node.parent is None or node.parent < node.id for node in nodes)
