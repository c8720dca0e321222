"""What is to be run: environments, the strategies and searches that are held against a vote there, how all sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

POOL = "vote"  # the cell of the plain agent's answers, which are voted on


@dataclass(frozen=True, slots=True)
class Sizes:
    """What all cells of a folder share.

    answers: drawn of the plain agent to each problem. shots: training problems, answered by the oracle, that stand
    before a question. max_tokens: of one call of the model.
    """

    model: str
    problems: int = 40
    answers: int = 16
    shots: int = 2
    max_tokens: int = 48
    temperature: float = 0.7
    dtype: str = "bfloat16"


@dataclass(frozen=True, slots=True)
class Place:
    """An environment, with knobs of its own. chance: of a blind guess in the right form to be right, 0 for about 0."""

    name: str
    env_id: str
    knobs: Mapping[str, Any]
    difficulty: int
    chance: float


@dataclass(frozen=True, slots=True)
class Contender:
    """A strategy as it is held against the vote.

    stack: as ``--strategy`` takes it, the first innermost. judge: what chooses among ``of`` answers of the stack, or by
    whose word a search goes. search: as ``--search`` takes it; it samples the answers that the stack asks for.
    """

    name: str
    stack: str
    judge: str = ""
    of: int = 1
    search: str = ""

    @property
    def written(self) -> str:
        """As the command line has its parts."""
        stack = f"{self.stack},best_of:{self.of}" if self.of > 1 else self.stack
        search = f" --search {self.search}" if self.search else ""
        return stack + search + (f" --judge {self.judge}" if self.judge else "")


@dataclass(frozen=True, slots=True)
class Cell:
    """One run: a contender in an environment; the plain agent's pool where ``name`` is ``POOL``."""

    place: Place
    name: str
    contender: Contender = field(compare=False)

    @property
    def folder(self) -> str:
        """Where it is, under the folder of all."""
        return f"{self.place.name}/{self.name}"


PLACES = (
    Place("Arithmetic", "palaestra/Arithmetic-v0", {"operators": "+"}, 1, 0.0),
    Place("PointerChasing", "palaestra/PointerChasing-v0", {"vertices": 3}, 1, 1 / 3),
    Place("ChainArith", "palaestra/ChainArith-v0", {}, 1, 0.065),  # its commonest value, always
)

# Strategies and searches that are not held against a vote here, and why.
LEFT_OUT = {
    "react": "it acts in turns on what an environment answers, and these three are answered in one turn",
    "mcts_g": "`mcts` stands for it: it opens another leaf next, among all there are, and does not move before its end",
    "moves": "it searches among the moves of a game, and these three are none",
}


def contenders(shots: int) -> tuple[Contender, ...]:
    """Every strategy of the table but those left out, best of N by the judges that need no training, and the searches.

    All but two stand on worked examples, without which so small a model does not write its answer where it is read:
    ``direct`` shows that, and a program's answer is put into its box by the strategy.
    """
    few = f"few_shot:{shots}"
    return (*_strategies(few), *_searches(f"{few},chain_of_thought"))


def _strategies(few: str) -> tuple[Contender, ...]:
    return (
        Contender("direct", "direct"),
        Contender("few_shot", few),
        Contender("chain_of_thought", f"{few},chain_of_thought"),
        Contender("plan_and_solve", f"{few},plan_and_solve"),
        Contender("least_to_most", f"{few},least_to_most:2"),
        Contender("step_back", f"{few},step_back"),
        Contender("program_of_thought", "program_of_thought"),
        Contender("shown_program_of_thought", f"{few},program_of_thought"),
        Contender("self_consistency", f"{few},chain_of_thought,self_consistency:4"),
        Contender("universal_self_consistency", f"{few},chain_of_thought,universal_self_consistency:3,1"),
        Contender("cot_decoding", f"{few},cot_decoding:3"),
        Contender("budget_forcing", f"{few},chain_of_thought,budget_forcing:48,1,16"),
        Contender("likeliest_of_4", f"{few},direct", "perplexity", 4),
        Contender("surest_of_4", f"{few},direct", "self_evaluation", 4),
    )


def _searches(stack: str) -> tuple[Contender, ...]:
    """By likelihood, and one by the model's own opinion; so small that they write less than 16 plain answers."""
    return (
        Contender("step_beam", stack, search="sbs:2,3"),
        Contender("surest_step_beam", stack, "self_evaluation", search="sbs:2,3"),
        Contender("breadth_first", stack, search="bfs:2,2"),
        Contender("depth_first", stack, search="dfs:2,0,1,4"),  # no end is worth 1: four expansions, the best end
        Contender("mcts", stack, search="mcts:4,2"),
        Contender("a_star", stack, search="astar:2,4"),
    )


def plain(shots: int) -> Contender:
    """The agent that is voted on: it shows the same examples and asks for the answer alone."""
    return Contender(POOL, f"few_shot:{shots},direct")


def cells(sizes: Sizes, only: Sequence[str] = ()) -> Iterator[Cell]:
    """All cells, the vote's first in each environment. only: names of places or of contenders; the vote always is."""
    for place in PLACES:
        asked = {name for name in only if name not in {one.name for one in PLACES}}
        if {one.name for one in PLACES} & set(only) and place.name not in only:
            continue
        for one in (plain(sizes.shots), *contenders(sizes.shots)):
            if not asked or one.name in asked or one.name == POOL:
                yield Cell(place, one.name, one)
