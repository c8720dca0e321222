"""The tasks that come with the package, one a file."""

from .chain_arith import ChainArith
from .countdown import Countdown
from .knights_and_knaves import KnightsAndKnaves
from .linear_equations import LinearEquations

__all__ = ["ChainArith", "Countdown", "KnightsAndKnaves", "LinearEquations"]
