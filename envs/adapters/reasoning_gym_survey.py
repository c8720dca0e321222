"""What each data set of reasoning-gym is worth: are its items made, its answers right, blind ones not?

python -m palaestra.envs.adapters.reasoning_gym_survey --problems 100 chain_sum maze
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from palaestra.envs.audit import levels
from palaestra.envs.cheats import GUESSES
from palaestra.verifiers.workers import Ending

from .reasoning_gym import NAMESPACE, ReasoningGymTask, load, names, samplers
from .reasoning_gym_faults import EXPLOITABLE

PROSE = "Let me think step by step."


@dataclass(frozen=True, slots=True)
class Finding:
    """One data set.

    oracle: the share of items whose own answer scores 1, None where items have no answer.
    blind, earned, difficulty: the answer without a look at the question that was right most often, and where.
    padded: the share of items whose scorer pays something for the answer with words around it, or for words alone.
    refused: why it is refused unless asked for. fault: why it could not be surveyed.
    """

    name: str
    oracle: float | None = None
    blind: str = ""
    earned: float = 0.0
    difficulty: int = 0
    padded: float = 0.0
    ceiling: float = 0.0
    refused: str = ""
    fault: str = ""

    def __str__(self) -> str:
        oracle = "none" if self.oracle is None else f"{self.oracle:.2f}"
        told = f"oracle {oracle:4}  ceiling {self.ceiling:.2f}  partial {self.padded:.2f}"
        if self.earned:
            told += f"  {self.blind[:40]!r} earns {self.earned:.2f} at level {self.difficulty}"
        told += f"  refused: {self.refused}" if self.refused else ""
        return f"{self.name:26} {self.fault or told}"


def survey(data_sets: Sequence[str] | None = None, problems: int = 100) -> Iterator[Finding]:
    """Try ``problems`` items of the lowest, middle and highest level of each data set (None: of all).

    The constants tried are the guesses of the audit, and the answers that are most frequent among other items.
    """
    for name in names() if data_sets is None else data_sets:
        yield _surveyed(load(f"{NAMESPACE}/{name}-v0")(allow_exploitable=True), problems)


def _surveyed(task: ReasoningGymTask, count: int) -> Finding:
    name, reason = task.data_set, EXPLOITABLE.get(task.data_set, "")
    best, oracle, padded = (0.0, "", 0), [], 0.0
    for level in levels(task):
        outcome = samplers().call("blind", name, level, count, [*GUESSES, PROSE])
        if outcome.ending is not Ending.DONE:
            return Finding(name, refused=reason, fault=f"at level {level}: {outcome.reason}")
        own, partial, shares = outcome.value
        oracle += [] if own is None else [own]
        padded = max(padded, partial)
        best = max(best, *((share, answer, level) for answer, share in shares))
    share = sum(oracle) / len(oracle) if oracle else None
    return Finding(name, share, best[1], best[0], best[2], padded, task.ceiling, reason)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data_sets", nargs="*", help="all when none is named")
    parser.add_argument("--problems", type=int, default=100)
    options = parser.parse_args()
    for finding in survey(options.data_sets or None, options.problems):
        sys.stdout.write(f"{finding}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
