"""TextArena's games as PettingZoo environments: ``make("textarena/TicTacToe-v0")``."""

from __future__ import annotations

import contextlib
import difflib
import io
import pickle
import random
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from palaestra.envs.games.text_aec import TextAEC
from palaestra.envs.registration import UnknownEnvironment
from palaestra.envs.seeding import derive_seed
from palaestra.envs.snapshots import expect
from palaestra.envs.spaces import TextObs
from palaestra.verifiers.optional import require

NAMESPACE = "textarena"
RAW = "-raw"  # their ids without their observation and action wrappers
PLAYERS = (2, 1, *range(3, 16))  # counts tried, in this order, where none is given
MAX_OBSERVATION_CHARS = 1 << 16
MAX_ACTION_CHARS = 1 << 16
MAX_SEED = 1 << 32  # NumPy's global generator takes none above
CUT = "\n[…]\n"  # stands for the oldest messages of a long game
GLOBAL_RANDOM = threading.RLock()  # held while a game has the generators of ``random`` and NumPy for its own


class Unplayable(ValueError):
    """TextArena lists the game, but it does not start here."""


class TextArenaSnapshot(NamedTuple):
    """All that an environment remembers; ``game`` is their environment, pickled."""

    family: str
    game: bytes
    generators: Any
    stream: int | None
    resets: int
    seed: int | None
    told: tuple[str, ...]
    agents: tuple[str, ...]
    books: tuple[dict[str, Any], ...]
    selection: str


class TextArenaEnv(TextAEC):
    """A game of TextArena: ``for agent in env.agent_iter(): env.step(answer(env.observe(agent)))``.

    Observation: all that the game has told the player so far; of a very long game the first message and the latest.
    Action: any text; the game finds the move in it and decides what an invalid one costs. Rewards: what the game's
    ``close`` returns, when it ends; ``infos[agent]`` then holds what it notes of the player. A game that raises is
    truncated without rewards, and ``infos[agent]["fault"]`` says why.

    Their games seed and draw from the global generators of ``random`` and NumPy: each step has a state of its own
    there, and the caller's is put back.

    id: with or without the namespace.
    num_players: when None, the first of ``PLAYERS`` that the game starts with.
    settings: the game's own parameters.
    """

    def __init__(
        self, id: str, *, num_players: int | None = None, render_mode: str | None = None, **settings: Any
    ) -> None:
        self.id = id.removeprefix(f"{NAMESPACE}/")
        self.metadata = {"name": self.id, "render_modes": ["ansi"], "is_parallelizable": False}
        self._settings = settings
        self._generators = _generators(0)
        self._count = num_players or 0
        self._game = self._start(num_players)
        self._family = f"{self.id} {self._count} {sorted(settings.items())!r}"
        self._told: list[str] = []
        players = [f"player_{k}" for k in range(self._count)]
        super().__init__(players, MAX_OBSERVATION_CHARS, MAX_ACTION_CHARS, render_mode)

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin the game of (id, seed), or the next of the stream that the last seeded reset began.

        Raises:
            ValueError: a negative or non-integer seed.
            Unplayable: the game raises.
        """
        own = derive_seed(NAMESPACE, self.id, self._next_seed(seed)) % MAX_SEED
        self._generators = _generators(own)
        self._game = self._start(self._count, own)  # a new one: some games keep things from game to game
        names = self.possible_agents
        self.agents = list(names)
        self.rewards = dict.fromkeys(names, 0.0)
        self._cumulative_rewards = dict.fromkeys(names, 0.0)
        self.terminations = dict.fromkeys(names, False)
        self.truncations = dict.fromkeys(names, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in names}
        self._told = [""] * len(names)
        self._listen()
        self.agent_selection = names[self._game.state.current_player_id]

    def step(self, action: str | None) -> None:
        """Hand the present agent's text to the game; when it is over, each agent leaves with an action of None.

        Raises:
            TypeError: the action is no string.
            ValueError: an action after the game's end.
            gymnasium.error.ResetNeeded: no game has begun, or all agents have left.
        """
        if not self.agents:
            raise gymnasium.error.ResetNeeded("no game is on: call reset() first")
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        if not isinstance(action, str):
            raise TypeError(f"an action is a string, not {type(action).__name__}")
        self._cumulative_rewards[agent] = 0.0
        try:
            with self._own_generators():
                done, _ = self._game.step(action=action[:MAX_ACTION_CHARS])
                rewards, notes = self._game.close() if done else (None, {})
            paid = [float((rewards or {}).get(k, 0.0)) for k in range(self._count)]
        except Exception as error:  # whatever their code meets in a text
            self._truncate(f"{type(error).__name__}: {error}"[:200])
            return
        self._listen()
        if done:
            self._end(paid, notes)
        else:
            self.agent_selection = self.possible_agents[self._game.state.current_player_id]

    def observe(self, agent: str) -> TextObs:
        """What the game has told ``agent``.

        Raises:
            ValueError: no agent of this name.
            gymnasium.error.ResetNeeded: no game has begun.
        """
        if not self._told:
            raise gymnasium.error.ResetNeeded("no game is on: call reset() first")
        if agent not in self.possible_agents:
            raise ValueError(f"no agent {agent!r}: they are {', '.join(self.possible_agents)}")
        text = self._told[self.possible_agents.index(agent)]
        if len(text) > MAX_OBSERVATION_CHARS:
            half = MAX_OBSERVATION_CHARS // 2
            text = text[: half - len(CUT)] + CUT + text[-half:]
        return TextObs(text)

    def render(self) -> str | None:
        """All that has been told, player by player (``render_mode="ansi"``)."""
        if self.render_mode is None or not self._told:
            return None
        return "\n".join(f"== {agent}\n{text}" for agent, text in zip(self.possible_agents, self._told, strict=True))

    def snapshot(self) -> TextArenaSnapshot:
        """The present state, independent of what the environment does next.

        Raises:
            gymnasium.error.ResetNeeded: no game has begun.
        """
        if not self._told:
            raise gymnasium.error.ResetNeeded("no game is on: call reset() first")
        books = (self.rewards, self._cumulative_rewards, self.terminations, self.truncations, self.infos)
        return TextArenaSnapshot(
            self._family,
            pickle.dumps(self._game),
            self._generators,
            self._stream,
            self._resets,
            self._seed,
            tuple(self._told),
            tuple(self.agents),
            tuple(dict(book) for book in books),
            self.agent_selection,
        )

    def restore(self, state: TextArenaSnapshot) -> None:
        """Continue exactly from ``state``, be it of this environment or of another of the same game and settings.

        It holds a pickle: restore none that you would not run.

        Raises:
            ValueError: it is no snapshot, or was taken from another game, or with other settings.
        """
        expect(TextArenaSnapshot, state)
        if state.family != self._family:
            raise ValueError(f"a snapshot of {state.family} cannot be restored into {self._family}")
        self._game, self._generators = pickle.loads(state.game), state.generators
        self._stream, self._resets, self._seed = state.stream, state.resets, state.seed
        self._told, self.agents, self.agent_selection = list(state.told), list(state.agents), state.selection
        rewards, total, terminations, truncations, infos = (dict(book) for book in state.books)
        self.rewards, self._cumulative_rewards, self.infos = rewards, total, infos
        self.terminations, self.truncations = terminations, truncations

    def _start(self, players: int | None, seed: int = 0) -> Any:
        """Their environment at the start of a game.

        Raises:
            UnknownEnvironment: TextArena has no such game; the message names the nearest.
            Unplayable: it does not start.
        """
        library = require("textarena", "textarena")
        if self.id not in names():
            near = difflib.get_close_matches(self.id, names(), n=3, cutoff=0.4)
            raise UnknownEnvironment(f"no game {self.id!r} in TextArena (nearest: {', '.join(near)})")
        fault = ""
        for count in (players,) if players else PLAYERS:
            try:
                with self._own_generators():
                    game = library.make(self.id + RAW, **self._settings)
                    game.reset(num_players=count, seed=seed)
            except Exception as error:  # an assertion on the count, a syntax error, a missing file or package
                fault = fault or f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
                if isinstance(error, (SyntaxError, ImportError)) or type(error) is LookupError:  # NLTK has no data
                    break
                continue
            self._count = count
            return game
        raise Unplayable(f"TextArena's {self.id} does not start: {fault}")

    def _listen(self) -> None:
        """Note what the game has told each player since."""
        state = self._game.state
        for player, messages in state.observations.items():
            for sender, text, _ in messages:
                name = state.role_mapping.get(sender, f"Player {sender}")
                self._told[player] += f"[{name}] {text}\n"
            messages.clear()

    def _end(self, rewards: list[float], notes: dict[int, dict[str, Any]]) -> None:
        names = self.possible_agents
        self.rewards = dict(zip(names, rewards, strict=True))
        self._cumulative_rewards = dict(self.rewards)
        self.terminations = dict.fromkeys(names, True)
        self.infos = {agent: dict(notes.get(k, {})) for k, agent in enumerate(names)}
        self.agent_selection = names[0]

    def _truncate(self, fault: str) -> None:
        names = self.possible_agents
        self.truncations = dict.fromkeys(names, True)
        self.infos = {agent: {"fault": fault} for agent in names}
        self.agent_selection = names[0]

    @contextlib.contextmanager
    def _own_generators(self) -> Iterator[None]:
        """Give the global generators this game's state; put the caller's back."""
        quiet = io.StringIO()
        with GLOBAL_RANDOM, contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            before = random.getstate(), np.random.get_state()
            random.setstate(self._generators[0])
            np.random.set_state(self._generators[1])
            try:
                yield
            finally:
                self._generators = random.getstate(), np.random.get_state()
                random.setstate(before[0])
                np.random.set_state(before[1])


def make(id: str, **settings: Any) -> TextArenaEnv:
    """The environment of a game; ``settings`` are ``TextArenaEnv``'s and the game's own.

    Raises:
        UnknownEnvironment: TextArena has no such game; the message names the nearest.
        Unplayable: it does not start here.
        MissingLibrary: TextArena is not installed.
    """
    return TextArenaEnv(id, **settings)


def names() -> list[str]:
    """The games that the installed TextArena lists; some do not start: making those raises ``Unplayable``.

    Raises:
        MissingLibrary: TextArena is not installed.
    """
    with GLOBAL_RANDOM:
        before = random.getstate()
        require("textarena", "textarena")
        registry = require("textarena.envs.registration", "textarena").ENV_REGISTRY
        random.setstate(before)
    return sorted(id for id in registry if id + RAW in registry)


def _generators(seed: int) -> tuple[Any, Any]:
    """States of ``random`` and of NumPy's global generator, seeded."""
    return random.Random(seed).getstate(), np.random.RandomState(seed).get_state()
