"""A game as a PettingZoo environment: the players speak text, in turn."""

from __future__ import annotations

import dataclasses
import math
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

import gymnasium

from palaestra.envs.seeding import TextSeeded, reseed
from palaestra.envs.snapshots import expect
from palaestra.envs.spaces import TextObs
from palaestra.verifiers import Status, Verdict, last_boxed

from .game import MAX_ANSWER_CHARS, AnyGame, BrokenRules, Illegal, no_choice
from .text_aec import TextAEC

MAX_OBSERVATION_CHARS = 1 << 14
MAX_LISTED = 30  # more legal actions than these are not listed in the observation
MAX_MENUS = 1 << 12  # kept per game


class Menu(NamedTuple):
    """The actions of one turn as texts; kept, since the same choice comes again and again."""

    actions: dict[str, Any]  # by text
    texts: tuple[str, ...]
    listed: str  # for the observation


class GameSnapshot(NamedTuple):
    """All that an environment remembers. ``family`` names game and knobs; ``stream`` and ``resets`` the next games."""

    family: str
    state: Any
    seed: int | None
    stream: int | None
    resets: int
    agents: tuple[str, ...]  # still at the table
    over: bool
    tries: int  # answers refused in this turn
    refusal: str  # why the last answer was refused; empty when it was not
    forfeits: tuple[tuple[int, str], ...]  # who forfeits, and why
    illegal: tuple[int, ...]  # answers refused in this game, by player


class GameEnv(TextAEC):
    r"""Play ``game``: ``for agent in env.agent_iter(): env.step(answer(env.observe(agent)))``.

    Observation: the rules, what the player may know of the position, whose turn it is, and the legal actions.
    Action: a text whose last ``\boxed{}`` holds one legal action, or which is one. Rewards: the game's returns, when
    it ends. A text that is no legal action leaves the turn where it is: ``infos[agent]["illegal"]`` and the
    observation say why. After ``illegal_retries`` of them in one turn the next one forfeits the game: the loser
    gets the game's lowest return. Where players choose at the same time, the round is finished first.

    ``infos[agent]`` holds ``legal_actions`` (texts; none when it is another's turn), or, where an action is free text,
    none of them and in ``described`` what an action is; after a refused answer also
    ``illegal`` and ``tries_left``, and at the end ``verdict`` and ``illegal_actions`` (how many). The verdict's score
    is the return scaled from the game's range to [0, 1]; it is RIGHT above the middle of the range, which in a
    zero-sum game means a win.

    For agents that know the game already ``list_legal=False`` leaves the legal actions out of the observation,
    ``tell_rules=False`` the rules, and ``tell_turn=False`` whose turn it is and what an action is: a good deal less to
    read.

    ``reset(seed=s)`` deals the game of (id, s), and ``reset()`` the next, as ``TextAEC`` has it.
    """

    def __init__(
        self,
        game: AnyGame,
        *,
        illegal_retries: int = 2,
        list_legal: bool = True,
        tell_rules: bool = True,
        tell_turn: bool = True,
        render_mode: str | None = None,
    ) -> None:
        super().__init__(game.players, MAX_OBSERVATION_CHARS, MAX_ANSWER_CHARS, render_mode)
        if not isinstance(illegal_retries, int) or illegal_retries < 0:
            raise ValueError(f"illegal_retries is an integer of 0 or more, not {illegal_retries!r}")
        self.game = game
        self.illegal_retries = illegal_retries
        self.list_legal, self.tell_turn = list_legal, tell_turn
        name = (game.id or type(game).__name__).rpartition("/")[2]
        parallel = game.simultaneous and illegal_retries == 0
        self.metadata = {"name": name, "render_modes": ["ansi"], "is_parallelizable": parallel}
        knobs = repr(game) if dataclasses.is_dataclass(game) else type(game).__qualname__
        self._family = f"{game.id} {knobs} {illegal_retries}"
        self._names = game.players
        self._seats = {agent: k for k, agent in enumerate(game.players)}
        self._agents = dict(enumerate(game.players))  # by seat; unlike a tuple, it has no seat of -1
        self._rules = f"{game.rules} {game.form}".rstrip() + "\n\n" if tell_rules else ""
        self._nothing = dict.fromkeys(game.players, 0.0)
        self._no = dict.fromkeys(game.players, False)
        self._range = game.lowest, game.highest
        self._menus = _menus(game)
        self._rng = TextSeeded(0)
        self._state: Any = None
        self._over = False
        self._tries, self._refusal = 0, ""
        self._forfeits: tuple[tuple[int, str], ...] = ()
        self._illegal = [0] * len(game.players)

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Deal a game: that of ``seed``, or the next of the stream. No option is known; they are passed over.

        Raises:
            ValueError: a negative or non-integer seed.
            BrokenRules: the game is over before the first turn, or names no seat, or no actions, for it.
        """
        reseed(self._rng, f"{self.game.id}|{self._next_seed(seed)}")
        dealt = self.game.initial(self._rng)
        if self.game.terminal(dealt):
            raise BrokenRules(f"{self.game.id}: initial gives a state with a turn to take, and terminal is true of it")
        self._state, self._over = dealt, False
        self._tries, self._refusal, self._forfeits = 0, "", ()
        self._illegal = [0] * len(self._names)
        self._seat_all()

    def step(self, action: str | None) -> None:
        """Take the present agent's answer; when the game is over, each agent leaves with an action of None.

        Raises:
            TypeError: the action is no string.
            ValueError: an action after the game's end.
            gymnasium.error.ResetNeeded: no game has been dealt, or all agents have left.
            BrokenRules: the game names no seat, or no actions, for the next turn.
        """
        if not self.agents:
            self._unready()
        if self._over:
            self._leave(action)
            return
        if not isinstance(action, str):
            raise TypeError(f"an action is a string, not {type(action).__name__}")
        actions = self._menu.actions
        move = actions.get(action)
        if move is None and len(action) <= MAX_ANSWER_CHARS:
            move = actions.get(last_boxed(action) or "")  # most boxes hold an action as the menu has it
        if move is None:
            move = self.game.parse(self._state, action)
            if isinstance(move, Illegal):
                self._refuse(str(move))
                return
        self._play(move)

    def observe(self, agent: str) -> TextObs:
        """What ``agent`` may know, with the rules, as one text.

        Raises:
            ValueError: no agent of this name.
            gymnasium.error.ResetNeeded: no game has been dealt.
        """
        if self._state is None:
            self._unready()
        if agent not in self._seats:
            raise ValueError(f"no agent {agent!r}: they are {', '.join(self._names)}")
        text = self._rules + self.game.observe(self._state, self._seats[agent])
        if self._over:
            return TextObs(f"{text} {self._result()}")
        if agent != self.agent_selection:
            turn = f" It is the turn of {self.game.role(self._seats[self.agent_selection])}."
            return TextObs(text + turn if self.tell_turn else text)
        if self.tell_turn:
            text += " It is your turn."
            if self.list_legal or not self._menu.texts:
                text += self._menu.listed
        if self._refusal:
            left = self._tries_left()
            text += f"\nYour last answer was refused: {self._refusal}. Tries left before you forfeit: {left}."
        return TextObs(text)

    def view(self) -> Any:
        """The state as the player whose turn it is may know it: what a scripted ``Player`` is shown."""
        return self.game.seen(self._state, self.game.player(self._state))

    def render(self) -> str | None:
        """The whole position, hidden parts included, as text (``render_mode="ansi"``)."""
        if self.render_mode is None or self._state is None:
            return None
        text = self.game.show(self._state)
        return f"{text}\n{self._result()}" if self._over else text

    def snapshot(self) -> GameSnapshot:
        """The present state: small, picklable, independent of what the environment does next."""
        return GameSnapshot(
            self._family,
            self._state,
            self._seed,
            self._stream,
            self._resets,
            tuple(self.agents),
            self._over,
            self._tries,
            self._refusal,
            self._forfeits,
            tuple(self._illegal),
        )

    def restore(self, state: GameSnapshot) -> None:
        """Continue exactly from ``state``, be it of this environment or of another of the same game and knobs.

        Raises:
            ValueError: it is no snapshot, or was taken from another game, or with other knobs.
        """
        expect(GameSnapshot, state)
        if state.family != self._family:
            raise ValueError(f"a snapshot of {state.family} cannot be restored into {self._family}")
        self._state, self._seed, self._stream, self._resets = state.state, state.seed, state.stream, state.resets
        self._over, self._tries, self._refusal = state.over, state.tries, state.refusal
        self._forfeits, self._illegal = state.forfeits, list(state.illegal)
        if self._state is None:
            self.agents = []
            return
        self._seat_all()
        while len(self.agents) > len(state.agents):
            self._leave(None)

    def _seat_all(self) -> None:
        """Make PettingZoo's attributes, every agent at the table, from what a snapshot holds."""
        names = self._names
        self.agents = list(names)
        self.rewards = self._nothing.copy()  # faster than fromkeys
        self._cumulative_rewards = self._nothing.copy()
        self.terminations = self._no.copy()
        self.truncations = self._no.copy()
        self.infos: dict[str, dict[str, Any]] = {agent: {"legal_actions": ()} for agent in names}
        self.agent_selection = names[0]
        if self._over:
            self._end()
        else:
            self._turn()

    def _turn(self) -> None:
        """Ask the player whose turn it is."""
        game, state = self.game, self._state
        seat, before = game.player(state), self.agent_selection
        try:
            agent = self._agents[seat]
        except (KeyError, TypeError):
            last = len(self._names) - 1
            raise BrokenRules(f"{game.id}: player gives a seat, an integer from 0 to {last}, not {seat!r}") from None
        if agent != before:
            self.infos[before] = {"legal_actions": ()}
            self.agent_selection = agent
        legal = given = game.legal(state)
        try:
            if type(legal) is not tuple:
                legal = tuple(legal)
            menu = self._menus.get(legal)
        except TypeError:
            raise no_choice(game, given) from None
        info: dict[str, Any]
        if legal:
            if menu is None:
                menu = self._write_menu(legal)
            self._menu = menu
            info = {"legal_actions": menu.texts}
        else:
            described = game.described(state)
            if not described:
                raise no_choice(game, given)
            self._menu = Menu({}, (), f"\n{described}")
            info = {"legal_actions": (), "described": described}
        if self._refusal:
            info["illegal"], info["tries_left"] = self._refusal, self._tries_left()
        self.infos[agent] = info

    def _write_menu(self, legal: tuple[Any, ...]) -> Menu:
        if len({*legal}) < len(legal):
            raise no_choice(self.game, legal)
        actions = {self.game.action_text(action): action for action in legal}
        listed = f"\nLegal actions: {', '.join(actions)}." if len(actions) <= MAX_LISTED else ""
        if len(self._menus) >= MAX_MENUS:
            self._menus.clear()
        self._menus[legal] = menu = Menu(actions, tuple(actions), listed)
        return menu

    def _play(self, move: Any) -> None:
        """Go on with a legal move."""
        game, state = self.game, self._state
        self._tries, self._refusal = 0, ""
        if self._forfeits and (not game.simultaneous or game.player(state) == len(self._names) - 1):
            self._end()
            return
        self._state = state = game.act(state, move)
        if game.terminal(state):
            self._end()
        else:
            self._turn()

    def _refuse(self, reason: str) -> None:
        """Ask again, or note that the player forfeits."""
        player = self._seats[self.agent_selection]
        self._illegal[player] += 1
        if self._tries < self.illegal_retries:
            self._tries, self._refusal = self._tries + 1, reason
            self._turn()
            return
        self._forfeits += ((player, reason),)
        legal = self.game.legal(self._state)
        self._play(legal[0] if legal else None)  # stands in while the others of the round choose

    def _end(self) -> None:
        """Pay the returns, give the verdicts; the agents then leave one by one."""
        game, names = self.game, self._names
        self._over = True
        reasons = ["the game is over"] * len(names)
        if self._forfeits:
            losers = {player: f"forfeit: {reason}" for player, reason in self._forfeits}
            returns = game.forfeit(self._state, list(losers))
            reasons = [losers.get(player, "another player forfeits") for player in range(len(names))]
        else:
            returns = game.returns(self._state)
        if len(returns) != len(names) or not all(map(math.isfinite, returns)):
            raise ValueError(f"{game.id}: returns gives a finite number to each of {len(names)} players, not {returns}")
        self.rewards = dict(zip(names, returns, strict=True))
        self._cumulative_rewards = self.rewards.copy()
        self.terminations = dict.fromkeys(names, True)
        for agent, value, reason, illegal in zip(names, returns, reasons, self._illegal, strict=True):
            verdict = _verdict(value + 0.0, reason, *self._range)
            self.infos[agent] = {"legal_actions": (), "verdict": verdict, "illegal_actions": illegal}
        self.agent_selection = names[0]

    def _leave(self, action: str | None) -> None:
        """The empty step by which a PettingZoo agent leaves."""
        if action is not None:
            raise ValueError("the game is over: the only action left is None, by which an agent leaves")
        agent = self.agents.pop(0)
        for book in (self.rewards, self._cumulative_rewards, self.terminations, self.truncations, self.infos):
            del book[agent]
        self.rewards = dict.fromkeys(self.rewards, 0.0)
        if self.agents:
            self.agent_selection = self.agents[0]

    def _result(self) -> str:
        role, game = self.game.role, self.game
        if self._forfeits:
            return f"The game is over: {' and '.join(role(player) for player, _ in self._forfeits)} forfeited."
        returns = enumerate(game.returns(self._state))
        return f"The game is over: {', '.join(f'{role(player)} gets {value:g}' for player, value in returns)}."

    def _tries_left(self) -> int:
        return 1 + self.illegal_retries - self._tries

    def _unready(self) -> NoReturn:
        what = "the game is over" if self._state is not None else "no game has been dealt"
        raise gymnasium.error.ResetNeeded(f"{what}: call reset() first")


@lru_cache(maxsize=1 << 12)
def _verdict(value: float, reason: str, lowest: float, highest: float) -> Verdict:
    """Kept, as most games have few results. A negative zero would be another value with the same key: give none."""
    score = (value - lowest) / (highest - lowest)
    if not 0.0 <= score <= 1.0:
        raise ValueError(f"returns are from {lowest:g} (lowest) to {highest:g} (highest), as declared, not {value:g}")
    return Verdict(score, Status.RIGHT if score > 0.5 else Status.WRONG, f"{reason}; the return is {value:g}")


@lru_cache(maxsize=256)
def _menus(game: AnyGame) -> dict[tuple[Any, ...], Menu]:
    """The menus of a game, by legal actions, shared by its environments."""
    return {}
