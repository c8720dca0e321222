"""The patterns and strategies as a page that people read, with what their runs came to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from palaestra.arena.patterns.learners import LEARNERS
from palaestra.arena.patterns.settings import combinations_of_all, title
from palaestra.arena.run_folder import read_json_lines
from palaestra.trainers.recipe import shipped_recipes

HEAD = """# Patterns

Four modules may evolve: who creates the tasks, who reasons, who evaluates, who post-processes. The set of those that do
is the *pattern*; the *strategy* says how they are related: each learns from its own labels (independent), what the
others say is its signal or its filter (collaborative), or it is paid for what they lose (adversarial). A recipe names
them:

```yaml
modules:
  creator: rule                # the seed's own problems, at a level that rises with success
  reasoner: evolved            # by evolve.algorithm
  evaluator: {mark: evolved, module: judge}
  post_processor: frozen       # acts, and stays as evolution began
  strategy: collaborative      # for two evolved modules or more
  admit: not_worse             # or always; rounds after which less is solved are taken back
```

A round is: choose tasks, answer, evaluate, post-process, train each evolved module, and admit it or take it back. One
loop (`trainers/patterns.py`) runs all 37 combinations; what a module learns from is a table
(`arena/patterns/learners.py`). Held-out accuracy is always the executable verifier's. Every round is a checkpoint:
`palaestra evolve --resume RUN` goes on exactly as if the run had not been stopped. [modules.md](modules.md) puts a
module of your own into a slot.

Written by `palaestra patterns --play --out docs/patterns.md`.

"""
FIGURES = """## What they came to

SETTING *Together* is the share of PROBLEMS held-out problems that all modules together solve, before and after, with
its 95 % interval: of ANSWERS answers the evaluator's favourite where a model evaluates, else the first; repaired where
the evaluator doubts it, or always where none does. The other columns are each module's own share: right answers of the
reasoner; verdicts that the evaluator shares (a rule's are the verdicts themselves); right answers after the
post-processor; valid new problems of the creator. *In* is how many of the rounds were let in: with so
small a gate, chance keeps some out. One seed each, and intervals of some ±10 points: these figures show that each
combination runs, not that one is better than another.

"""
SYSTEMS = """
## Published systems as recipes

`palaestra evolve --recipe systems/NAME`; the same warm start, the same held-out problems, one seed; nothing tuned but
`her`, `rest_react`, `rl4f` and `spag`, on other seeds. Those whose modules evolve together are counted as above, the
others by single answers. *Right* is before and after, in percent. Six have a warm start of their own: `cloud`, which
is shown critiques in it, and those that play elsewhere: `her`, `rest_react` and `score`, counted by how their dialogues
end; `rl4f`, by the change in the share of right lines; `spag`, by matches with scripted players, of which a draw counts
a half.

"""
COLUMNS = ("evolved", "strategy", "together", "reasoner", "evaluator", "post-processor", "creator", "in")

# Who published a pattern, and with which strategy, as the survey (sections 5.2, 5.3) and our reading of the papers say.
PUBLISHED = {
    (("reasoner",), None): "RLOO, SPIN, IPO, NCA, RevThink, HER, ReST meets ReAct; against itself: SPAG",
    (("evaluator",), None): "CLoud, Bradley-Terry models; RL4F, a critic of a frozen reasoner",
    (("post_processor",), None): "SCoRe, RLEF",
    (("reasoner", "evaluator"), None): "AlphaMath, SVPO, DICE, AutoPRM, RTO, RLMEC",
    (("reasoner", "evaluator"), "collaborative"): "Slow Thinking with LLMs 1, OpenR",
    (("reasoner", "post_processor"), None): "LeMa",
    (("creator", "reasoner"), "adversarial"): "eva",
    (("reasoner", "evaluator", "post_processor"), None): "DeepSeek-R1, Kimi k1.5: all in one action space",
}


def what_each_learns(evolved: tuple[str, ...], strategy: str | None) -> list[str]:
    """A line for each evolved module: its own labels, and what its partners add."""
    lines = []
    for slot in evolved:
        learner = next(iter(LEARNERS[slot].values()))
        found = [learner.relations.get((str(strategy), other)) for other in evolved if other != slot]
        added = dict.fromkeys(one.says for one in found if one is not None)
        lines.append(f"{slot.replace('_', '-')}: {'; '.join([learner.says, *added])}")
    return lines


def page(runs: Path) -> str:
    """The whole page, as Markdown, with the figures of those runs that are there."""
    parts = [HEAD, "## What each learns from\n\n", _table_of_signals()]
    parts += [_published(), _told(runs), _table_of_figures(runs), _systems(runs)]
    return "".join(parts)


def _table_of_signals() -> str:
    rows = [
        [" + ".join(evolved), strategy or "-", "<br>".join(what_each_learns(evolved, strategy))]
        for evolved, strategy in combinations_of_all()
    ]
    return _table(("evolved", "strategy", "what each learns from"), rows)


def _published() -> str:
    rows = [[" + ".join(evolved), strategy or "any", names] for (evolved, strategy), names in PUBLISHED.items()]
    told = "The survey names no work for the other patterns.\n\n"
    return "\n## Who published it\n\n" + told + _table(("evolved", "strategy", "systems"), rows) + "\n"


def _table_of_figures(runs: Path) -> str:
    return _table(COLUMNS, [_figures(runs, *one) for one in combinations_of_all()])


def _systems(runs: Path) -> str:
    rows = [_system(runs, name, file) for name, file in shipped_recipes().items() if name.startswith("systems/")]
    return SYSTEMS + _table(("recipe", "what it is", "right"), rows)


def _system(runs: Path, name: str, file: Path) -> list[str]:
    said = " ".join(line.removeprefix("# ") for line in file.read_text().splitlines() if line.startswith("#"))
    rows = read_json_lines(runs / name.removeprefix("systems/") / "metrics.jsonl")
    if not rows or "accuracy" not in rows[-1]:
        return [f"`{name}`", said, "not played"]
    last = rows[-1]
    begun = [row["accuracy"] for row in rows if row["phase"] != "evolve" and "accuracy" in row]
    before = next((row["before/accuracy"] for row in rows if "before/accuracy" in row), begun[-1])
    right = f"{_percent(before)} → {_percent(last['accuracy'])}"
    return [f"`{name}`", said, f"{right} ({_percent(last['low'])}–{_percent(last['high'])})"]


def _figures(runs: Path, evolved: tuple[str, ...], strategy: str | None) -> list[str]:
    rows = read_json_lines(runs / title(evolved, strategy) / "metrics.jsonl")
    rounds = [row for row in rows if row.get("phase") == "evolve"]
    name = [" + ".join(evolved), strategy or "-"]
    if not rounds or "accuracy" not in rounds[-1]:
        return [*name, "not played", *[""] * (len(COLUMNS) - 3)]
    first, last = rounds[0], rounds[-1]
    together = f"{_percent(first['before/accuracy'])} → {_percent(last['accuracy'])}"
    own = [_change(first, last, slot) for slot in ("reasoner", "evaluator", "post_processor", "creator")]
    admitted = sum(row.get("admitted", 1) for row in rounds)
    together += f" ({_percent(last['low'])}–{_percent(last['high'])})"
    return [*name, together, *own, f"{admitted:.0f} of {len(rounds)}"]


def _change(first: dict[str, Any], last: dict[str, Any], slot: str) -> str:
    return f"{_percent(first[f'before/{slot}'])} → {_percent(last[slot])}" if slot in last else "-"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _told(runs: Path) -> str:
    file = runs / "start" / "recipe.yaml"
    recipe = yaml.safe_load(file.read_text()) if file.is_file() else {"evaluation": {}, "modules": {}}
    sizes = {"PROBLEMS": recipe["evaluation"].get("problems"), "ANSWERS": recipe["modules"].get("answers")}
    text = FIGURES.replace("SETTING ", _hardware(runs) + "\n\n")
    for name, size in sizes.items():
        text = text.replace(name, str(size))
    return text


def _hardware(runs: Path) -> str:
    file = runs / "start" / "environment.json"
    if not file.is_file():
        return "No run is there yet."
    said = json.loads(file.read_text())
    return f"Hardware: {said['hardware']}, {said['threads']} thread."


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
