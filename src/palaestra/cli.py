"""The command line: ``palaestra evolve | evaluate | collect | replay | leaderboard | envs | play``."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table
from tyro.conf import Positional
from tyro.extras import SubcommandApp

console = Console()
app = SubcommandApp()
environments = SubcommandApp()
app.command(environments, name="envs", help="List and check environments.")


class UserError(Exception):
    """Something that the user can put right; the message says how."""


@app.command
def evolve(
    recipe: Annotated[str, tyro.conf.arg(aliases=["-r"])] = "quickstart",
    resume: Path | None = None,
    runs: Path = Path("runs"),
    changes: Annotated[tuple[str, ...], tyro.conf.arg(name="set", metavar="KEY=VALUE ...")] = (),
    threads: int = 2,
    wandb: bool = True,
) -> None:
    """Evolve a reasoner: warm start, self-evolution, leaderboard. Ctrl-C stops after the round; --resume goes on.

    Args:
        recipe: a YAML file, or the name of a recipe that ships with the package.
        resume: the folder of a run that was stopped or killed; it goes on as if it never had been.
        runs: where the run's folder is made.
        changes: changes to the recipe, such as evolve.algorithm=rloo seed=1.
        threads: torch threads; another number rounds sums in another order.
        wandb: keep a wandb run too, offline unless you have logged in.
    """
    from palaestra.arena.run_folder import RunFolder
    from palaestra.trainers.run import start_run

    if resume is not None and (changes or recipe != "quickstart"):
        raise UserError("--resume goes on with the run's own recipe: leave --recipe and --set away")
    with _stop_on_interrupt() as stop:
        if resume is not None:
            folder = start_run(None, RunFolder.open(resume), threads, wandb, stop)
        else:
            from palaestra.trainers.recipe import load_recipe

            overrides = dict(_pair(item) for item in changes)
            loaded = load_recipe(recipe, overrides)
            folder = start_run(loaded, RunFolder.create(runs, loaded.name), threads, wandb, stop)
    if folder is None:
        sys.exit(130)


@app.command
def evaluate(
    model: Positional[str],
    env: str = "palaestra/ChainArith-v0",
    knobs: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE ...")] = (),
    difficulties: tuple[int, ...] = (1,),
    problems: int = 256,
    temperature: float = 1.0,
    max_tokens: int = 256,
    vote: int = 1,
    save: Path | None = None,
) -> None:
    """Measure a model on held-out problems, with a 95 % interval.

    Args:
        model: a model folder (such as RUN/agents/evolved), a Hugging Face hub id, "random" or "oracle".
        env: environment id; "module:id" imports the module first.
        knobs: the task's knobs, such as modulus=10.
        difficulties: levels, asked in turn.
        problems: how many.
        temperature: of sampling; 0 takes the likeliest token.
        max_tokens: longest answer.
        vote: self-consistency over so many answers.
        save: a folder to write episodes and leaderboard to.
    """
    from palaestra.arena.evaluate import evaluate as measure
    from palaestra.arena.evaluate import held_out
    from palaestra.arena.leaderboard import terminal_table, write_leaderboard
    from palaestra.episodes import EpisodeStore

    agent = _agent(model, env, knobs, temperature, max_tokens, vote)
    row, episodes = measure(agent, held_out(env, _knobs(knobs), difficulties, problems))
    if save is not None:
        EpisodeStore(save / "episodes").append(episodes, "held-out")
        write_leaderboard([row], save, f"{row.agent} on {env}", f"{env}, {problems} held-out problems.")
    console.print(terminal_table([row], title=f"{env}, held-out problems"))


@app.command
def collect(
    model: Positional[str],
    to: Path,
    env: str = "palaestra/ChainArith-v0",
    knobs: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE ...")] = (),
    difficulty: int = 1,
    problems: int = 100,
    samples: int = 1,
    seed: int = 0,
    temperature: float = 1.0,
    max_tokens: int = 256,
) -> None:
    """Log episodes of training problems to a folder of Parquet files.

    Args:
        model: a model folder, a hub id, "random" or "oracle".
        to: the folder of the log; a new batch is added to what it holds.
        env: environment id; "module:id" imports the module first.
        knobs: the task's knobs, such as modulus=10.
        difficulty: level of the problems.
        problems: how many.
        samples: answers to each.
        seed: which problems.
        temperature: of sampling.
        max_tokens: longest answer.
    """
    from palaestra.arena.rollout import Job, rollout
    from palaestra.envs.task import derive_seed
    from palaestra.episodes import EpisodeStore

    agent = _agent(model, env, knobs, temperature, max_tokens, 1)
    jobs = [
        Job(
            id=f"{seed}/{problem:05d}/{sample:03d}",
            env_id=env,
            env_kwargs={**_knobs(knobs), "split": "train"},
            seed=derive_seed("collect", seed, problem),
            group_id=f"{seed}/{problem:05d}",
            reset_options={"difficulty": difficulty},
            agent_seed=derive_seed("collect", seed, problem, sample),
        )
        for problem in range(problems)
        for sample in range(samples)
    ]
    episodes = list(rollout(agent, jobs, {"phase": "collect"}))
    file = EpisodeStore(to).append(episodes, "collect")
    right = sum(outcome.reward >= 1 for episode in episodes for outcome in episode.outcome.values())
    console.print(f"{len(episodes)} episodes, {right} right, in {file}", highlight=False)


@app.command
def replay(run: Positional[Path], show: int = 20) -> None:
    """Prove a log: reset each environment, feed it the logged actions, judge again. Exit code 1 on a difference.

    Args:
        run: a run's folder, or a folder of episode files.
        show: how many differences to print.
    """
    from palaestra.arena.replay import replay as play_again

    store = _episodes(run)
    if len(store) == 0:
        raise UserError(f"{run} holds no episodes: `palaestra evolve` and `palaestra collect` log some")
    found = []
    count = 0
    with console.status("replaying") as status:
        for episode, differences in play_again(store.read()):
            count += 1
            found += differences
            if count % 500 == 0:
                status.update(f"replaying: {count} episodes, {len(found)} differences")
            del episode
    for difference in found[:show]:
        console.print(str(difference), markup=False, highlight=False, soft_wrap=True)
    if found:
        console.print(f"{count} episodes replayed, {len(found)} differences", highlight=False)
        sys.exit(1)
    console.print(f"{count} episodes replayed: every observation, reward and verdict is the same", highlight=False)


@app.command
def leaderboard(runs: Positional[tuple[Path, ...]], out: Path | None = None) -> None:
    """Show the agents of one run or of several on one board.

    Args:
        runs: folders of finished runs.
        out: a folder to write the common leaderboard.html and leaderboard.json to.
    """
    from dataclasses import replace

    from palaestra.arena.leaderboard import read_leaderboard, terminal_table, write_leaderboard
    from palaestra.arena.run_folder import RunFolder

    if not runs:
        raise UserError("name one run folder or more, such as runs/quickstart-20260101-120000")
    rows = []
    for folder in runs:
        board = read_leaderboard(RunFolder.open(folder).path)
        if not board:
            raise UserError(f"{folder} has no leaderboard yet: finish it with `palaestra evolve --resume {folder}`")
        rows += [replace(row, agent=f"{folder.name}: {row.agent}") if len(runs) > 1 else row for row in board]
    if len({row.env_id for row in rows}) > 1:
        raise UserError("these runs are of different environments: their scores do not compare")
    console.print(terminal_table(rows, title=rows[0].env_id))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        subtitle = f"{rows[0].env_id}: {', '.join(folder.name for folder in runs)}."
        console.print(str(write_leaderboard(rows, out, "Leaderboard", subtitle)), highlight=False)


@environments.command(name="list")
def list_environments() -> None:
    """Every registered environment, installed plugins included."""
    from palaestra.envs.registration import task_class, task_ids

    table = Table("id", "what it asks")
    for id in task_ids():
        table.add_row(id, (task_class(id).__doc__ or "").strip().split("\n")[0])
    console.print(table)


@environments.command(name="check")
def check_environment(env: Positional[str]) -> None:
    """Try to break an environment: seeds, splits, oracle, cheats, hostile answers. Exit code 1 when a check fails.

    Args:
        env: environment id; "module:id" imports the module first.
    """
    from palaestra.envs.testing import check_task

    report = check_task(env)
    console.print(str(report), markup=False, highlight=False)
    if not report.ok:
        sys.exit(1)


@app.command
def play(
    env: Positional[str],
    difficulty: int | None = None,
    seed: int | None = None,
    knobs: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE ...")] = (),
) -> None:
    """Answer a problem yourself and see the verdict. An answer of several lines ends with an empty line or Ctrl-D.

    Args:
        env: environment id; "module:id" imports the module first.
        difficulty: level of the problem (default: the easiest).
        seed: which problem (default: another each time).
        knobs: the task's knobs, such as modulus=10.
    """
    from palaestra.envs.registration import make

    game = make(env, **_knobs(knobs))
    observation, _ = game.reset(seed=seed, options=None if difficulty is None else {"difficulty": difficulty})
    ended = False
    while not ended:
        console.print(str(observation), markup=False, highlight=False)
        observation, reward, terminated, truncated, info = game.step(_typed_answer())
        ended = terminated or truncated
        verdict = info.get("verdict")
        if verdict is not None:
            console.print(f"{verdict.status}: {verdict.reason}  (reward {reward:g})", markup=False, highlight=False)


def main() -> None:
    """Entry point. Errors that a user can mend are one line and exit code 2; ``--debug`` shows where they come from."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) != len(sys.argv) - 1
    sys.path.insert(0, os.getcwd())  # so that "module:id" finds a module of the folder one stands in
    try:
        app.cli(
            prog="palaestra",
            description="Reasoning environments, self-evolution, leaderboards. --debug shows an error's traceback.",
            args=arguments or ["--help"],
            config=(tyro.conf.OmitArgPrefixes,),
        )
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if debug:
            traceback.print_exc()
        else:
            Console(stderr=True).print(f"palaestra: {_one_line(error)}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


def _one_line(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in TRAIN_MODULES:
        return f"{error.name} is not installed: pip install 'palaestra[train]' adds models and training"
    text = " ".join(str(error).split())
    known = type(error).__module__.startswith("palaestra") or isinstance(error, (OSError, ValueError))
    return text if known and text else f"{type(error).__name__}: {text} (--debug shows where)"


TRAIN_MODULES = {"torch", "transformers", "tokenizers", "yaml", "wandb", "matplotlib"}


def _agent(model: str, env: str, knobs: tuple[str, ...], temperature: float, max_tokens: int, vote: int) -> Any:
    """The agent that the command line names."""
    from palaestra.agents.scripted import OracleAgent, RandomAgent
    from palaestra.agents.self_consistency import SelfConsistency
    from palaestra.envs.registration import make_task

    task = make_task(env, **_knobs(knobs))  # an unknown environment is told before a model is loaded
    agent: Any
    if model == "random":
        agent = RandomAgent()
    elif model == "oracle":
        agent = OracleAgent(task)
    else:
        from palaestra.agents.engine import Sampling
        from palaestra.agents.pretrained import load_policy

        agent = load_policy(model, Sampling(temperature=temperature, max_tokens=max_tokens))
    return SelfConsistency(agent, vote) if vote > 1 else agent


def _episodes(path: Path) -> Any:
    from palaestra.arena.run_folder import RunFolder
    from palaestra.episodes import EpisodeStore

    store = EpisodeStore(path)
    return store if store.files() else RunFolder.open(path).episodes


def _pair(item: str) -> tuple[str, str]:
    key, equals, value = item.partition("=")
    if not equals or not key:
        raise UserError(f"{item!r} is not KEY=VALUE")
    return key, value


def _knobs(items: tuple[str, ...]) -> dict[str, Any]:
    """Knobs from the command line: numbers, true, false and null as JSON reads them, all else as text."""
    knobs: dict[str, Any] = {}
    for key, value in map(_pair, items):
        try:
            knobs[key] = json.loads(value)
        except json.JSONDecodeError:
            knobs[key] = value
    return knobs


def _typed_answer() -> str:
    """Lines up to an empty one or the end of input; in a pipe, all of it."""
    if not sys.stdin.isatty():
        return sys.stdin.read().strip("\n")
    lines: list[str] = []
    try:
        while line := input("> " if not lines else "  "):
            lines.append(line)
    except EOFError:
        pass
    return "\n".join(lines)


class _stop_on_interrupt:
    """While inside, the first Ctrl-C asks for a clean stop and the second one is a KeyboardInterrupt."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Callable[[], bool]:
        self.before = signal.signal(signal.SIGINT, self._interrupt)
        return lambda: self.asked

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, self.before)

    def _interrupt(self, number: int, frame: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        console.print("stopping after this round (Ctrl-C again stops at once)", highlight=False)
