"""A grid world told in text: fetch the key, then reach the door, through walls that are seen from beside only."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.dialogue import LONGEST, Dialogue, State, Turn, last_action
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import right
from palaestra.verifiers.quoting import quoted

MOVES = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}
MAX_LAYOUTS = 200  # drawn, after which the walls are left out
SLACK = 1.6  # turns for each step of the shortest way

Cell = tuple[int, int]


@register("palaestra/GridWorld-v0")
@dataclass(frozen=True)
class GridWorld(Dialogue):
    """Difficulty raises the size of the grid (5 to 9 cells a side) and the share of walls (0 to 36 %).

    An action is a step, ``move[north]``; a cell is told by its column from the west and its row from the south. The
    places of key and door are known, walls only when one stands beside them; a step into a wall costs the turn. The
    dialogue is won at the door with the key, for which there are 1.6 times as many turns as the shortest way needs.
    """

    tags: ClassVar[tuple[str, ...]] = ("dialogue", "planning", "exploration")
    ceiling = 0.05
    wordings: ClassVar[tuple[str, ...]] = (
        "You stand in a grid of {size} by {size} cells. (1, 1) is the south-west corner, (2, 1) lies east of it and "
        "(1, 2) north of it. Some cells are walls. You are at {start}, a key lies at {key}, and the door is at {door}. "
        "Fetch the key, then go to the door. Each turn is one step: move[north], move[east], move[south] or "
        "move[west]. You have {turns} turns.\n{beside}",
        "Map: columns 1 to {size} from west to east, rows 1 to {size} from south to north; a place is (column, row)\n"
        "You: {start}\nKey: {key}\nDoor, locked: {door}\nActions: move[north], move[east], move[south], move[west]\n"
        "Turns: {turns}\nWalls are found by standing beside them. {beside}",
        "In a dark house of {size} times {size} rooms you must pick up a key at {key} and carry it to the exit at "
        "{door}. Rooms are numbered (x, y), where x grows to the east and y to the north, both from 1. You start at "
        "{start} and walk one room a turn by writing, for example, move[east]; some rooms are bricked up. There are "
        "{turns} turns.\n{beside}",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        size = 5 + difficulty * 4 // 10
        share = 0.04 * (difficulty - 1)
        cells = [(x, y) for y in range(1, size + 1) for x in range(1, size + 1)]
        for attempt in count():
            uniforms = rng.random(len(cells) + 3).tolist()
            start, key, door = (cells[int(u * len(cells))] for u in uniforms[-3:])
            if len({start, key, door}) < 3:
                continue
            walls = {
                cell
                for cell, u in zip(cells, uniforms, strict=False)
                if u < share and attempt < MAX_LAYOUTS and cell not in (start, key, door)
            }
            steps = path_length(size, walls, start, key) + path_length(size, walls, key, door)
            turns = int(SLACK * steps) + 1
            if size <= steps and turns <= LONGEST:
                break
        reference = {
            "size": size,
            "walls": [list(cell) for cell in sorted(walls)],
            "start": list(start),
            "key": list(key),
            "door": list(door),
            "turns": turns,
        }
        fields = {
            "size": str(size),
            "start": str(start),
            "key": str(key),
            "door": str(door),
            "turns": str(turns),
            "beside": _beside(reference, start),
        }
        return self.ask(rng, reference, difficulty, fields)

    def begin(self, problem: Problem) -> State:
        return (*problem.reference["start"], 0)

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: column, row, and 1 with the key."""
        reference = problem.reference
        x, y, key = state
        found = last_action(action, "move")
        if found is None or found[1].lower() not in MOVES:
            what = quoted(found[1], 20) if found else "That"
            return Turn(f"{what} is no direction: write move[north]. You are at {(x, y)}.", state)
        direction = found[1].lower()
        dx, dy = MOVES[direction]
        to = (x + dx, y + dy)
        if _blocked(reference, to):
            return Turn(f"There is a wall to the {direction}. You are still at {(x, y)}.", state)
        told = f"You are at {to}."
        if list(to) == reference["key"] and not key:
            key, told = 1, f"You are at {to} and pick up the key."
        if list(to) == reference["door"]:
            if key:
                return Turn(f"You are at {to} and open the door.", (*to, key), right("the door is open"))
            told = f"You are at {to}. The door is locked."
        return Turn(f"{told} {_beside(reference, to)}", (*to, key))

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Takes the shortest way."""
        reference = problem.reference
        here, to = (state[0], state[1]), tuple(reference["door"] if state[2] else reference["key"])
        walls = {tuple(cell) for cell in reference["walls"]}
        lengths = {
            name: path_length(reference["size"], walls, (here[0] + dx, here[1] + dy), to)
            for name, (dx, dy) in MOVES.items()
            if not _blocked(reference, (here[0] + dx, here[1] + dy))
        }
        return f"move[{min(lengths, key=lengths.__getitem__)}]"

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Goes straight for the key and the door, wherever there are walls; in one turn of five somewhere else."""
        x, y, key = state
        to_x, to_y = problem.reference["door" if key else "key"]
        if rng.random() < 0.2:
            return f"move[{tuple(MOVES)[int(rng.integers(4))]}]"
        if x != to_x and (y == to_y or rng.random() < 0.5):
            return "move[east]" if x < to_x else "move[west]"
        return "move[north]" if y < to_y else "move[south]"


def path_length(size: int, walls: Collection[Cell], start: Cell, goal: Cell) -> int:
    """Steps of the shortest way (breadth first); more than the grid has cells when there is none."""
    seen = {start}
    queue = deque([(start, 0)])
    while queue:
        (x, y), steps = queue.popleft()
        if (x, y) == goal:
            return steps
        for dx, dy in MOVES.values():
            cell = (x + dx, y + dy)
            if 1 <= cell[0] <= size and 1 <= cell[1] <= size and cell not in walls and cell not in seen:
                seen.add(cell)
                queue.append((cell, steps + 1))
    return size * size + 1


def _blocked(reference: dict[str, Any], cell: Cell) -> bool:
    size = reference["size"]
    return not (1 <= cell[0] <= size and 1 <= cell[1] <= size) or list(cell) in reference["walls"]


def _beside(reference: dict[str, Any], cell: Cell) -> str:
    walls = [name for name, (dx, dy) in MOVES.items() if _blocked(reference, (cell[0] + dx, cell[1] + dy))]
    if not walls:
        return "No walls beside you."
    return f"There is a wall to the {', '.join(walls)}." if len(walls) == 1 else f"Walls to the {', '.join(walls)}."
