"""``palaestra evaluate``: agents measured, and compared, on the same held-out problems."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from .app import Pairs, UserError, app, check_log, console, held, knobs_of
from .strategies import tell_counts, tell_examples

if TYPE_CHECKING:
    from palaestra.agents.agent_folder import AgentSpec
    from palaestra.arena.contest import Contest
    from palaestra.arena.crew import Counts
    from palaestra.arena.evaluate import Evaluation
    from palaestra.arena.leaderboard import Board
    from palaestra.arena.measure import Course, Entrant
    from palaestra.arena.significance import Comparison

CHAIN = "palaestra/ChainArith-v0"


@app.command
def evaluate(
    agents: Positional[tuple[str, ...]],
    env: tuple[str, ...] = (CHAIN,),
    knobs: Pairs = (),
    difficulties: Annotated[tuple[int, ...] | None, arg(metavar="[INT [INT ...]]")] = None,
    problems: int = 256,
    seeds: tuple[int, ...] = (0,),
    samples: int = 1,
    temperature: float | None = None,
    max_tokens: int | None = None,
    vote: int = 1,
    best_of: int = 1,
    judge: str = "",
    search: str = "",
    strategy: str = "",
    examples: Path | None = None,
    rounds: int = 16,
    schedule: str = "round-robin",
    save: Path | None = None,
    workers: int = 1,
) -> None:
    """Measure agents on held-out problems, the same for all, with 95 % intervals; in games, against one another.

    Args:
        agents: a folder (an agent's or a model's, as RUN/agents/evolved), a Hugging Face hub id, "random", "oracle", or
            openai:MODEL@URL for a server's chat (openai:qwen@http://localhost:8000/v1; the key is OPENAI_API_KEY's).
        env: ids; "module:id" imports the module first; '{id: ID, modulus: 7}' sets knobs of one. In a game for two,
            such as palaestra/KuhnPoker-v0, agents meet one another and the game's scripted players.
        knobs: knobs of all environments, such as modulus=10.
        difficulties: levels, asked in turn (default: the easiest).
        problems: how many of each environment.
        seeds: each asks that many problems of its own.
        samples: answers to each problem; with several, pass@k and majority@k are measured too.
        temperature: of sampling; 0 takes the likeliest token. Without it the agent's own, else 1.
        max_tokens: longest answer. Without it the agent's own, else 256.
        vote: self-consistency over so many answers.
        best_of: take of so many answers the one that the judge scores highest.
        judge: a model that `palaestra reward-model` trained; or agreement, perplexity, self_evaluation,
            forward_backward, visible_tests (of programs), or several with + between them.
        search: among lines: sbs:3,5 (3 beams, 5 samples each), mcts:40, bfs, dfs, astar; by a judge (of kind value, or
            self_evaluation), else likelihood. In games moves:64, simulations a move. `palaestra tree SAVE` draws trees.
        strategy: how agents reason: plan_and_solve, or several, the first innermost, as in
            program_of_thought,self_consistency:8. `palaestra strategies` lists them.
        examples: a log of training episodes, whose right answers few_shot shows.
        rounds: of a game's contest; each pair of a round plays one deal from both seats.
        schedule: of a round: round-robin, swiss (neighbours meet), least-certain (whose match tells most).
        save: a folder for episodes and leaderboard; what it holds is not played again, agents asked the same stay.
        workers: processes that play, each another agent, environment or seed (in games, another pair of players), with
            its share of the threads. Each loads the agents that it plays; in games, all.
    """
    how = _strategy(strategy, vote, best_of, judge, search)
    games = [one for one in env if _is_game(_environment(one)[0])]
    tasks = [one for one in env if one not in games]
    courses = courses_of(tasks, knobs_of(knobs), difficulties, problems, seeds, samples) if tasks or not games else []
    contests = contests_of(games, knobs_of(knobs), schedule, rounds, seeds)
    entrants = entrants_of(agents, temperature, max_tokens, how, judge, examples)
    counts = _measure(entrants, courses, contests, save, workers)
    for counted in counts.values() if strategy else ():
        tell_counts(counted)


def _measure(
    entrants: Sequence[Entrant],
    courses: Sequence[Course],
    games: Sequence[Contest],
    save: Path | None,
    workers: int,
) -> dict[str, dict[str, Counter[str]]]:
    """Play it all, show the board, and keep it where asked; what the strategies of each agent counted."""
    from palaestra.arena.contest import hold
    from palaestra.arena.environments import labels
    from palaestra.arena.leaderboard import terminal_board, write_leaderboard
    from palaestra.arena.measure import measure_all
    from palaestra.arena.saved_board import Kept, kept

    if workers < 1:
        raise UserError("--workers takes 1 or more")
    if save is not None:
        check_log(save)
    rows: list[Evaluation] = []
    comparisons: list[Comparison] = []
    counts: dict[str, dict[str, Counter[str]]] = {entrant.name: {} for entrant in entrants}

    def noted(name: str, counted: Counts) -> None:
        for layer, several in counted.items():
            counts[name].setdefault(layer, Counter()).update(several)

    titles = labels(games)
    players = [entrant for entrant in entrants if entrant.name not in ("random", "oracle")]  # games have their own
    with held(save) as folder, console.status("measuring") as status:
        before = Kept() if folder is None else kept(folder, [*counts], courses, titles)
        if courses:
            rows, comparisons = measure_all(
                entrants,
                courses,
                folder,
                workers=workers,
                progress=status.update,
                noted=noted,
                earlier=before.scores,
            )
        held_now = (hold(game, players, folder, noted, workers, status.update) for game in games)
        contests = [dataclasses.replace(one, game=title) for one, title in zip(held_now, titles, strict=True)]
        board, gone = before.joined(rows, comparisons, contests)
        if folder is not None:
            told = _title(board), _subtitle(courses)
            write_leaderboard(board.rows, folder, *told, comparisons=board.comparisons, games=board.games)
    console.print(*terminal_board(board), sep="\n")
    for line in gone:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return counts


def contests_of(
    games: Sequence[str], knobs: Mapping[str, Any], schedule: str, rounds: int, seeds: Sequence[int]
) -> list[Contest]:
    """What the command line's games are played as."""
    from palaestra.arena.contest import Contest

    each = [_environment(game) for game in games]
    return [Contest(id, {**knobs, **own}, schedule, rounds, seeds) for id, own in each]


def _is_game(id: str) -> bool:
    from palaestra.envs.games.registration import game_class
    from palaestra.envs.registration import UnknownEnvironment

    try:
        return game_class(id) is not None
    except UnknownEnvironment:
        return False


def courses_of(
    envs: Sequence[str],
    knobs: Mapping[str, Any],
    difficulties: Sequence[int] | None,
    problems: int,
    seeds: Sequence[int] = (0,),
    samples: int = 1,
) -> list[Course]:
    """What the command line's environments ask; each exists and has these levels, told before a model is loaded.

    Where no levels are named, each asks its easiest.
    """
    from palaestra.arena.environments import levels
    from palaestra.arena.measure import Course

    if min(problems, samples, len(seeds), len(envs)) < 1 or (difficulties is not None and not difficulties):
        raise UserError(
            "ask for one problem or more, answered once or more, of at least one environment, level and seed"
        )
    if len(set(seeds)) < len(seeds):
        raise UserError("a seed is there twice, and would count its problems twice: name each seed once")
    courses = []
    for env in envs:
        id, own = _environment(env)
        known = levels(id, {**knobs, **own})
        asked = known[:1] if difficulties is None else difficulties
        if unknown := sorted(set(asked) - set(known)):
            raise UserError(f"{id} has difficulties {known[0]} to {known[-1]}, not {', '.join(map(str, unknown))}")
        courses.append(Course(id, {**knobs, **own}, asked, problems, seeds, samples))
    return courses


def entrants_of(
    agents: Sequence[str],
    temperature: float | None = None,
    max_tokens: int | None = None,
    strategy: str = "",
    judge: str = "",
    examples: Path | None = None,
) -> list[Entrant]:
    """The agents that the command line names; those of one name get their run's name before it."""
    if not agents:
        raise UserError("name one agent or more, such as RUN/agents/evolved, a hub id, random or oracle")
    shown = "" if examples is None else str(examples)
    if examples is not None:
        tell_examples(examples)
    specs = [spec_of(agent, temperature, max_tokens, strategy, judge, shown) for agent in agents]
    titles = [spec.title for spec in specs]
    return [
        _entrant(agent, spec, titles.count(title) > 1) for agent, spec, title in zip(agents, specs, titles, strict=True)
    ]


def spec_of(
    agent: str,
    temperature: float | None = None,
    max_tokens: int | None = None,
    strategy: str = "",
    judge: str = "",
    examples: str = "",
) -> AgentSpec:
    """What the command line says of an agent, over what its folder says."""
    from palaestra.agents.agent_folder import is_search, read_spec

    spec = read_spec(agent)
    changes: dict[str, Any] = {"temperature": temperature, "max_tokens": max_tokens}
    sampling = dataclasses.replace(spec.sampling, **{key: value for key, value in changes.items() if value is not None})
    spec = dataclasses.replace(spec, sampling=sampling)
    if not strategy:
        return spec
    if spec.strategy:
        raise UserError(
            f"{agent} has a strategy of its own ({spec.strategy}): leave --strategy, --vote, --best-of, --search away"
        )
    if not spec.has_tokens and (is_search(strategy) or "best_of:" in strategy):
        raise UserError(f"{agent} writes text, not tokens: a judge reads the tokens of a model, a search samples them")
    name = spec.name and f"{spec.name}+{strategy}"
    return dataclasses.replace(spec, name=name, strategy=strategy, judge=judge, examples=examples)


def _entrant(reference: str, spec: AgentSpec, shared: bool) -> Entrant:
    from palaestra.arena.measure import entrant, run_of

    run = run_of(Path(reference))
    return entrant(spec, f"{run.name}: {spec.title}" if shared and run is not None else "", Path(reference))


def _strategy(strategy: str, vote: int, best_of: int, judge: str, search: str) -> str:
    """The strategy that the command line asks for, as ``AgentSpec`` has it."""
    if best_of < 1 or vote < 1:
        raise UserError("--vote and --best-of take of 1 answer or more")
    if search and (best_of > 1 or vote > 1 or strategy):
        raise UserError("--search goes without --best-of, --vote and --strategy")
    if search:
        from palaestra.agents.search.methods import method_named

        method_named(search)
        return search
    if (best_of > 1) != bool(judge):
        raise UserError("--best-of N and --judge FOLDER go together")
    if best_of > 1 and vote > 1:
        raise UserError("--best-of goes without --vote")
    if not strategy:
        return f"best_of:{best_of}" if best_of > 1 else f"vote:{vote}" if vote > 1 else ""
    from palaestra.agents.strategies.table import parse

    if not parse(strategy):
        raise UserError(f"--strategy {strategy!r} names none: `palaestra strategies` lists them")
    over = f",best_of:{best_of}" if best_of > 1 else f",self_consistency:{vote}" if vote > 1 else ""
    return strategy + over


def _environment(text: str) -> tuple[str, dict[str, Any]]:
    """Id and knobs of an environment, as ID or {id: ID, knob: value}."""
    if not text.startswith("{"):
        return text, {}
    import yaml

    try:
        given = yaml.safe_load(text)
        return str(given.pop("id")), given
    except (yaml.YAMLError, KeyError, AttributeError) as error:
        raise UserError(f"{text!r} is no environment: write its id, or {{id: ID, knob: value}}") from error


def _title(board: Board) -> str:
    where = ", ".join([*board.environments, *(game.game for game in board.games)])
    agents = {row.agent for row in board.rows}
    return f"{agents.pop() if len(agents) == 1 and not board.games else 'Agents'} on {where}"


def _subtitle(courses: Sequence[Course]) -> str:
    if not courses:
        return "Matches, each deal from both seats."
    first = courses[0]
    series = f" x {len(first.seeds)} seeds" if len(first.seeds) > 1 else ""
    often = f", each answered {first.samples} times" if first.samples > 1 else ""
    return f"{first.problems}{series} held-out problems of each environment{often}."
