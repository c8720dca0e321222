"""Sokoban: push every box onto a target."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.grids.directions import read_directions
from palaestra.verifiers import Verdict, last_boxed, right, wrong

WEAK_STATES = 150  # that the weak solver looks at
MAX_ANSWER = 2000  # characters


class Level(NamedTuple):
    """side: of the board within its outer wall. walls: further wall cells. runs: of pulls in one direction."""

    side: int
    walls: int
    boxes: int
    runs: int


LEVELS = (
    Level(4, 2, 1, 3),
    Level(5, 3, 1, 4),
    Level(5, 4, 1, 6),
    Level(5, 3, 2, 5),
    Level(5, 4, 2, 7),
    Level(6, 6, 2, 9),
    Level(6, 6, 3, 10),
    Level(6, 7, 3, 13),
    Level(7, 9, 3, 15),
    Level(7, 9, 4, 18),
)


@register("palaestra/Sokoban-v0")
@dataclass(frozen=True)
class Sokoban(Task):
    """Difficulty raises the board (4 to 7 cells a side), its inner walls, the boxes (1 to 4) and how often they turn.

    A board is made by playing backward from the solved position, pulling boxes, so that it can be solved. An answer
    is the player's moves as letters; it is right when no move runs into a wall or pushes a box that cannot move, every
    box ends on a target, and there are at most twice the moves of the way back, or 20.
    """

    tags: ClassVar[tuple[str, ...]] = ("planning", "puzzles")
    ceiling = 0.09
    wordings: ClassVar[tuple[str, ...]] = (
        "Sokoban. The player @ walks up, down, left and right and pushes a box $ by walking into it when the cell "
        "behind the box is free; boxes cannot be pulled. Push every box onto a target (. is a target, * a box on a "
        "target, + the player on a target, # a wall, - floor).\n{board}\nAnswer in \\boxed{{}} with at most {limit} "
        "moves as letters U, D, L, R without spaces.",
        "{board}\nLegend: # wall, - floor, @ player, $ box, . target, * box on a target, + player on a target. Find "
        "moves (U, D, L, R, one cell each; {limit} at most) after which all boxes are on targets. Walking into a box "
        "pushes it one cell if nothing is behind it. Put the moves in \\boxed{{}}, for example \\boxed{{UULDR}}.",
        "Solve this warehouse puzzle and write the moves, such as RRUL, in \\boxed{{}}; use {limit} moves or fewer.\n"
        "Cells: '#' wall, '-' empty, '.' target, '$' box, '*' box standing on a target, '@' you, '+' you standing on a "
        "target.\nRules: you push one box at a time and never pull; U is towards the first line.\n{board}",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        while True:
            made = _pulled(level, rng.random(level.walls + level.boxes + 1 + 2 * level.runs).tolist())
            if made is not None:
                break
        walls, targets, boxes, path = made
        width = level.side + 2
        moves = "".join("R" if b == a + 1 else "L" if b == a - 1 else "D" if b > a else "U" for a, b in pairwise(path))
        limit = max(20, 2 * len(moves))
        reference = {
            "width": width,
            "walls": sorted(walls),
            "targets": sorted(targets),
            "boxes": sorted(boxes),
            "player": path[0],
            "limit": limit,
        }
        fields = {"board": _drawn(width, walls, targets, boxes, path[0]), "limit": str(limit)}
        return self.ask(rng, reference, difficulty, fields, {"moves": moves})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        moves = read_directions(text, MAX_ANSWER)
        if moves is None:
            return wrong("the answer is not a row of letters U, D, L, R")
        reference = problem.reference
        if len(moves) > reference["limit"]:
            return wrong(f"{len(moves)} moves, more than {reference['limit']}")
        walls, boxes, player = set(reference["walls"]), set(reference["boxes"]), reference["player"]
        steps = _steps(reference["width"])
        for number, move in enumerate(moves, 1):
            player += steps[move]
            if player in walls:
                return wrong(f"move {number} ({move}) runs into a wall")
            if player in boxes:
                behind = player + steps[move]
                if behind in walls or behind in boxes:
                    return wrong(f"move {number} ({move}) pushes a box into a {'wall' if behind in walls else 'box'}")
                boxes.remove(player)
                boxes.add(behind)
        missed = len(boxes.difference(reference["targets"]))
        if missed:
            return wrong(f"{missed} {'box is' if missed == 1 else 'boxes are'} not on a target at the end")
        return right(f"all boxes are on targets after {len(moves)} moves")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The moves up to each end of a row of pushes, with where the box then is."""
        reference, moves = problem.reference, problem.meta["moves"]
        width, boxes, player = reference["width"], set(reference["boxes"]), reference["player"]
        lines, since = [], 0
        for k, move in enumerate(moves):
            step = _steps(width)[move]
            player += step
            if player in boxes:
                boxes.remove(player)
                boxes.add(player + step)
                if moves[k : k + 2] != 2 * move or player + step not in boxes:
                    row, column = divmod(player + step, width)
                    lines.append(f"{moves[since : k + 1]}: a box is now in row {row + 1}, column {column + 1}")
                    since = k + 1
        return "\n".join([*lines, f"\\boxed{{{moves}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Breadth-first search that gives up early."""
        reference = problem.reference
        walls, targets, steps = set(reference["walls"]), set(reference["targets"]), _steps(reference["width"])
        start = (reference["player"], frozenset(reference["boxes"]))
        queue, seen = deque([(start, "")]), {start}
        for _ in range(WEAK_STATES):
            if not queue or queue[0][0][1] <= targets:
                break
            (player, boxes), moves = queue.popleft()
            for move, step in steps.items():
                at, behind = player + step, player + 2 * step
                if at in walls or (at in boxes and (behind in walls or behind in boxes)):
                    continue
                state = (at, boxes - {at} | {behind} if at in boxes else boxes)
                if state not in seen:
                    seen.add(state)
                    queue.append((state, moves + move))
        return f"\\boxed{{{queue[0][1] if queue and queue[0][0][1] <= targets else 'U'}}}"


def _steps(width: int) -> dict[str, int]:
    return {"U": -width, "D": width, "L": -1, "R": 1}


def _pulled(level: Level, uniforms: Sequence[float]) -> tuple[set[int], set[int], set[int], list[int]] | None:
    """Walls, targets, boxes and the cells of the player's way that solves them; None when some box does not move.

    Cells are numbers row * width + column. Backward play: the player walks to a side of a box and pulls it.
    """
    width = level.side + 2
    inner = [r * width + c for r in range(1, width - 1) for c in range(1, width - 1)]
    walls = set(range(width * width)).difference(inner)
    draw = iter(uniforms)
    walls.update(inner.pop(int(next(draw) * len(inner))) for _ in range(level.walls))
    targets = {inner.pop(int(next(draw) * len(inner))) for _ in range(level.boxes)}
    blocked = walls | targets
    boxes = sorted(targets)
    path = [inner[int(next(draw) * len(inner))]]
    for run in range(level.runs):
        came = _reached(path[-1], blocked, width)
        k = run % level.boxes
        box = boxes[k]
        pulls = [s for s in (-width, width, -1, 1) if box + s in came and box + 2 * s not in blocked]
        first, far = next(draw), next(draw)
        if not pulls:
            continue
        step = pulls[int(first * len(pulls))]
        way = [box + step]
        while way[-1] != path[-1]:
            way.append(came[way[-1]])
        path += way[-2::-1]
        blocked.remove(box)
        for _ in range(1 + int(far * (level.side - 2))):
            if path[-1] + step in blocked:
                break
            box = path[-1]
            path.append(box + step)
        boxes[k] = box
        blocked.add(box)
    if targets.intersection(boxes):
        return None
    return walls, targets, set(boxes), path[::-1]


def _reached(start: int, blocked: set[int], width: int) -> dict[int, int]:
    """The cells that can be walked to, each with the cell before it on a shortest way."""
    came = {start: start}
    queue = [start]
    for cell in queue:
        for near in (cell - width, cell + width, cell - 1, cell + 1):
            if near not in blocked and near not in came:
                came[near] = cell
                queue.append(near)
    return came


def _drawn(width: int, walls: set[int], targets: set[int], boxes: set[int], player: int) -> str:
    cells = ["-"] * (width * width)
    for k in walls:
        cells[k] = "#"
    for k in targets:
        cells[k] = "."
    for k in boxes:
        cells[k] = "*" if k in targets else "$"
    cells[player] = "+" if player in targets else "@"
    text = "".join(cells)
    return "\n".join(text[k : k + width] for k in range(0, len(text), width))
