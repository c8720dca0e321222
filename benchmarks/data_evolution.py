"""Views of a log from Parquet, and tree search: turns, episodes and nodes a second, memory, and what is not the engine.

Views are beside a plain script over the rows that pyarrow makes of the same columns. Search is beside OpenSpiel's
Python MCTS on the same game, with the same evaluator, which knows nothing; ours makes all children of a state that it
expands, theirs a state when it goes there. Where no peer does the like, the figure stands beside what is wanted.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyspiel  # type: ignore[import-not-found]
from open_spiel.python.algorithms import mcts as their_mcts  # type: ignore[import-not-found]

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Completion, Sampling, TokenIds
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.search.agents import TreeSearch
from palaestra.agents.search.mcts import MCTS
from palaestra.agents.search.scores import UCT
from palaestra.agents.search.text import TextWorld
from palaestra.agents.search.tree import Proposal
from palaestra.agents.search.values import likelihood
from palaestra.agents.search.world import Proposed, Request, Valued, run
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.envs.task import Problem
from palaestra.episodes import Actor, Cost, Episode, EpisodeStore, Outcome, Turn, scan
from palaestra.episodes.choices import best_and_worst
from palaestra.verifiers import right, wrong

from .figure import Figure

REPEATS = 5
EPISODES, MANY = 8000, 100_000
GROUP = 8  # answers to a problem
PROMPT, ANSWER = 56, 24  # tokens, as in the quickstart
PROBLEMS, SIMULATIONS = 32, 64
MEMORY = """
import resource, sys
from palaestra.episodes import EpisodeStore, scan
view = scan.groups(EpisodeStore(sys.argv[1]))
assert len(view.rows) == int(sys.argv[2]), len(view.rows)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
GAME = "connect_four"
MOST_MEMORY, MOST_OVERHEAD = 1024.0, 10.0  # MiB, percent of the time


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """Figures of the log, then of search."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _views(Path(folder), say)
    say("nodes of a search beside OpenSpiel's")
    roots = _openings()
    gc.freeze()
    gc.set_threshold(100_000)  # as in a run
    mine, theirs = (
        median(speeds) for speeds in zip(*([_ours(roots), _theirs(roots)] for _ in range(REPEATS)), strict=True)
    )
    yield Figure(f"data_evolution/MCTS on {GAME} beside OpenSpiel's in Python", mine, theirs, "simulations/s")
    say("nodes of a search in a scripted world")
    yield Figure("data_evolution/nodes of MCTS with a scripted policy, 20,000 wanted", _nodes(), 20_000.0, "nodes/s")
    say(f"search outside the engine, {PROBLEMS} problems x {SIMULATIONS} simulations")
    overhead, rows = _overhead()
    yield Figure(
        f"data_evolution/search outside the engine, {rows:.0f} rows a call in the mean",
        *(overhead, MOST_OVERHEAD, "% of the time", False),
    )


def _views(folder: Path, say: Callable[[str], None]) -> Iterator[Figure]:
    say(f"a log of {EPISODES} episodes")
    store = EpisodeStore(folder / "log")
    store.append([episode(number) for number in range(EPISODES)])
    sides = {
        "groups": lambda: scan.groups(store),
        "pairs": lambda: best_and_worst(scan.groups(store).rows),
        "plain rows": lambda: plain(store),
        "episodes": lambda: sum(1 for _ in store.read()),
        "plain episodes": lambda: sum(len(batch.to_pylist()) for batch in store.batches()),
    }
    speed = {name: median([EPISODES / _seconds(side) for _ in range(REPEATS)]) for name, side in sides.items()}
    for name in ("groups", "pairs"):
        ours, theirs = speed[name], speed["plain rows"]
        yield Figure(f"data_evolution/{name} from Parquet, 50,000 wanted, beside plain rows", ours, theirs, "turns/s")
    ours, theirs = speed["episodes"], speed["plain episodes"]
    yield Figure("data_evolution/episodes from Parquet beside pyarrow's to_pylist", ours, theirs, "turns/s")
    say(f"the memory of a view of {MANY} episodes")
    large = EpisodeStore(folder / "large")
    sample = [episode(number) for number in range(EPISODES)]
    for start in range(0, MANY, EPISODES):
        part = sample[: min(EPISODES, MANY - start)]
        large.append([replace(one, id=f"{start}/{one.id}", group_id=f"{start}/{one.group_id}") for one in part])
    command = [sys.executable, "-c", MEMORY, str(large.path), str(MANY)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    name = f"data_evolution/a process with the view of {MANY:,} episodes, a gibibyte allowed"
    yield Figure(name, float(done.stdout), MOST_MEMORY, "MiB", False)


def plain(store: EpisodeStore) -> list[tuple[Any, ...]]:
    """What a script would do with pyarrow's rows: ids, mask and log-probabilities of each turn, nothing grouped."""
    rows = []
    for batch in store.batches(columns=scan.COLUMNS):
        for row in batch.to_pylist():
            for turn in row["turns"]:
                ids = np.array(turn["prompt_ids"] + turn["action_ids"])
                action = np.arange(len(ids)) >= len(turn["prompt_ids"])
                logprobs = np.zeros(len(ids), np.float32)
                logprobs[action] = turn["logprobs"]
                rows.append((ids, action, logprobs, row["outcome"][0]["reward"], row["group_id"]))
    return rows


def episode(number: int) -> Episode:
    """One of a log like the quickstart's: a turn of 56 and 24 tokens, three lines, each with its verdict."""
    rng = np.random.default_rng(number)
    hit = number % GROUP == 0 or bool(rng.random() < 0.5 and number % GROUP != 1)  # no group without a contrast
    verdict = (right if hit else wrong)("the value asked for", answer="7")
    step = right("b has this value", line="b=6")
    prompt = "a=3; b=a*2; c=b+1. What is c? Answer in \\boxed{}."
    turn = Turn(
        role="reasoner",
        observation=prompt,
        text="b=3*2=6\nc=6+1=7\n\\boxed{7}",
        reward=float(hit),
        prompt_ids=tuple(rng.integers(0, 90, PROMPT).tolist()),
        action_ids=tuple(rng.integers(0, 90, ANSWER).tolist()),
        logprobs=tuple(np.float32(-rng.random(ANSWER)).tolist()),
        finish_reason="stop",
        weights_version=3,
        step_spans=((0, 7), (8, 15), (16, 25)),
        solution_spans=((0, 25),),
        verdicts=(verdict,),
        step_verdicts=(step, step, verdict),
    )
    return Episode(
        id=f"round/{number:06d}",
        env_id="palaestra/ChainArith-v0",
        env_kwargs={"modulus": 10, "operators": "+*", "wording": 0},
        reset_options={"difficulty": 2},
        seed=number // GROUP,
        group_id=f"round/{number // GROUP:05d}",
        roles={"reasoner": Actor("policy", "abcdef")},
        turns=(turn,),
        outcome={"reasoner": Outcome(float(hit), verdict.status, verdict.reason)},
        terminated=True,
        truncated=False,
        problem=Problem(prompt, 7, 2, {"values": {"a": 3, "b": 6, "c": 7}, "wording": 0}),
        cost=Cost(PROMPT, ANSWER, 1, 0.01),
        tags={"phase": "evolve", "round": "3"},
    )


def _seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


class SpielWorld:
    """A game of OpenSpiel: states are its own, all actions are children, nobody knows what a state is worth."""

    def expand(self, requests: Sequence[Request]) -> list[Proposed]:
        return [
            Proposed([self._child(request.state, action) for action in request.state.legal_actions()])
            for request in requests
        ]

    def _child(self, state: Any, action: int) -> Proposal:
        child = state.child(action)
        ended = child.is_terminal()
        return Proposal(str(action), child, ended, value=child.returns()[0] if ended else None)

    def evaluate(self, states: Sequence[Any]) -> list[Valued]:
        return [Valued(0.0) for _ in states]


class Knowing:
    """Their evaluator that knows nothing."""

    def evaluate(self, state: Any) -> Any:
        return np.zeros(2)

    def prior(self, state: Any) -> list[tuple[int, float]]:
        actions = state.legal_actions()
        return [(action, 1 / len(actions)) for action in actions]


def _openings() -> list[Any]:
    """A position a problem: games after so many drawn moves."""
    states, rng = [], np.random.default_rng(0)
    for number in range(PROBLEMS):
        state = pyspiel.load_game(GAME).new_initial_state()
        for _ in range(number % 6):
            state.apply_action(int(rng.choice(state.legal_actions())))
        states.append(state)
    return states


def _ours(roots: Sequence[Any]) -> float:
    method = MCTS(SIMULATIONS, children=7, score=UCT(), revisit_terminals=True, commit=False)
    seconds = _seconds(partial(run, SpielWorld(), method, roots, range(len(roots))))
    return len(roots) * SIMULATIONS / seconds


def _theirs(roots: Sequence[Any]) -> float:
    game = pyspiel.load_game(GAME)
    bot = their_mcts.MCTSBot(game, 1.0, SIMULATIONS, Knowing(), solve=False, random_state=np.random.RandomState(0))
    seconds = _seconds(lambda: [bot.mcts_search(state) for state in roots])
    return len(roots) * SIMULATIONS / seconds


class LetterWorld:
    """Words of eight letters out of five; a word is worth what its letters hash to. A scripted policy."""

    letters = "abcde"

    def expand(self, requests: Sequence[Request]) -> list[Proposed]:
        return [Proposed([self._child(request.state, letter) for letter in self.letters]) for request in requests]

    def _child(self, word: str, letter: str) -> Proposal:
        return Proposal(letter, word + letter, len(word) == 7, 0.2)

    def evaluate(self, states: Sequence[Any]) -> list[Valued]:
        return [Valued(sum(map(ord, state)) % 7 / 7) for state in states]


def _nodes() -> float:
    """Nodes a second that MCTS adds to its trees."""
    speeds = []
    for _ in range(REPEATS):
        began = time.process_time()
        trees = run(LetterWorld(), MCTS(SIMULATIONS, 5, commit=False), [""] * PROBLEMS, range(PROBLEMS))
        speeds.append(sum(len(tree.nodes) for tree in trees) / (time.process_time() - began))
    return median(speeds)


class TimedEngine(TransformersEngine):
    """Knows how long it took, and how many rows it was asked for in each call."""

    seconds = 0.0
    calls: list[int]

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        began = time.perf_counter()
        completions = super().generate(prompts, sampling)
        self.seconds += time.perf_counter() - began
        self.calls.append(len(prompts))
        return completions


def _overhead() -> tuple[float, float]:
    """Percent of a search's time outside its engine, and the rows of a call of it."""
    tokenizer = nano_tokenizer()
    engine = TimedEngine(nano_model(tokenizer))
    engine.calls = []
    policy = PolicyLLM(engine, ChatFormat(tokenizer), Sampling(max_tokens=48))
    search = TreeSearch(TextWorld(policy, likelihood, step_tokens=8), MCTS(SIMULATIONS, 4, commit=False))
    asked = [
        Dialogue((Message("user", f"a={n}; b=a*2. What is b? Answer in \\boxed{{}}."),), n) for n in range(PROBLEMS)
    ]
    began = time.perf_counter()
    search.respond(asked)
    seconds = time.perf_counter() - began
    return 100 * (1 - engine.seconds / seconds), float(np.mean(engine.calls))
