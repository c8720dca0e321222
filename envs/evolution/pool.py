"""A pool of evolved puzzles: each is executed before it enters, and each that is refused is counted with its reason."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem

from .operators import OPERATORS, Operator
from .quantities import Puzzle, Quantities, Unreadable, Unsolvable, parse

MAX_PROMPT = 4000  # characters


@dataclass(frozen=True, slots=True)
class Entry:
    """A puzzle that was let in, its problem, the operators that led to it, and the entry that it was made of."""

    puzzle: Puzzle
    problem: Problem
    ways: tuple[str, ...] = ()
    parent: int | None = None


class Pool:
    """Puzzles that are new, have exactly one answer, and whose oracle is judged RIGHT and a wrong answer WRONG.

    size: how many may be in it. refused: how many were not let in, by reason. offered: how many were offered.
    """

    def __init__(self, puzzles: Iterable[Puzzle] = (), size: int = 10_000) -> None:
        self.task = Quantities()
        self.size = size
        self.entries: list[Entry] = []
        self.refused: Counter[str] = Counter()
        self.offered = 0
        self._known: set[tuple[str, str]] = set()
        for puzzle in puzzles:
            self.offer(puzzle)

    def offer(self, puzzle: Puzzle | str, ways: tuple[str, ...] = (), parent: int | None = None) -> str:
        """Let a puzzle in, or its text; the reason why not, or "" when it was."""
        self.offered += 1
        reason = self._offer(puzzle, ways, parent)
        if reason:
            self.refused[reason] += 1
        return reason

    def _offer(self, puzzle: Puzzle | str, ways: tuple[str, ...], parent: int | None) -> str:
        if len(self.entries) >= self.size:
            return "the pool is full"
        try:
            puzzle = parse(puzzle) if isinstance(puzzle, str) else puzzle
            problem = self.task.pose(puzzle)
        except Unreadable as error:
            return f"unreadable: {error}"
        except Unsolvable as error:
            return f"unsolvable: {error}"
        # The same program in other words is another problem to a reader of words, but the same words are not.
        key = puzzle.identity, problem.prompt
        if key in self._known:
            return "duplicate"
        if len(problem.prompt) > MAX_PROMPT:
            return f"longer than {MAX_PROMPT} characters"
        fault = self._unverified(problem)
        if fault:
            return f"unverified: {fault}"
        self._known.add(key)
        self.entries.append(Entry(puzzle, problem, ways, parent))
        return ""

    def _unverified(self, problem: Problem) -> str:
        """Executes what is written down, not what was handed over; the verifier judges a right and a wrong answer."""
        written = parse(problem.meta["puzzle"])
        if written.answer != problem.reference:
            return "its text is executed to another answer"
        oracle = self.task.solve(problem, np.random.default_rng(0))
        if not self.task.verify(problem, oracle).right:
            return "its own solution is not right"
        if self.task.verify(problem, f"\\boxed{{{problem.reference + 1}}}").right:
            return "a wrong answer is right"
        return ""

    def evolve(self, tries: int, operators: Mapping[str, Operator] = OPERATORS, seed: int = 0) -> int:
        """Offer what operators make of drawn entries, ``tries`` times; how many were let in.

        The same entries, operators and seed make the same pool. What does not apply is counted among the refused.

        Raises:
            ValueError: the pool is empty, or there is no operator.
        """
        if not self.entries or not operators:
            raise ValueError("evolution needs a pool with a puzzle in it, and an operator")
        rng = np.random.default_rng(derive_seed("evolve", seed, self.offered))
        names, before = list(operators), len(self.entries)
        for _ in range(tries):
            parent = int(rng.integers(len(self.entries)))
            name = names[int(rng.integers(len(names)))]
            made = operators[name](self.entries[parent].puzzle, rng)
            if made is None:
                self.offered += 1
                self.refused[f"{name} does not apply"] += 1
            else:
                self.offer(made, (*self.entries[parent].ways, name), parent)
        return len(self.entries) - before

    def write(self, path: str | os.PathLike[str]) -> Path:
        """The pool as a file that ``palaestra/Dataset-v0`` reads, a row a problem, so that agents can be put to it.

        Raises:
            ValueError: the pool is empty.
        """
        if not self.entries:
            raise ValueError("an empty pool is no data set: let a puzzle in first")
        rows = []
        for entry in self.entries:
            problem = entry.problem
            solution = self.task.solve(problem, np.random.default_rng(0)).rsplit("\n", 1)[0]
            row = {"question": problem.prompt, "answer": str(problem.reference), "solution": solution}
            # The same puzzle in other words is to be in the same split.
            row |= {"puzzle": str(entry.puzzle), "identity": entry.puzzle.identity, "ways": " > ".join(entry.ways)}
            rows.append(row)
        file = Path(path)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return file
