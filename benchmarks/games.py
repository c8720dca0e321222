"""Steps a second of games, beside TextArena's own environments on the same moves, in one process.

Ours is what users meet: ``observe`` (rules, position and legal actions as text), an answer in a box that is parsed and
checked, and at the end verdicts. Theirs is the raw environment, without wrappers: ``get_observation``, ``step``, and at
the end ``close``. Both play whole games, ``reset`` included, drawn beforehand among the actions that both allow.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
import textarena  # type: ignore[import-untyped]

from palaestra.envs.games import make_game

from .figure import Figure

REPEATS = 15
SECONDS = 0.2  # of each repeat, about
GAMES = 200  # recorded, and played again and again

Moves = Sequence[str]


@dataclass(frozen=True)
class Peer:
    """TextArena's game of the same rules.

    translate: our actions of a whole game as theirs. knobs, settings: what makes ours and theirs the same game.
    allows: whether they take an action after those before; ours are drawn among these only.
    """

    id: str
    translate: Callable[[Moves], list[str]]
    knobs: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    allows: Callable[[Moves, str], bool] = lambda before, action: True


def _numbered(form: str, moves: Moves) -> list[str]:
    """Cells and columns: we count from 1, they from 0."""
    return [form.format(int(move) - 1) for move in moves]


def _takes(moves: Moves) -> list[str]:
    words = [move.split() for move in moves]  # take 2 from pile 1
    return [f"[{int(pile) - 1} {count}]" for _, count, _, _, pile in words]


def _cells(moves: Moves) -> list[str]:
    """Theirs has no pass: whoever cannot place a disc says anything."""
    return ["[pass]" if move == "pass" else f"[{int(move[1:]) - 1}, {ord(move[0]) - ord('a')}]" for move in moves]


def _bets(moves: Moves) -> list[str]:
    unbet, facing = {"pass": "[check]", "bet": "[bet]"}, {"pass": "[fold]", "bet": "[call]"}
    return [(facing if "bet" in moves[:k] else unbet)[move] for k, move in enumerate(moves)]


def _bids(moves: Moves) -> list[str]:
    return ["[Call]" if move == "liar" else f"[Bid: {move.replace('x', ', ')}]" for move in moves]


def _keeps_face(before: Moves, action: str) -> bool:
    """Their bids never go down to a lower face."""
    return not before or action == "liar" or action[-1] >= before[-1][-1]


def _talks(moves: Moves) -> list[str]:
    """Theirs has both players say something before they choose; these steps count as theirs too."""
    rounds = zip(moves[::2], moves[1::2], strict=True)
    return [text for pair in rounds for text in ("I think.", "So do I.", *(f"[{choice}]" for choice in pair))]


PEERS = {
    "TicTacToe": Peer("TicTacToe-v0", partial(_numbered, "[{}]")),
    "ConnectFour": Peer("ConnectFour-v0", partial(_numbered, "[col {}]")),
    "Nim": Peer("Nim-v0", _takes, knobs={"piles": (3, 4, 5), "misere": False}, settings={"piles": [3, 4, 5]}),
    "Othello": Peer("Othello-v0", _cells),
    "KuhnPoker": Peer("KuhnPoker-v0", _bets, settings={"max_rounds": 1}),
    "LiarsDice": Peer("LiarsDice-v0", _bids, settings={"num_dice": 1}, allows=_keeps_face),
    "IteratedPrisonersDilemma": Peer("IteratedPrisonersDilemma-v0", _talks, settings={"num_rounds": 10}),
    "RockPaperScissors": Peer(
        "IteratedRockPaperScissors-v0", lambda moves: [f"[{move}]" for move in moves], knobs={"rounds": 9}
    ),
}


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """One figure a game: steps a second."""
    for name, peer in PEERS.items():
        say(f"{name} beside {peer.id}")
        games = record(name, peer, GAMES)
        sides = [
            partial(ours, name, peer, [[f"\\boxed{{{move}}}" for move in moves] for moves in games]),
            partial(theirs, peer, [peer.translate(moves) for moves in games]),
        ]
        mine, peers = (median(speeds) for speeds in zip(*_alternate(sides), strict=True))
        yield Figure(f"games/{name} beside TextArena's raw {peer.id}", mine, peers, "steps/s")


def record(name: str, peer: Peer, n: int) -> list[list[str]]:
    """Our actions in ``n`` games between players who draw among those that both games allow."""
    env, rng, games = _make(name, peer), np.random.default_rng(0), []
    for seed in range(n):
        env.reset(seed=seed)
        moves: list[str] = []
        while not env.terminations[env.agent_selection]:
            legal = [text for text in env.infos[env.agent_selection]["legal_actions"] if peer.allows(moves, text)]
            moves.append(legal[int(rng.random() * len(legal))])
            env.step(moves[-1])
        games.append(moves)
    return games


def ours(name: str, peer: Peer, games: Sequence[Moves], rounds: int) -> float:
    """Steps a second in our environment over the games of these answers, ``rounds`` times.

    Raises:
        AssertionError: a game did not end with its last move.
    """
    env = _make(name, peer)
    began = time.process_time()
    for _ in range(rounds):
        for seed, moves in enumerate(games):
            env.reset(seed=seed)
            for move in moves:
                env.observe(env.agent_selection)
                env.step(move)
            assert all("verdict" in info for info in env.infos.values()), f"{name}: {moves} does not end a game"
    return rounds * sum(map(len, games)) / (time.process_time() - began)


def theirs(peer: Peer, games: Sequence[Moves], rounds: int) -> float:
    """Steps a second in their environment, as ``ours``."""
    with contextlib.redirect_stdout(io.StringIO()):
        env = textarena.make(f"{peer.id}-raw", **peer.settings)
    began = time.process_time()
    for _ in range(rounds):
        for seed, moves in enumerate(games):
            env.reset(num_players=2, seed=seed)
            done = False
            for move in moves:
                env.get_observation()
                done, _ = env.step(move)
            _, notes = env.close()
            assert done, f"{peer.id}: {moves} does not end a game"
            assert not any(note["invalid_move"] for note in notes.values()), f"{peer.id}: {moves}"
    return rounds * sum(map(len, games)) / (time.process_time() - began)


def _make(name: str, peer: Peer) -> Any:
    return make_game(f"palaestra/{name}-v0", **peer.knobs)


def _alternate(sides: Sequence[Callable[[int], float]]) -> Iterator[list[float]]:
    """Speeds of both sides, taken in turn, a repeat at a time."""
    began = [time.process_time()]
    for side in sides:
        side(1)  # also warms caches up
        began.append(time.process_time())
    rounds = [max(1, int(SECONDS / (after - before))) for before, after in pairwise(began)]
    for _ in range(REPEATS):
        yield [side(n) for side, n in zip(sides, rounds, strict=True)]
