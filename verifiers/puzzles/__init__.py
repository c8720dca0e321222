"""Puzzles, checked by their rules and never against one stored solution.

Each verifier is a frozen dataclass that holds the instance; a broken one raises ValueError when it is made. The answer
is looked for as ``answer`` says; the reason of a wrong verdict is the first rule that it breaks, with its place.
"""

from typing import TYPE_CHECKING

from ..lazily import lazily

if TYPE_CHECKING:
    from .answer import AnswerError as AnswerError
    from .bin_packing import BinPacking as BinPacking
    from .cryptarithm import Cryptarithm as Cryptarithm
    from .hanoi import Hanoi as Hanoi
    from .kakuro import Kakuro as Kakuro
    from .kenken import Cage as Cage
    from .kenken import KenKen as KenKen
    from .latin import Futoshiki as Futoshiki
    from .latin import LatinSquare as LatinSquare
    from .logic_grid import Clue as Clue
    from .logic_grid import LogicGrid as LogicGrid
    from .magic_square import MagicSquare as MagicSquare
    from .nonogram import Nonogram as Nonogram
    from .queens import NQueens as NQueens
    from .river import Missionaries as Missionaries
    from .river import RiverCrossing as RiverCrossing
    from .sat import SatAssignment as SatAssignment
    from .scheduling import Job as Job
    from .scheduling import Schedule as Schedule
    from .selection import Knapsack as Knapsack
    from .selection import SetCover as SetCover
    from .selection import SubsetSum as SubsetSum
    from .sudoku import Sudoku as Sudoku
    from .target_number import TargetNumber as TargetNumber
    from .water_jugs import WaterJugs as WaterJugs

MODULES = {
    "AnswerError": "answer",
    "BinPacking": "bin_packing",
    "Cage": "kenken",
    "Clue": "logic_grid",
    "Cryptarithm": "cryptarithm",
    "Futoshiki": "latin",
    "Hanoi": "hanoi",
    "Job": "scheduling",
    "Kakuro": "kakuro",
    "KenKen": "kenken",
    "Knapsack": "selection",
    "LatinSquare": "latin",
    "LogicGrid": "logic_grid",
    "MagicSquare": "magic_square",
    "Missionaries": "river",
    "NQueens": "queens",
    "Nonogram": "nonogram",
    "RiverCrossing": "river",
    "SatAssignment": "sat",
    "Schedule": "scheduling",
    "SetCover": "selection",
    "SubsetSum": "selection",
    "Sudoku": "sudoku",
    "TargetNumber": "target_number",
    "WaterJugs": "water_jugs",
}
__all__ = list(MODULES)
if not TYPE_CHECKING:  # so that a wrong name is found
    __getattr__ = lazily(__name__, MODULES)
