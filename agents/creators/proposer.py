"""A model that proposes problems, and what it earns: by a solver's success, and only if nobody can cheat at them.

The proposals are those of ``palaestra/ProposerSolver-v0`` (family, difficulty, seed), whose verifiers decide. Beside
the game's own reward there is a memory here: what was proposed before is refused, what is much like it earns less, and
a family whose proposals pay for not reasoning earns nothing.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from palaestra.agents.agent import Agent, Dialogue, Message
from palaestra.envs.audit import try_solve
from palaestra.envs.cheats import cheats, final_answer
from palaestra.envs.games.game import Illegal
from palaestra.envs.games.proposer_solver import PROPOSER, ProposerSolver
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem, Task
from palaestra.episodes import Cost

from .rewards import learnability, novelty, triples

MEMORY = 1000  # of the latest proposals, that new ones are compared with


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was proposed, and what came of it.

    success: the solver's, over its decided attempts; nan without one. novelty: in [0, 1]. reward: learnability times
    novelty; 0 when it was refused, and ``refused`` says why.
    """

    text: str
    task: Task | None = None
    problem: Problem | None = None
    success: float = math.nan
    novelty: float = 0.0
    reward: float = 0.0
    refused: str = ""


class Proposer:
    """Asks an agent for problems, lets a solver attempt each ``attempts`` times, and rewards the agent.

    least_novelty: below it a problem is refused.
    cost: of everything that both said, and of every verdict. refused: how many proposals, by reason.
    """

    def __init__(
        self,
        agent: Agent,
        solver: Agent,
        game: ProposerSolver | None = None,
        attempts: int = 4,
        least_novelty: float = 0.0,
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts are 1 or more, not {attempts}")
        self.agent, self.solver, self.attempts = agent, solver, attempts
        self.game, self.least_novelty = game or ProposerSolver(), least_novelty
        self.cost = Cost()
        self.refused: Counter[str] = Counter()
        self._seen: set[tuple[str, str]] = set()
        self._memory: list[frozenset[str]] = []

    def propose(self, n: int, seed: int = 0) -> list[Proposal]:
        """Ask for n problems at once; each is in the answer, refused or not."""
        if n < 1:
            raise ValueError(f"ask for 1 proposal or more, not {n}")
        start: Any = self.game.initial(None)  # type: ignore[arg-type]  # nothing is drawn at the start
        asked = (Message("user", self.game.observe(start, PROPOSER)),)
        replies = self.agent.respond([Dialogue(asked, derive_seed("propose", seed, number)) for number in range(n)])
        self.cost = sum((reply.cost for reply in replies), self.cost)
        proposals = [self._read(start, reply.text) for reply in replies]
        proposals = self._attempted(proposals, seed)
        proposals = self._audited(proposals)
        self.refused.update(one.refused for one in proposals if one.refused)
        return proposals

    def _read(self, start: Any, text: str) -> Proposal:
        action = self.game.accept(start, text)
        if isinstance(action, Illegal):
            return Proposal(text, refused="illegal")
        task, problem = self.game.problem(self.game.act(start, action))
        made = Proposal(text, task, problem)
        key = task.id, task.identity(problem)
        if key in self._seen:
            return replace(made, refused="duplicate")
        self._seen.add(key)
        solution = try_solve(task, problem)
        self.cost += Cost(verifier_calls=1)
        if not task.verify(problem, solution).right:
            return replace(made, refused="unsolvable: no solution of the oracle is right")
        new = novelty(problem.prompt, self._memory)
        self._memory = [*self._memory, triples(problem.prompt)][-MEMORY:]
        return replace(made, novelty=new, refused="too much like another" if new < self.least_novelty else "")

    def _attempted(self, proposals: Sequence[Proposal], seed: int) -> list[Proposal]:
        """The solver's success at each, all attempts as one batch."""
        open_ones = [(number, one) for number, one in enumerate(proposals) if not one.refused and one.problem]
        dialogues = [
            Dialogue((Message("user", one.problem.prompt),), derive_seed("attempt", seed, number, k), one.problem)
            for number, one in open_ones
            if one.problem
            for k in range(self.attempts)
        ]
        replies = iter(self.solver.respond(dialogues) if dialogues else [])
        done = list(proposals)
        for number, one in open_ones:
            assert one.task is not None
            assert one.problem is not None
            texts = []
            for _ in range(self.attempts):
                reply = next(replies)
                self.cost += reply.cost + Cost(verifier_calls=1)
                texts.append(reply.text)
            scores = [score for text in texts if not math.isnan(score := one.task.verify(one.problem, text).score)]
            success = math.fsum(scores) / len(scores) if scores else math.nan
            fault = "" if scores else "undecided: no attempt was judged"
            reward = 0.0 if fault else learnability(success) * one.novelty
            done[number] = replace(one, success=success, refused=fault, reward=reward)
        return done

    def _audited(self, proposals: Sequence[Proposal]) -> list[Proposal]:
        """Without the reward where a policy that does not reason earns more from a family's proposals than it may."""
        families: dict[str, list[Proposal]] = defaultdict(list)
        for one in proposals:
            if one.task is not None and not one.refused:
                families[one.task.id].append(one)
        faults = {id: fault for id, found in families.items() if (fault := self._cheated(found))}
        return [
            replace(one, reward=0.0, refused=faults[one.task.id])
            if one.task is not None and not one.refused and one.task.id in faults
            else one
            for one in proposals
        ]

    def _cheated(self, proposals: Sequence[Proposal]) -> str:
        """The cheating policy that earns too much from these proposals of one family, "" when none does."""
        pairs = [(one.task, one.problem) for one in proposals if one.task is not None and one.problem is not None]
        task, problems = pairs[0][0], [problem for _, problem in pairs]
        known = [final_answer(solution) for one in problems if (solution := try_solve(task, one))]
        allowed = task.ceiling + 3 * 0.5 / math.sqrt(len(problems))  # three standard errors, at most
        known = [*known[1:], *known[:1]] if len(known) > 1 else []  # each problem meets the answer of another
        for policy in cheats(problems, known):
            scores = [task.verify(*case).score for case in zip(problems, policy.responses, strict=True)]
            self.cost += Cost(verifier_calls=len(scores))
            if math.fsum(0.0 if math.isnan(score) else score for score in scores) / len(scores) > allowed:
                return f"pays for cheating: {policy.kind}"
        return ""
