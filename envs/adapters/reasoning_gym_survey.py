"""What blind policies earn from each data set of reasoning-gym: by this its ceilings are measured.

python -m palaestra.envs.adapters.reasoning_gym_survey --write          # all data sets, half an hour on one core
python -m palaestra.envs.adapters.reasoning_gym_survey chain_sum maze   # shows two, changes nothing
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from palaestra.envs.audit import levels
from palaestra.verifiers.workers import Ending, Workers

from .reasoning_gym import CEILINGS, MEMORY, NAMESPACE, ReasoningGymTask, load, names
from .reasoning_gym_faults import EXPLOITABLE

PROBLEMS = 100  # a level
ITEM_SECONDS = 5.0  # of processor time to make them; where that is not enough, there are fewer
LEVEL_SECONDS = 300.0  # of processor time for a level in all
SIGMAS = 2  # standard errors between what was earned and the ceiling
HOW = (
    "The best of the audit's cheats on so many problems each of the lowest, middle and highest level, at the level "
    f"where it earned most; the ceiling lies {SIGMAS} standard errors above (Agresti and Coull 1998). Written by "
    "`python -m palaestra.envs.adapters.reasoning_gym_survey --write`."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One data set.

    problems: at each level, at least. oracle: the share of items whose own answer scores 1, None where none has one.
    policy, earned, level: the policy that was right most often without a look at the question, and where.
    ceiling: what is declared from now on. refused: why it is refused unless asked for.
    fault: why it could not be surveyed.
    """

    name: str
    problems: int = 0
    oracle: float | None = None
    policy: str = ""
    earned: float = 0.0
    level: int = 0
    ceiling: float = 1.0
    refused: str = ""
    fault: str = ""

    def __str__(self) -> str:
        oracle = "none" if self.oracle is None else f"{self.oracle:.2f}"
        told = f"oracle {oracle:4}  ceiling {self.ceiling:.2f}"
        if self.earned:
            told += f"  {self.policy[:40]!r} earns {self.earned:.2f} at level {self.level}"
        told += f"  refused: {self.refused}" if self.refused else ""
        return f"{self.name:26} {self.fault or told}"


def survey(data_sets: Sequence[str] | None = None, problems: int = PROBLEMS) -> Iterator[Finding]:
    """Let the cheats of the audit answer ``problems`` items at three levels of each data set (None: of all)."""
    workers = Workers(f"{load.__module__}_worker:serve", seconds=LEVEL_SECONDS, memory=MEMORY)
    for name in names() if data_sets is None else data_sets:
        yield _surveyed(load(f"{NAMESPACE}/{name}-v0"), problems, workers)
    workers.close()


def ceiling_of(earned: float, problems: int) -> float:
    """An upper bound on what a policy earns that earned so much (Agresti and Coull 1998), in whole hundredths."""
    share = (earned * problems + SIGMAS) / (problems + 2 * SIGMAS)
    error = math.sqrt(share * (1 - share) / (problems + 2 * SIGMAS))
    return min(1.0, math.ceil(100 * (share + SIGMAS * error)) / 100)


def _surveyed(cls: type[ReasoningGymTask], problems: int, workers: Workers) -> Finding:
    name, reason = cls.data_set, EXPLOITABLE.get(cls.data_set, "")
    own, best, fewest = [], (0.0, "", 0), problems
    for level in levels(cls(allow_exploitable=True)):
        outcome = workers.call("blind", name, level, problems, ITEM_SECONDS)
        if outcome.ending is not Ending.DONE:
            return Finding(name, refused=reason, fault=f"at level {level}: {outcome.reason or outcome.ending}")
        count, answered, policy, earned = outcome.value
        own += [] if answered is None else [answered]
        best, fewest = max(best, (earned, policy, level)), min(fewest, count)
    share = sum(own) / len(own) if own else None
    ceiling = 1.0 if reason else ceiling_of(best[0], fewest)
    return Finding(name, fewest, share, best[1], best[0], best[2], ceiling, reason)


def write(findings: Sequence[Finding], path: Path = CEILINGS) -> None:
    """Keep the findings, with how they came about, as ceilings of the adapter, beside those that it has of others."""
    known = json.loads(path.read_text())["data_sets"] if path.exists() else {}
    for f in findings:
        if not f.fault and not f.refused:
            policy = f.policy if f.earned else "every cheat"
            facts = {"ceiling": f.ceiling, "policy": policy, "earned": round(f.earned, 4), "level": f.level}
            known[f.name] = {**facts, "problems": f.problems}
    about = {"library": f"reasoning-gym {version('reasoning-gym')}", "how": HOW}
    path.write_text(json.dumps({**about, "data_sets": dict(sorted(known.items()))}, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data_sets", nargs="*", help="all when none is named")
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    parser.add_argument("--write", action="store_true", help=f"keep the ceilings, in {CEILINGS.name}")
    options = parser.parse_args()
    for finding in survey(options.data_sets or None, options.problems):
        sys.stdout.write(f"{finding}\n")
        sys.stdout.flush()
        if options.write:
            write([finding])


if __name__ == "__main__":
    main()
