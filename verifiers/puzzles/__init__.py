"""Puzzles, checked by their rules and never against one stored solution.

Each verifier is a frozen dataclass that holds the instance; a broken one raises ValueError when it is made. The answer
is looked for as ``answer`` says; the reason of a wrong verdict is the first rule that it breaks, with its place.
"""

from .answer import AnswerError
from .bin_packing import BinPacking
from .coloring import GraphColoring
from .cryptarithm import Cryptarithm
from .hanoi import Hanoi
from .kakuro import Kakuro
from .kenken import Cage, KenKen
from .latin import Futoshiki, LatinSquare
from .logic_grid import Clue, LogicGrid
from .magic_square import MagicSquare
from .nonogram import Nonogram
from .queens import NQueens
from .river import Missionaries, RiverCrossing
from .sat import SatAssignment
from .scheduling import Job, Schedule
from .selection import Knapsack, SetCover, SubsetSum
from .sudoku import Sudoku
from .target_number import TargetNumber
from .water_jugs import WaterJugs

__all__ = [
    "AnswerError",
    "BinPacking",
    "Cage",
    "Clue",
    "Cryptarithm",
    "Futoshiki",
    "GraphColoring",
    "Hanoi",
    "Job",
    "Kakuro",
    "KenKen",
    "Knapsack",
    "LatinSquare",
    "LogicGrid",
    "MagicSquare",
    "Missionaries",
    "NQueens",
    "Nonogram",
    "RiverCrossing",
    "SatAssignment",
    "Schedule",
    "SetCover",
    "SubsetSum",
    "Sudoku",
    "TargetNumber",
    "WaterJugs",
]
