"""``palaestra evolve | objectives | collect``: agents act, and learn."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from tyro.conf import Positional

from .app import Pairs, UserError, app, check_log, console, held, knobs_of, pair
from .evaluation import courses_of, spec_of

if TYPE_CHECKING:
    from palaestra.arena.rollout import Job
    from palaestra.arena.run_folder import RunFolder


@app.command
def evolve(
    recipe: Annotated[str, tyro.conf.arg(aliases=["-r"])] = "quickstart",
    resume: Path | None = None,
    branch_from: Annotated[str | None, tyro.conf.arg(name="from", metavar="RUN@ROUND")] = None,
    runs: Path = Path("runs"),
    changes: Annotated[tuple[str, ...], tyro.conf.arg(name="set", metavar="KEY=VALUE ...")] = (),
    threads: int | None = None,
    wandb: bool = True,
    tensorboard: bool = False,
) -> None:
    """Evolve a reasoner: warm start, self-evolution, leaderboard. Ctrl-C stops after the round; --resume goes on.

    Several processes: accelerate launch --multi_gpu --num_processes N -m palaestra evolve ... (on CPUs too).

    Args:
        recipe: a YAML file, or the name of a recipe that ships with the package.
        resume: the folder of a run that was stopped or killed; it goes on as if it never had been.
        branch_from: a round of another run that a new one goes on from, with that run's recipe and --set's changes.
        runs: where the run's folder is made.
        changes: changes to the recipe, such as evolve.algorithm=rloo seed=1.
        threads: torch threads, 2 unless given; another number rounds sums in another order. A run that goes on keeps
            its own, and one that goes on from another has that one's unless given.
        wandb: keep a wandb run too, offline unless you have logged in.
        tensorboard: keep the run's numbers for `tensorboard --logdir RUN` too.
    """
    from palaestra.agents import processes
    from palaestra.arena.run_folder import RunFolder
    from palaestra.cli.run import start_run

    processes.join()
    of_new = 2 if threads is None else threads
    if resume is not None and (changes or recipe != "quickstart"):
        raise UserError("--resume goes on with the run's own recipe: leave --recipe and --set away")
    if branch_from is not None and (resume is not None or recipe != "quickstart"):
        raise UserError("--from goes on with that run's recipe, in a new run: leave --recipe and --resume away")
    if of_new < 1:
        raise UserError("--threads takes 1 or more")
    with _stop_on_interrupt() as stop:
        if resume is not None:
            folder = start_run(None, RunFolder.open(resume), of_new, wandb, stop, tensorboard)
        elif branch_from is not None:
            run = _branched(branch_from, runs, changes, threads)
            folder = start_run(None, run, of_new, wandb, stop, tensorboard)
        else:
            from palaestra.trainers.recipe import load_recipe

            loaded = load_recipe(recipe, dict(pair(item) for item in changes))
            run = _new_run(runs, loaded.name)
            try:
                folder = start_run(loaded, run, of_new, wandb, stop, tensorboard)
            except Exception:
                if processes.is_first():
                    run.discard_unlogged()
                raise
    if folder is None:
        sys.exit(130)


def _new_run(runs: Path, name: str) -> RunFolder:
    """A run's folder, made by the first process."""
    from palaestra.agents import processes
    from palaestra.arena.run_folder import RunFolder

    made = RunFolder.create(runs, name) if processes.is_first() else None
    path = next(path for path in processes.gather(made and made.path) if path)
    return made or RunFolder(path)


def _branched(said: str, runs: Path, changes: tuple[str, ...], threads: int | None) -> RunFolder:
    """A new run's folder that holds what another run was at a round."""
    from palaestra.agents import processes

    from .branching import branch, read_branch

    source = read_branch(said, dict(pair(item) for item in changes))
    run = _new_run(runs, source.run.name)
    if processes.is_first():
        branch(source, run, threads)
        run.release()  # resuming holds it
    processes.wait()
    return run


@app.command
def objectives(out: Path | None = None) -> None:
    """List the algorithms that a recipe can name: what each learns from, its loss, its source.

    Args:
        out: a Markdown file to write the whole table to.
    """
    from rich.table import Table

    from palaestra.trainers.algorithms import ALGORITHMS

    from .objectives_page import learns_from, page

    if out is not None:
        out.write_text(page())
        return
    table = Table("evolve.algorithm", "loss", "learns from", "source")
    for name, row in ALGORITHMS.items():
        table.add_row(name, type(row.objective).__name__, learns_from(row), row.paper)
    console.print(table)


@app.command
def collect(
    model: Positional[str],
    to: Path,
    env: str = "palaestra/ChainArith-v0",
    knobs: Pairs = (),
    difficulty: int | None = None,
    problems: int = 100,
    samples: int = 1,
    seed: int = 0,
    temperature: float | None = None,
    max_tokens: int | None = None,
) -> None:
    """Log episodes of training problems to a folder of Parquet files.

    Args:
        model: an agent, as `palaestra evaluate` takes them.
        to: the folder of the log; a new batch is added to what it holds, for one process at a time.
        env: environment id; "module:id" imports the module first.
        knobs: the task's knobs, such as modulus=10.
        difficulty: level of the problems (default: the easiest).
        problems: how many.
        samples: answers to each.
        seed: which problems.
        temperature: of sampling. Without it the agent's own, else 1.
        max_tokens: longest answer. Without it the agent's own, else 256.
    """
    from palaestra.agents.agent_folder import open_agent
    from palaestra.arena.rollout import rollout
    from palaestra.episodes import EpisodeStore

    check_log(to)
    if (to / "episodes").is_dir():
        raise UserError(f"{to} is a run's folder, or a board's, which keeps its log in episodes/: name another folder")
    (course,) = courses_of((env,), knobs_of(knobs), None if difficulty is None else (difficulty,), 1)
    agent = open_agent(spec_of(model, temperature, max_tokens))
    store = EpisodeStore(to)
    with held(to):
        store.discard_unfinished()
        jobs = _collected(len(store.files()), env, knobs_of(knobs), course.difficulties[0], seed, problems, samples)
        episodes = list(rollout(agent, jobs, {"phase": "collect"}))
        file = store.append(episodes, "collect")
    right = sum(outcome.reward >= 1 for episode in episodes for outcome in episode.outcome.values())
    console.print(f"{len(episodes)} episodes, {right} right, in {file}", highlight=False)


def _collected(
    batch: int, env: str, knobs: Mapping[str, Any], difficulty: int, seed: int, problems: int, samples: int
) -> list[Job]:
    """What a log's next batch asks: its episodes are no other batch's, its groups are those that ask the same."""
    from palaestra.arena.rollout import Job
    from palaestra.envs.seeding import derive_seed

    course = f"{derive_seed('course', env, json.dumps(knobs, sort_keys=True), difficulty):016x}"
    return [
        Job(
            id=f"{batch}/{course}/{seed}/{problem:05d}/{sample:03d}",
            env_id=env,
            env_kwargs={**knobs, "split": "train"},
            seed=derive_seed("collect", seed, problem),
            group_id=f"{course}/{seed}/{problem:05d}",
            reset_options={"difficulty": difficulty},
            agent_seed=derive_seed("collect", seed, problem, sample),
        )
        for problem in range(problems)
        for sample in range(samples)
    ]


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
        console.print("stopping after this round, or this agent (Ctrl-C again stops at once)", highlight=False)
