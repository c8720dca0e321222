"""A logged search tree, drawn for the terminal and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from jinja2 import Environment
from rich.text import Text
from rich.tree import Tree

from palaestra.episodes import Episode
from palaestra.episodes.trees import LoggedNode, trees

from .run_folder import write_whole

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1c2430; }
pre { white-space: pre-wrap; background: #f4f6f8; padding: .6rem .8rem; }
ul { list-style: none; margin: 0; padding-left: 1.3rem; border-left: 1px solid #dde3ea; }
summary, .leaf { padding: .1rem 0; }
.leaf { padding-left: 1rem; }
code { white-space: pre-wrap; }
small { color: #51606f; margin-left: .6rem; }
.chosen > summary code, .leaf.chosen code { background: #dcebd9; }
.end code { border-bottom: 2px solid #16324f; }
</style>
<h1>{{ title }}</h1>
{% for heading, observation, steps in drawn %}
<h2>{{ heading }}</h2>
<pre>{{ observation }}</pre>
{% for step, node in steps %}
{% if step == "open" %}
<details class="{{ 'chosen' if node.chosen }}" {{ 'open' if node.chosen or node.id == 0 }}>
<summary><code>{{ node | shown }}</code><small>{{ node | figures }}</small></summary><ul><li>
{% elif step == "next" %}
</li><li>
{% elif step == "close" %}
</li></ul></details>
{% else %}
<div class="leaf {{ 'chosen' if node.chosen }} {{ 'end' if node.terminal }}">
<code>{{ node | shown }}</code><small>{{ node | figures }}</small></div>
{% endif %}
{% endfor %}
{% endfor %}
<p><small>n: values backed up through a node, Q: their mean, V: its own value, P: prior. Underlined: an
answer has ended. Marked: the path to the answer that was given.</small></p>
</html>
"""


def figures(node: LoggedNode) -> str:
    """``n=4 Q=0.25 V=0.10 P=0.62``, what there is of it."""
    parts = [f"n={node.visits}"] if node.visits else []
    known = (("Q", node.q), ("V", node.value), ("P", None if node.parent is None else node.prior))
    return "  ".join([*parts, *(f"{name}={figure:.2f}" for name, figure in known if figure is not None)])


def shown(node: LoggedNode) -> str:
    """The action as one line."""
    return "start" if node.parent is None else node.action.rstrip("\n").replace("\n", "⏎") or "⏎"


def terminal_trees(episode: Episode) -> list[Tree]:
    """A rich tree for every turn that searched."""
    return [_terminal(_heading(episode, number), nodes) for number, nodes in trees(episode)]


def _terminal(heading: str, nodes: Sequence[LoggedNode]) -> Tree:
    drawn: dict[int, Tree] = {}
    for node in nodes:
        if node.parent is None:
            drawn[node.id] = Tree(Text.assemble((heading, "bold"), "  ", (figures(node), "dim")))
            continue
        style = "green" if node.chosen else ""
        end = " ■" if node.terminal else ""
        label = Text.assemble((shown(node) + end, style), "  ", (figures(node), "dim"))
        drawn[node.id] = drawn[node.parent].add(label)
    return drawn[0]


def write_tree_page(episodes: Sequence[Episode], path: Path) -> Path:
    """A page with the trees of these episodes, that needs nothing but itself."""
    environment = Environment(autoescape=True)
    environment.filters |= {"figures": figures, "shown": shown}
    drawn = []
    for episode in episodes:
        for number, nodes in trees(episode):
            drawn.append((_heading(episode, number), episode.turns[number].observation, list(_steps(nodes))))
    title = f"Search for {episodes[0].id}"
    write_whole(path, environment.from_string(PAGE).render(title=title, drawn=drawn))
    return path


def _steps(nodes: Sequence[LoggedNode]) -> Iterator[tuple[str, LoggedNode]]:
    """A tree from top to bottom, without recursion, which a path of some hundred tokens would exhaust."""
    below: dict[int, list[LoggedNode]] = {node.id: [] for node in nodes}
    for node in nodes[1:]:
        below[node.parent or 0].append(node)
    waiting = [("node", nodes[0])]
    while waiting:
        step, node = waiting.pop()
        children = below[node.id]
        if step != "node" or not children:
            yield step if step != "node" else "leaf", node
            continue
        yield "open", node
        waiting.append(("close", node))
        for child in reversed(children):
            waiting += [("node", child), ("next", child)]
        waiting.pop()  # nothing stands before the first


def _heading(episode: Episode, number: int) -> str:
    role = episode.turns[number].role
    outcome = episode.outcome[role]
    turn = f", turn {number}" if len(episode.turns) > 1 else ""
    return f"{episode.roles[role].agent_id} on {episode.env_id}{turn}: {outcome.status.value}"
