"""``palaestra patterns``: which modules may evolve together and how, and what each combination comes to on a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .app import app, console

if TYPE_CHECKING:
    from palaestra.arena.run_folder import RunFolder
    from palaestra.trainers.recipe import Recipe


@app.command
def patterns(
    out: Path | None = None, runs: Path = Path("runs/patterns"), play: bool = False, recipe: str = "patterns"
) -> None:
    """List the patterns and strategies of self-evolution: 4 modules alone, and 11 sets of them in 3 ways.

    Args:
        out: a Markdown file to write them to, with the figures of the runs.
        runs: where these runs are.
        play: make those that are not there yet, and those of the published systems that ship as recipes, each from the
            same warm start, but for those with another environment. Some 30 minutes on one core.
        recipe: what is evolved: a YAML file, or the name of a recipe that ships with the package.
    """
    from rich.table import Table

    from palaestra.arena.patterns.settings import combinations_of_all

    from .patterns_page import page, what_each_learns

    if play:
        play_all(recipe, runs)
    if out is not None:
        out.write_text(page(runs))
        return
    table = Table("evolved", "strategy", "what each learns from")
    for evolved, strategy in combinations_of_all():
        table.add_row(" + ".join(evolved), strategy or "-", "\n".join(what_each_learns(evolved, strategy)))
    console.print(table)


def play_all(name: str, runs: Path) -> None:
    """One warm start, and from it a run of each combination; those that have ended are not played again."""
    from palaestra.arena.patterns.settings import combinations_of_all
    from palaestra.trainers.recipe import load_recipe

    recipe = load_recipe(name)
    play_one(replace(recipe, name="start", evolve=replace(recipe.evolve, rounds=0)), runs)
    start = runs / "start" / "agents" / "warm"
    for system in systems():
        told = load_recipe(system)
        play_one(from_start(told, start) if shares_start(told, recipe) else told, runs)
    for evolved, strategy in combinations_of_all():
        play_one(combination(recipe, start, evolved, strategy), runs)


def systems() -> list[str]:
    """The recipes of published systems."""
    from palaestra.trainers.recipe import shipped_recipes

    return [name for name in shipped_recipes() if name.startswith("systems/")]


def shares_start(told: Recipe, recipe: Recipe) -> bool:
    """Whether a recipe begins as the other one does: on its problems, with its model, warm-started in its way."""
    return (told.environment, told.model, told.warm_start) == (recipe.environment, recipe.model, recipe.warm_start)


def from_start(recipe: Recipe, start: Path) -> Recipe:
    """The recipe without its warm start, from a policy that has had one."""
    model = replace(recipe.model, path=str(start.resolve()))
    return replace(recipe, model=model, warm_start=replace(recipe.warm_start, rounds=0))


def combination(recipe: Recipe, start: Path, evolved: tuple[str, ...], strategy: str | None) -> Recipe:
    """The recipe with these modules evolved, from a policy that was warm-started; the others are rules, or frozen."""
    import yaml

    from palaestra.arena.patterns.settings import marked, title
    from palaestra.trainers.recipe import dump_recipe, parse_recipe

    assert recipe.modules is not None
    changed = replace(
        from_start(recipe, start),
        name=title(evolved, strategy),
        modules=marked(recipe.modules, evolved, strategy),
    )
    return parse_recipe(yaml.safe_load(dump_recipe(changed)))


def play_one(recipe: Recipe, runs: Path) -> RunFolder:
    """A run in a folder of its recipe's name; one that was stopped goes on."""
    from palaestra.arena.run_folder import RunFolder

    from .run import start_run

    run = RunFolder(runs / recipe.name)
    if (run.path / "summary.json").is_file():
        return run
    begun = run.recipe.is_file()
    run.path.mkdir(parents=True, exist_ok=True)
    if not begun:
        run.hold()
    start_run(None if begun else recipe, run, 1, False, lambda: False)
    return run
