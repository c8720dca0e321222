"""``palaestra evolve | objectives | evaluate | collect``: agents act, learn and are measured."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import Positional

from .app import Pairs, UserError, app, console, knobs_of, pair
from .strategies import reasoner, tell_counts

SERVED = "openai:"  # what begins the name of a server's model


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

    Several processes: accelerate launch --multi_gpu --num_processes N -m palaestra evolve ... (on CPUs too).

    Args:
        recipe: a YAML file, or the name of a recipe that ships with the package.
        resume: the folder of a run that was stopped or killed; it goes on as if it never had been.
        runs: where the run's folder is made.
        changes: changes to the recipe, such as evolve.algorithm=rloo seed=1.
        threads: torch threads; another number rounds sums in another order.
        wandb: keep a wandb run too, offline unless you have logged in.
    """
    from palaestra.agents import processes
    from palaestra.arena.run_folder import RunFolder
    from palaestra.trainers.run import start_run

    processes.join()
    if resume is not None and (changes or recipe != "quickstart"):
        raise UserError("--resume goes on with the run's own recipe: leave --recipe and --set away")
    with _stop_on_interrupt() as stop:
        if resume is not None:
            folder = start_run(None, RunFolder.open(resume), threads, wandb, stop)
        else:
            from palaestra.trainers.recipe import load_recipe

            overrides = dict(pair(item) for item in changes)
            loaded = load_recipe(recipe, overrides)
            made = RunFolder.create(runs, loaded.name) if processes.is_first() else None
            path = next(path for path in processes.gather(made and made.path) if path)
            run = made or RunFolder(path)
            folder = start_run(loaded, run, threads, wandb, stop)
    if folder is None:
        sys.exit(130)


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
def evaluate(
    model: Positional[str],
    env: str = "palaestra/ChainArith-v0",
    knobs: Pairs = (),
    difficulties: tuple[int, ...] = (1,),
    problems: int = 256,
    temperature: float = 1.0,
    max_tokens: int = 256,
    vote: int = 1,
    best_of: int = 1,
    judge: Path | None = None,
    search: str = "",
    strategy: str = "",
    examples: Path | None = None,
    save: Path | None = None,
) -> None:
    """Measure a model on held-out problems, with a 95 % interval.

    Args:
        model: a model folder (such as RUN/agents/evolved), a Hugging Face hub id, openai:MODEL@URL for the chat of a
            server (such as openai:qwen@http://localhost:8000/v1; the key is OPENAI_API_KEY's), "random" or "oracle".
        env: environment id; "module:id" imports the module first.
        knobs: the task's knobs, such as modulus=10.
        difficulties: levels, asked in turn.
        problems: how many.
        temperature: of sampling; 0 takes the likeliest token.
        max_tokens: longest answer.
        vote: self-consistency over so many answers.
        best_of: take of so many answers the one that the judge scores highest.
        judge: a model that `palaestra reward-model` trained; or agreement, perplexity, self_evaluation,
            forward_backward, or several with + between them.
        search: among lines: sbs:3,5 (3 beams, 5 samples each), mcts:40, bfs, dfs or astar; by the judge's value (its
            kind is value), else by likelihood. `palaestra tree SAVE` draws the trees.
        strategy: how it reasons: plan_and_solve, or several, the first innermost, as in
            program_of_thought,self_consistency:8. `palaestra strategies` lists them.
        examples: a log of training episodes, whose right answers few_shot shows.
        save: a folder to write episodes and leaderboard to.
    """
    from palaestra.arena.evaluate import evaluate as measure
    from palaestra.arena.evaluate import held_out
    from palaestra.arena.leaderboard import terminal_table, write_leaderboard
    from palaestra.episodes import EpisodeStore

    agent = _agent(model, env, knobs, difficulties, temperature, max_tokens)
    agent = reasoner(strategy, vote, agent, env, examples)
    if judge is not None or best_of > 1 or search:
        if model in ("random", "oracle") or model.startswith(SERVED):
            raise UserError(
                f"{model} writes text, not tokens: a judge reads the tokens of a model, a search samples them"
            )
        agent = _chooser(agent, best_of, judge, search)
    row, episodes = measure(agent, held_out(env, knobs_of(knobs), difficulties, problems))
    if save is not None:
        EpisodeStore(save / "episodes").append(episodes, "held-out")
        write_leaderboard([row], save, f"{row.agent} on {env}", f"{env}, {problems} held-out problems.")
    console.print(terminal_table([row], title=f"{env}, held-out problems"))
    tell_counts(agent)


def _chooser(agent: Any, best_of: int, judge: Path | None, search: str) -> Any:
    """The agent that takes the best of several answers, or searches among their lines."""
    from palaestra.agents.evaluator import BestOfN, load_evaluator
    from palaestra.agents.evaluators.table import evaluator_named
    from palaestra.agents.policy import PolicyLLM
    from palaestra.agents.search.agents import TreeSearch
    from palaestra.agents.search.methods import method_named
    from palaestra.agents.search.text import lines, stopping_at_lines
    from palaestra.agents.search.values import likelihood, value_head

    if not search:
        if best_of == 1 or judge is None:
            raise UserError("--best-of N and --judge FOLDER go together")
        return BestOfN(agent, evaluator_named(str(judge), agent), best_of)
    if best_of > 1 or not isinstance(agent, PolicyLLM):
        raise UserError("--search goes without --best-of and --vote, and without --strategy")
    method = method_named(search)
    value = likelihood if judge is None else value_head(load_evaluator(judge))
    return TreeSearch(lines(stopping_at_lines(agent), value), method, search)


@app.command
def collect(
    model: Positional[str],
    to: Path,
    env: str = "palaestra/ChainArith-v0",
    knobs: Pairs = (),
    difficulty: int = 1,
    problems: int = 100,
    samples: int = 1,
    seed: int = 0,
    temperature: float = 1.0,
    max_tokens: int = 256,
) -> None:
    """Log episodes of training problems to a folder of Parquet files.

    Args:
        model: a model folder, a hub id, openai:MODEL@URL, "random" or "oracle".
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
    from palaestra.envs.seeding import derive_seed
    from palaestra.episodes import EpisodeStore

    agent = _agent(model, env, knobs, (difficulty,), temperature, max_tokens)
    jobs = [
        Job(
            id=f"{seed}/{problem:05d}/{sample:03d}",
            env_id=env,
            env_kwargs={**knobs_of(knobs), "split": "train"},
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


def _agent(
    model: str,
    env: str,
    knobs: tuple[str, ...],
    difficulties: Sequence[int],
    temperature: float,
    max_tokens: int,
) -> Any:
    """The agent that the command line names, for an environment that exists and has these levels."""
    from palaestra.agents.chat_agent import served
    from palaestra.agents.engine import Sampling
    from palaestra.agents.scripted import OracleAgent, RandomAgent
    from palaestra.arena.environments import levels

    known = levels(env, knobs_of(knobs))  # an unknown environment is told before a model is loaded
    if unknown := sorted(set(difficulties) - set(known)):
        raise UserError(f"{env} has difficulties {known[0]} to {known[-1]}, not {', '.join(map(str, unknown))}")
    if model == "random":
        return RandomAgent()
    if model == "oracle":
        return OracleAgent()
    if model.startswith(SERVED):
        return served(model.removeprefix(SERVED), Sampling(temperature=temperature, max_tokens=max_tokens))
    from palaestra.agents.pretrained import load_policy

    return load_policy(model, Sampling(temperature=temperature, max_tokens=max_tokens))


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
