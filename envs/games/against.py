"""A game as a one-player Gymnasium environment: the other seats are taken by an opponent."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, NamedTuple

import gymnasium
import numpy as np

from palaestra.envs.opponents import register_opponents
from palaestra.envs.seeding import TextSeeded, continued, derive_seed, reseed
from palaestra.envs.snapshots import expect
from palaestra.envs.spaces import TextObs, UnicodeText
from palaestra.envs.task import SPLITS, known_level

from .environment import MAX_OBSERVATION_CHARS, GameEnv, GameSnapshot
from .game import MAX_ANSWER_CHARS
from .players import Player, scripted, strongest, uniform
from .registration import game_class, game_ids, make_game

LEVELS = range(1, 11)
DEALS = 100  # of a seed, for one in which the other seats leave a turn


class AgainstSnapshot(NamedTuple):
    """moves: of the opponent in this game. rng: of the bit generator that draws the seeds of games to come."""

    table: GameSnapshot
    opponent: str
    split: str
    seat: int
    difficulty: int
    moves: int
    seed: int | None
    rng: dict[str, Any]
    rng_seed: int | None


class AgainstOpponent(gymnasium.Env[str, str]):
    """Play one seat of ``table``; ``opponent`` plays all others and sees only what their seats may know.

    opponent: a scripted player's name, or any ``Player``, such as a frozen model. seat: from 0; None draws it anew for
    each game, by the seed. difficulty: at level d the opponent makes (10 - d) tenths of its moves at random.
    Observation and action are the table's. Reward: 0 until the game ends, then the verdict's score: the return scaled
    from the game's range to [0, 1], so 1 for a win and 0.5 for a draw. ``info`` is the table's for this seat, with
    ``seat``, ``difficulty`` and ``seed``.

    ``reset(seed=s)`` deals the game of (table, split, s) at the difficulty of ``options["difficulty"]``, else the one
    given here; the splits share no deal's chances, though a game without chance has but one deal.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi"], "render_fps": 1}  # type: ignore[misc]  # gymnasium's is no ClassVar

    difficulties: ClassVar[range] = LEVELS

    def __init__(
        self,
        table: GameEnv,
        opponent: str | Player = "random",
        *,
        seat: int | None = 0,
        difficulty: int = LEVELS[-1],
        split: str = "train",
    ) -> None:
        players = scripted(table.game)
        if isinstance(opponent, str) and opponent not in players:
            raise ValueError(f"{table.game.id} has no player {opponent!r}: there are {', '.join(players)}")
        if seat is not None and (type(seat) is not int or seat not in range(len(table.possible_agents))):
            raise ValueError(f"seat is None or from 0 to {len(table.possible_agents) - 1}, not {seat!r}")
        if split not in SPLITS:
            raise ValueError(f"split is one of {', '.join(SPLITS)}, not {split!r}")
        asked = getattr(table.game, "split", split)
        if asked != split:
            raise ValueError(f"the game's problems are of the {asked} split, not of the {split} split")
        self.table = table
        self.seat = seat
        self.difficulty = _level(difficulty)
        self.split = split
        self.render_mode = table.render_mode
        self.observation_space = UnicodeText(MAX_OBSERVATION_CHARS)
        self.action_space = UnicodeText(MAX_ANSWER_CHARS)
        self._player = players[opponent] if isinstance(opponent, str) else opponent
        self._opponent = opponent if isinstance(opponent, str) else type(opponent).__qualname__
        self._rng = TextSeeded(0)
        self._seat = 0
        self._difficulty = self.difficulty
        self._seed: int | None = None
        self._moves = 0
        self._me = ""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[TextObs, dict[str, Any]]:
        """Deal the game of ``seed``, or the next of the stream, and let the opponent move first where that is due.

        Where the game is over by that, as when the opponent folds, the seed's next deal is taken.

        Raises:
            ValueError: a negative or non-integer seed, an unknown option, or a difficulty that is none.
            RuntimeError: in ``DEALS`` deals it never was this seat's turn.
        """
        unknown = (options or {}).keys() - {"difficulty"}
        if unknown:
            raise ValueError(f"a game knows the option 'difficulty', not {', '.join(sorted(map(repr, unknown)))}")
        if seed is not None and (type(seed) is not int or seed < 0):  # a truth value would be another seed
            raise ValueError(f"a seed is an integer of 0 or more, not {seed!r}")
        level = _level((options or {}).get("difficulty", self.difficulty))
        super().reset(seed=seed)
        if seed is None:
            seed = int(self.np_random.integers(1 << 63))
        self._difficulty, self._seed = level, seed
        for deal in range(DEALS):
            self.table.reset(seed=derive_seed(self.split, seed, *([deal] if deal else [])))
            drawn = derive_seed("seat", self.table.seed or 0) % len(self.table.possible_agents)
            self._take(drawn if self.seat is None else self.seat)
            self._moves = 0
            self._reply()
            if not self.table.terminations[self._me]:
                return self.table.observe(self._me), self._info()
        raise RuntimeError(f"{DEALS} games of {self.table.game.id} were over before the first turn of {self._me}")

    def step(self, action: str) -> tuple[TextObs, float, bool, bool, dict[str, Any]]:
        """Answer; the opponent replies until it is this seat's turn again or the game is over.

        Raises:
            TypeError: the action is no string.
            gymnasium.error.ResetNeeded: no game has been dealt, or it is over.
        """
        table = self.table
        if not self._me or table.terminations[self._me]:
            raise gymnasium.error.ResetNeeded("call reset() before step(): no game is going on")
        table.step(action)
        self._reply()
        over = table.terminations[self._me]
        info = self._info()
        return table.observe(self._me), info["verdict"].score if over else 0.0, over, False, info

    def oracle(self, rng: np.random.Generator) -> str:
        """What the best scripted player of the game would do now.

        Raises:
            gymnasium.error.ResetNeeded: no game is going on.
        """
        table = self.table
        if not self._me or table.terminations[self._me]:
            raise gymnasium.error.ResetNeeded("call reset() first: no game is going on")
        return strongest(table.game)(table.game, table.view(), rng)

    def render(self) -> str | None:
        """The whole position, hidden parts included, as text (``render_mode="ansi"``)."""
        return self.table.render()

    def snapshot(self) -> AgainstSnapshot:
        """The present state: small, picklable, independent of what the environment does next."""
        seat = self._seat if self._me else -1
        rng = dict(self.np_random.bit_generator.state)
        game = (self.table.snapshot(), self._opponent, self.split, seat, self._difficulty, self._moves, self._seed)
        return AgainstSnapshot(*game, rng, self._np_random_seed)

    def restore(self, state: AgainstSnapshot) -> None:
        """Continue exactly from ``state``, as far as the opponent's answers depend on what it is given.

        Raises:
            ValueError: it is no snapshot, or was taken from another game or split, or against another opponent.
        """
        expect(AgainstSnapshot, state)
        if state.split != self.split:
            raise ValueError(f"a game of the {state.split} split cannot be restored into the {self.split} split")
        if state.opponent != self._opponent:
            raise ValueError(f"a game against {state.opponent} cannot be restored against {self._opponent}")
        self.table.restore(state.table)
        self._take(state.seat)
        self._difficulty, self._moves, self._seed = state.difficulty, state.moves, state.seed
        self._np_random, self._np_random_seed = continued(self.np_random, state.rng), state.rng_seed

    def _take(self, seat: int) -> None:
        self._seat = seat
        self._me = self.table.possible_agents[seat] if seat >= 0 else ""

    def _reply(self) -> None:
        """Let the opponent answer for the other seats; each answer has a generator of its own: none is remembered."""
        table, game = self.table, self.table.game
        while table.agent_selection != self._me and not table.terminations[self._me]:
            view = table.view()
            reseed(self._rng, f"opponent|{table.seed}|{self._moves}")
            self._moves += 1
            weakens = self._rng.random() * LEVELS[-1] >= self._difficulty
            table.step((uniform if weakens else self._player)(game, view, self._rng))

    def _info(self) -> dict[str, Any]:
        return {**self.table.infos[self._me], "seat": self._seat, "difficulty": self._difficulty, "seed": self._seed}


def make_against(
    game: str,
    opponent: str | Player,
    seat: int | None = 0,
    difficulty: int = LEVELS[-1],
    split: str = "train",
    **knobs: Any,
) -> AgainstOpponent:
    """Gymnasium's entry point: ``game`` is its id; ``knobs`` as for ``make_game``.

    A game that has a knob ``split``, as it asks a task's problems, is made with the same one.
    """
    if "split" in inspect.signature(game_class(game)).parameters:
        knobs["split"] = split
    return AgainstOpponent(make_game(game, **knobs), opponent, seat=seat, difficulty=difficulty, split=split)


def _level(difficulty: Any) -> int:
    return known_level(difficulty, LEVELS, "a game against an opponent")


def register_against() -> None:
    """Give every registered game a Gymnasium id against each of its scripted players."""
    for id in game_ids():
        cls = game_class(id)
        register_opponents(id, scripted(cls()), cls.__module__)


register_against()
