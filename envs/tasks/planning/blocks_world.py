"""Blocks on a table: find a plan that turns some stacks into others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

BLOCKS = tuple(
    "red blue green yellow white black pink brown orange purple grey gold silver violet".split()  # noqa: SIM905
)
MAX_ANSWER = 4000  # characters of a plan
SLACK = 2  # actions beyond the oracle's plan that are allowed: one block put down once more
SEPARATOR = re.compile(r"[\n,;()]|\\\\")
NUMBERED = re.compile(r"\d{1,3}[.:)]?\s*")
TABLE, HAND = "table", "hand"
ARGUMENTS = {"pick-up": 1, "put-down": 1, "unstack": 2, "stack": 2}  # Nilsson, Principles of AI, 1980

Stacks = Sequence[Sequence[str]]  # each from the bottom to the top


@register("palaestra/BlocksWorld-v0")
@dataclass(frozen=True)
class BlocksWorld(Task):
    """Difficulty raises how many blocks there are (3 to 12).

    An answer is a plan of the actions pick-up, put-down, stack and unstack; it is right when each can be taken and the
    goal holds at the end, and when it has at most two actions more than the oracle's, which puts a block in its final
    place where it can and else one on the table (GN1 of Slaney and Thiébaux, Blocks World revisited, 2001).
    """

    blocks: int | None = None
    tags: ClassVar[tuple[str, ...]] = ("planning",)
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "Blocks stand in stacks on a table, given from bottom to top.\nNow: {start}\nGoal: {goal}\nA hand holds one "
        "block at a time. Its actions are: pick-up x (a block without another on it, from the table), put-down x (onto "
        "the table), unstack x y (take x, on which nothing lies, off y), stack x y (put x, which it holds, onto y, on "
        "which nothing lies). Answer in \\boxed{{}} with a plan of at most {limit} actions, separated by commas.",
        "Find a plan of {limit} actions or fewer for a robot arm that can hold one block.\npick-up a: lift a clear "
        "block from the table\nput-down a: set the held block on the table\nstack a b: set the held block a on the "
        "clear block b\nunstack a b: lift the clear block a off b\nThe stacks, each from its lowest block to its "
        "highest, are at first: {start}. They are to become: {goal}. Write the actions in \\boxed{{}} with commas "
        "between them.",
        "Goal stacks: {goal}\nInitial stacks: {start}\n(Each stack is read from the table upwards; the order of the "
        "stacks does not matter.) Allowed actions, with one free hand: pick-up X from the table, put-down X on the "
        "table, stack X Y, unstack X Y. A block with another one on top cannot be moved, and nothing can be put on it. "
        "Give at most {limit} actions, comma-separated, in \\boxed{{}}; for example \\boxed{{unstack red blue, "
        "put-down red}}.",
    )

    def __post_init__(self) -> None:
        if self.blocks is not None and not 3 <= self.blocks <= len(BLOCKS):
            raise ValueError(f"blocks is None or from 3 to {len(BLOCKS)}, not {self.blocks}")

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = self.blocks or difficulty + 2
        while True:
            uniforms = rng.random(5 * n).tolist()
            pool = list(BLOCKS)
            names = [pool.pop(int(u * len(pool))) for u in uniforms[:n]]
            start = _stacks(names, uniforms[n : 2 * n], uniforms[2 * n : 3 * n])
            goal = _stacks(names, uniforms[3 * n : 4 * n], uniforms[4 * n :])
            plan = _plan(start, goal)
            if len(plan) >= n:
                break
        limit = len(plan) + SLACK
        fields = {"start": _drawn(start), "goal": _drawn(goal), "limit": str(limit)}
        return self.ask(rng, {"start": start, "goal": goal, "limit": limit}, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        if len(text) > MAX_ANSWER:
            return wrong(f"an answer of more than {MAX_ANSWER} characters")
        steps = [NUMBERED.sub("", part.strip(), count=1).split() for part in SEPARATOR.split(text.lower())]
        steps = [step for step in steps if step]
        limit = problem.reference["limit"]
        if len(steps) > limit:
            return wrong(f"{len(steps)} actions, more than {limit}")
        at = _below(problem.reference["start"])
        for number, step in enumerate(steps, 1):
            if fault := _take(at, step):
                return wrong(f"action {number}: {fault}")
        for block, lower in _below(problem.reference["goal"]).items():
            if at[block] != lower:
                return wrong(f"at the end {block} is not on {'the table' if lower == TABLE else lower}")
        return right(f"a plan of {len(steps)} actions")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        plan = _plan(problem.reference["start"], problem.reference["goal"])
        return "\n".join([*(f"{number}. {action}" for number, action in enumerate(plan, 1)), _boxed(plan)])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Put every block on the table, then build the goal: often too many actions."""
        plan = []
        for stack in problem.reference["start"]:
            for upper, lower in zip(stack[:0:-1], stack[-2::-1], strict=True):
                plan += [f"unstack {upper} {lower}", f"put-down {upper}"]
        for stack in problem.reference["goal"]:
            for lower, upper in pairwise(stack):
                plan += [f"pick-up {upper}", f"stack {upper} {lower}"]
        return _boxed(plan)


def _stacks(names: Sequence[str], order: Sequence[float], places: Sequence[float]) -> list[list[str]]:
    """Blocks put down in a random order, each on the table or on a stack that is there."""
    stacks: list[list[str]] = []
    for _, name, u in sorted(zip(order, names, places, strict=True)):
        k = int(u * (len(stacks) + 1))
        if k == len(stacks):
            stacks.append([name])
        else:
            stacks[k].append(name)
    return stacks


def _below(stacks: Stacks) -> dict[str, str]:
    """What each block stands on."""
    return {upper: lower for stack in stacks for lower, upper in zip([TABLE, *stack], stack, strict=False)}


def _plan(start: Stacks, goal: Stacks) -> list[str]:
    """GN1: bring a block to its final place where one can be; else put on the table one that must move anyway."""
    stacks = [list(stack) for stack in start]
    wanted = _below(goal)
    at = _below(start)
    placed = {TABLE}
    for stack in stacks:
        for block in stack:
            if wanted[block] != at[block] or at[block] not in placed:
                break
            placed.add(block)
    plan: list[str] = []
    while len(placed) <= len(at):
        tops = {stack[-1]: stack for stack in stacks}
        ready = [
            x for x in tops if x not in placed and wanted[x] in placed and (wanted[x] in tops or wanted[x] == TABLE)
        ]
        block = ready[0] if ready else next(x for x in tops if x not in placed and at[x] != TABLE)
        to = wanted[block] if ready else TABLE
        plan.append(f"pick-up {block}" if at[block] == TABLE else f"unstack {block} {at[block]}")
        plan.append(f"put-down {block}" if to == TABLE else f"stack {block} {to}")
        tops[block].pop()
        stacks = [stack for stack in stacks if stack]
        if to == TABLE:
            stacks.append([block])
        else:
            tops[to].append(block)
        at[block] = to
        if ready:
            placed.add(block)
    return plan


def _take(at: dict[str, str], step: Sequence[str]) -> str | None:
    """Take an action, which changes what each block stands on; or say why it cannot be taken."""
    action, *blocks = step
    if len(blocks) != ARGUMENTS.get(action):
        return f"{ascii(' '.join(step))[1:60]} is no action"
    for block in blocks:
        if block not in at:
            return f"there is no block {ascii(block)[1:-1][:20]}"
    upper, lower = blocks[0], blocks[1] if len(blocks) == 2 else TABLE
    if action in ("pick-up", "unstack"):
        if HAND in at.values():
            return "the hand is not empty"
        if upper in at.values():
            return f"another block is on {upper}"
        if at[upper] != lower:
            return f"{upper} is not on {'the table' if lower == TABLE else lower}"
        at[upper] = HAND
        return None
    if at[upper] != HAND:
        return f"the hand does not hold {upper}"
    if lower != TABLE and (lower in at.values() or at[lower] == HAND):
        return f"{lower} is not clear"
    at[upper] = lower
    return None


def _drawn(stacks: Stacks) -> str:
    return "; ".join(map(" ".join, stacks))


def _boxed(plan: Sequence[str]) -> str:
    return "\\boxed{" + ", ".join(plan) + "}"
