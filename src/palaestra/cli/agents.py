"""``palaestra agents list|show|export``: agents as folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table
from tyro.conf import Positional
from tyro.extras import SubcommandApp

from .app import UserError, app, console, typed
from .evaluation import spec_of

if TYPE_CHECKING:
    from palaestra.agents.agent_folder import AgentSpec
    from palaestra.agents.engine import Sampling
    from palaestra.arena.evaluate import Evaluation

agents = SubcommandApp()
app.command(agents, name="agents", help="List, show and export agents.")


@agents.command(name="list")
def list_agents(folders: Positional[tuple[Path, ...]] = (Path("runs"),)) -> None:
    """The agents below some folders, with what they scored in their run.

    Args:
        folders: of runs, or that hold runs.
    """
    found = [path for folder in folders for path in _below(folder)]
    if not found:
        where = ", ".join(map(str, folders))
        raise UserError(f"no agent below {where}: `palaestra evolve` and `palaestra agents export` make some")
    table = Table(title_justify="left")
    for name in ("agent", "is", "scored"):
        table.add_column(name, overflow="fold")  # what is cut short names no folder
    for path in found:
        table.add_row(escape(str(path)), escape(_told(_kind, path)), escape(_told(_scored, path)))
    console.print(table)


@agents.command(name="show")
def show_agent(agent: Positional[str]) -> None:
    """What an agent is made of, and its model card.

    Args:
        agent: a folder, or anything that `palaestra evaluate` takes.
    """
    from palaestra.agents.agent_folder import read_spec

    spec = read_spec(agent)
    if spec.has_tokens and not Path(spec.model).is_dir():
        from palaestra.agents.pretrained import check_model

        check_model(spec.model)
    facts = {
        "name": spec.title,
        "model": spec.model,
        "engine": spec.engine,
        "strategy": spec.strategy or "one answer",
        "judge": spec.judge or "none",
        "sampling": _answers("", spec.sampling).partition(", ")[2],
        "licence": spec.licence or "not stated",
    }
    for key, value in facts.items():
        console.print(f"{key:>9}  {value}", markup=False, highlight=False, soft_wrap=True)
    card = Path(agent) / "README.md"
    text = card.read_text(encoding="utf-8") if card.is_file() else _card(agent) if Path(agent).is_dir() else ""
    console.print(f"\n{text}" if text else "", markup=False, highlight=False, soft_wrap=True)


@agents.command(name="export")
def export_agent(
    agent: Positional[Path],
    to: Path,
    name: str = "",
    strategy: str = "",
    judge: Path | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    licence: str = "",
) -> None:
    """Write an agent to a folder of its own: weights, agent.yaml, and a model card with its recipe and results.

    An adapter to a model of the hub stays one; to a model in a folder, it is added to that model's weights.

    Args:
        agent: a model's folder, such as RUN/agents/evolved, or an agent's; what is not said below is as it is there.
        to: a new folder.
        name: of the agent; the new folder's without it.
        strategy: what is made of its answers: vote:8, best_of:8 (with a judge), or a search such as sbs:3,5.
        judge: a model that `palaestra reward-model` trained; it is named, not copied.
        temperature: of sampling. Without it the agent's own, else 1.
        max_tokens: longest answer. Without it the agent's own, else 256.
        licence: of the weights, by its SPDX name such as apache-2.0.
    """
    from transformers import AutoModelForCausalLM

    from palaestra.agents.adapters import base_of, is_adapter
    from palaestra.agents.agent_folder import check_strategy, write_spec
    from palaestra.agents.pretrained import load_pretrained, save_folder

    spec = spec_of(str(agent), temperature, max_tokens)
    if not spec.has_tokens:
        raise UserError(f"{agent} has no weights to export: its model is {spec.model}")
    if to.exists():
        raise UserError(f"{to} is there already: name a new folder")
    said = replace(
        spec,
        name=name or to.name,
        model=".",
        strategy=strategy or spec.strategy,
        judge=_from_anywhere(str(judge or spec.judge)),
        examples=_from_anywhere(spec.examples),
        licence=licence or spec.licence,
    )
    check_strategy(said)
    far = is_adapter(spec.model) and Path(base_of(spec.model)).is_dir()  # alone it would answer where that folder is
    model, tokenizer = load_pretrained(spec.model, AutoModelForCausalLM, merge=far)
    made = save_folder(to, model, tokenizer, _card(str(agent), said))
    write_spec(said, made)
    console.print(
        f"{made}: use it as an agent, such as palaestra evaluate {typed(made)}", highlight=False, soft_wrap=True
    )


def _from_anywhere(path: str) -> str:
    """A path that holds in another folder too; what is none, such as a judge's name, stays."""
    return str(Path(path).resolve()) if path and Path(path).exists() else path


def _below(folder: Path) -> Iterator[Path]:
    """Agents in a folder: itself, those of a run, or those of the runs in it."""
    if not folder.is_dir():
        raise UserError(f"no folder {folder}: name one that holds runs")
    for pattern in (".", "agents/*", "*/agents/*", "*"):
        yield from (
            sorted(path for path in folder.glob(pattern) if _is_agent(path))
            if pattern != "."
            else ([folder] if _is_agent(folder) else [])
        )


def _is_agent(path: Path) -> bool:
    return any((path / name).is_file() for name in ("agent.yaml", "config.json", "adapter_config.json"))


def _kind(path: Path) -> str:
    from palaestra.agents.agent_folder import FILE, read_spec

    if (path / "judge.json").is_file():
        return f"a judge ({json.loads((path / 'judge.json').read_text())['kind']})"
    if (path / FILE).is_file():
        spec = read_spec(path)
        return f"an agent, {spec.strategy or 'one answer'}"
    return "an adapter" if (path / "adapter_config.json").is_file() else "a model"


def _scored(path: Path) -> str:
    return ", ".join(f"{100 * row.score:.1f}% {row.env_id}" for row in _results(path)) or "–"


def _told(tell: Callable[[Path], str], path: Path) -> str:
    """What is told of an agent, or why it cannot be: one broken file hides no other agent."""
    try:
        return tell(path)
    except (OSError, ValueError, KeyError) as error:
        return f"cannot be read: {error}"


def _results(path: Path) -> list[Evaluation]:
    """The rows of its run's leaderboard."""
    from palaestra.arena.leaderboard import read_leaderboard
    from palaestra.arena.measure import run_of

    run = run_of(path)
    return [] if run is None else [row for row in read_leaderboard(run) if row.agent == path.name]


def _card(agent: str, spec: AgentSpec | None = None) -> str:
    """The model card of an agent in a run; spec: of the agent that is made of it."""
    from palaestra.agents.model_card import model_card
    from palaestra.arena.measure import run_of

    path = Path(agent)
    run = run_of(path)
    recipe, made, base, measured = "", "", "", ""
    if run is not None and (run / "recipe.yaml").is_file():
        import yaml

        recipe = (run / "recipe.yaml").read_text(encoding="utf-8")
        told = yaml.safe_load(recipe)
        base = str((told.get("model") or {}).get("path") or "")
        measured = _measured(told, spec)
    if run is not None and (run / "environment.json").is_file():
        where: dict[str, Any] = json.loads((run / "environment.json").read_text(encoding="utf-8"))
        made = f"Made with palaestra {where['palaestra']} on {where['hardware']}, seed {where['seed']}."
    kind = "judge" if (path / "judge.json").is_file() else "agent"
    rows = [asdict(row) for row in _results(path)]
    name, licence = (spec.name, spec.licence) if spec is not None else (path.name, "")
    return model_card(name, kind, licence, base, recipe, rows, made, measured)


def _measured(recipe: dict[str, Any], spec: AgentSpec | None) -> str:
    """How a run's own agents answered for the run's board, and that an agent made of one answers otherwise."""
    from palaestra.agents.engine import Sampling

    own = Sampling(temperature=recipe["temperature"], max_tokens=recipe["max_answer_tokens"])
    said = f"Measured in its run: {_answers('', own)}."
    if spec is None or (spec.strategy, spec.sampling) == ("", own):
        return said
    return f"{said} This agent was not measured: it answers by {_answers(spec.strategy, spec.sampling)}."


def _answers(strategy: str, sampling: Sampling) -> str:
    return (
        f"{strategy or 'one answer'}, temperature {sampling.temperature:g}, top_p {sampling.top_p:g}, "
        f"top_k {sampling.top_k}, at most {sampling.max_tokens} tokens"
    )
