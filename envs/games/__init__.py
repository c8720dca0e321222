"""Games as PettingZoo environments: rules, the table they are played at, and players. Importing registers them."""

from .against import AgainstOpponent, register_against
from .connect_four import ConnectFour
from .debate import Debate
from .environment import GameEnv, GameSnapshot
from .game import Game, Illegal
from .iterated_prisoners_dilemma import IteratedPrisonersDilemma
from .kuhn_poker import KuhnPoker
from .leduc_poker import LeducPoker
from .liars_dice import LiarsDice
from .negotiation import Negotiation
from .nim import Nim
from .othello import Othello
from .players import Player, play_game, scripted
from .proposer_solver import ProposerSolver
from .registration import game_class, game_ids, make_game, register_game
from .rock_paper_scissors import RockPaperScissors
from .taboo import Taboo
from .text_game import TextGame
from .tic_tac_toe import TicTacToe

__all__ = [
    "AgainstOpponent",
    "ConnectFour",
    "Debate",
    "Game",
    "GameEnv",
    "GameSnapshot",
    "Illegal",
    "IteratedPrisonersDilemma",
    "KuhnPoker",
    "LeducPoker",
    "LiarsDice",
    "Negotiation",
    "Nim",
    "Othello",
    "Player",
    "ProposerSolver",
    "RockPaperScissors",
    "Taboo",
    "TextGame",
    "TicTacToe",
    "game_class",
    "game_ids",
    "make_game",
    "play_game",
    "register_against",
    "register_game",
    "scripted",
]
