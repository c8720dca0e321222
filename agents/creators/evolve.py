"""A language model as the operator: it is shown a puzzle and a way to change it, and writes another.

Evol-Instruct (Xu et al., arXiv:2304.12244) with execution in place of a model's opinion: what it writes is read, run
and judged by ``Pool`` before it enters, and refused otherwise, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from palaestra.agents.agent import Agent, Dialogue, Message
from palaestra.envs.evolution.pool import Pool
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Cost
from palaestra.verifiers.fenced import last_fenced

# What the model is asked to do, under the names of the operators that do the same without one.
WAYS = {
    "add constraint": "Add a line that keeps the result below a limit (min), and ask for it.",
    "deepen": "Replace one of the numbers by a quantity that must be worked out first.",
    "more steps": "Add one more step behind the last, and ask for its result.",
    "irrelevant facts": "Add quantities that have nothing to do with the question.",
    "reverse": "Hide one of the given numbers (a = ?), tell the result (know c = 5), and ask for the hidden number.",
}
ASK = (
    "A puzzle is written like this, a line each: a = 3, b = a * 2, c = b min 5, ask c. The operations are + - * min; "
    "a = ? hides a number, know c = 5 tells a result.\n\nThis is a puzzle:\n{puzzle}\n\n{way} Write the new puzzle and "
    "nothing else."
)


@dataclass(frozen=True, slots=True)
class Creation:
    """What a creator wrote of an entry: the way it was asked for, the text, and why it was refused ("": it was not)."""

    parent: int
    way: str
    text: str
    refused: str


class ModelEvolution:
    """Asks a model for new puzzles made of drawn entries of a pool, all at once, and offers the pool what it writes.

    cost: of everything asked so far; a verdict of the pool counts as a verifier call.
    """

    def __init__(self, agent: Agent, ways: Sequence[str] = tuple(WAYS)) -> None:
        unknown = sorted(set(ways) - set(WAYS))
        if unknown or not ways:
            raise ValueError(f"ways are some of {', '.join(WAYS)}, not {list(ways)}")
        self.agent, self.ways = agent, tuple(ways)
        self.cost = Cost()

    def __call__(self, pool: Pool, tries: int, seed: int = 0) -> list[Creation]:
        """Raises ValueError when the pool is empty."""
        if not pool.entries:
            raise ValueError("evolution needs a pool with a puzzle in it")
        rng = np.random.default_rng(derive_seed("model evolution", seed, pool.offered))
        parents = rng.integers(len(pool.entries), size=tries).tolist()
        ways = [self.ways[int(one)] for one in rng.integers(len(self.ways), size=tries)]
        asked = [
            Dialogue(
                (Message("user", ASK.format(puzzle=pool.entries[parent].puzzle, way=WAYS[way])),),
                derive_seed("creator", seed, pool.offered, number),
            )
            for number, (parent, way) in enumerate(zip(parents, ways, strict=True))
        ]
        made = []
        for parent, way, reply in zip(parents, ways, self.agent.respond(asked) if asked else [], strict=True):
            text = last_fenced(reply.text, ("", "text")) or reply.text
            refused = pool.offer(text, (*pool.entries[parent].ways, way), parent)
            self.cost += reply.cost + Cost(verifier_calls=1)
            made.append(Creation(parent, way, text, refused))
        return made
