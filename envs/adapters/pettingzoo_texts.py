"""PettingZoo's classic games in words: what their players are told, and what an action is called.

Every function reads one of their environments and changes nothing in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Said: TypeAlias = tuple[tuple[int, str], ...]  # the players' actions so far: whose, and what
SUITS = {"S": "spades", "H": "hearts", "D": "diamonds", "C": "clubs"}
GO_COLUMNS = "ABCDEFGHJKLMNOPQRST"  # as on every Go board, without I
RECENT = 10  # moves told of a board game


@dataclass(frozen=True)
class Wording:
    """What PettingZoo's environment of a game does not say itself.

    needs: libraries to import first.
    rules: the game in a few sentences; "{…}" is filled in from the environment's attributes.
    action: the text of an action's number, in lower case.
    told: the position as a player may know it, or the whole for None; the actions so far are given.
    bounds: the least and the most that a player's return can be.
    longest: no game goes on after so many actions: one that is not over by then ends with what has been paid.
    redeal: draws again, in an environment, what a player may not know.
    """

    rules: str
    action: Callable[[Any, int], str]
    told: Callable[[Any, int | None, Said], str]
    bounds: Callable[[Any], tuple[float, float]]
    longest: Callable[[Any], int]
    needs: tuple[str, ...] = ()
    zero_sum: bool = True
    simultaneous: bool = False
    redeal: Callable[[Any, int, np.random.Generator], None] | None = None


def _number(env: Any, action: int) -> str:
    return str(action)


def _one(env: Any) -> tuple[float, float]:
    return -1.0, 1.0


def _tic_tac_toe(env: Any, player: int | None, said: Said) -> str:
    cells = [str(k) if mark == 0 else "xo"[mark - 1] for k, mark in enumerate(env.board.squares)]
    return "\n".join(" ".join(cells[row::3]) for row in range(3))


def _connect_four(env: Any, player: int | None, said: Said) -> str:
    rows = [" ".join(".xo"[mark] for mark in env.board[k : k + 7]) for k in range(0, 42, 7)]
    return "\n".join([*rows, " ".join(map(str, range(7)))])


def _rock_paper_scissors_action(env: Any, action: int) -> str:
    return str(env._moves[action]).lower().replace("_", " ")


def _rock_paper_scissors(env: Any, player: int | None, said: Said) -> str:
    rounds = zip(said[::2], said[1::2], strict=False)
    lines = [f"Round {k}: player_0 {one[1]}, player_1 {two[1]}." for k, (one, two) in enumerate(rounds, 1)]
    if len(said) < 2 * env.max_cycles:
        chosen = f"player_0 has chosen {said[-1][1]}" if len(said) % 2 and player != 1 else "it is open"
        lines.append(f"Round {len(lines) + 1} of {env.max_cycles}: {chosen}.")
    return "\n".join(lines)


def _chess_action(env: Any, action: int) -> str:
    from pettingzoo.classic.chess.chess_utils import action_to_move

    return str(action_to_move(env.board, action, env.agents.index(env.agent_selection)).uci())


def _chess(env: Any, player: int | None, said: Said) -> str:
    rows = [f"{8 - k} {row}" for k, row in enumerate(str(env.board).split("\n"))]
    return "\n".join([*rows, "  a b c d e f g h", f"FEN: {env.board.fen()}", _recent(said)])


def _go_action(env: Any, action: int) -> str:
    size = env._N
    row, column = divmod(action, size)
    return "pass" if action == size * size else f"{GO_COLUMNS[column]}{size - row}".lower()


def _go(env: Any, player: int | None, said: Said) -> str:
    size = env._N
    rows = [f"{size - k:2} {' '.join('.xo'[int(mark)] for mark in row)}" for k, row in enumerate(env._go.board)]
    taken = "Stones taken: by black {}, by white {}.".format(*env._go.caps)
    return "\n".join([*rows, "   " + " ".join(GO_COLUMNS[:size]), taken, _recent(said)])


def _recent(said: Said) -> str:
    if not said:
        return "No move yet."
    return f"Moves so far: {len(said)}, at last {' '.join(text for _, text in said[-RECENT:])}."


def _holdem_action(env: Any, action: int) -> str:
    return str(env.env.actions[action])


def _no_limit_action(env: Any, action: int) -> str:
    return str(env.env.actions(action).name).lower().replace("_", " ")


def _holdem(env: Any, player: int | None, said: Said) -> str:
    """Of each player the chips in the pot and the actions, the open cards, and the player's own."""
    game = env.env.game
    if isinstance(game.players[0].hand, list):
        public, hands = game.public_cards, [one.hand for one in game.players]
    else:  # Leduc's one card
        public, hands = [game.public_card] if game.public_card else [], [[one.hand] for one in game.players]
    lines = [f"Open cards: {_cards(public)}."]
    for k, (name, one) in enumerate(zip(env.possible_agents, game.players, strict=True)):
        left = f", {one.remained_chips} left" if hasattr(one, "remained_chips") else ""
        hand = f" Hand: {_cards(hands[k])}." if player in (None, k) else ""
        lines.append(f"{name} has {one.in_chips} in the pot{left}.{hand}")
    return "\n".join([*lines, _all(env, said)])


def _cards(cards: list[Any]) -> str:
    return ", ".join(f"{card.rank} of {SUITS[card.suit]}" for card in cards) or "none yet"


def _all(env: Any, said: Said) -> str:
    return "So far: " + (", ".join(f"{env.possible_agents[who]} {text}" for who, text in said) or "nothing") + "."


def _holdem_redeal(env: Any, player: int, rng: np.random.Generator) -> None:
    """Shuffle the other players' cards and those to come."""
    game = env.env.game
    others = [one for k, one in enumerate(game.players) if k != player]
    single = not isinstance(game.players[0].hand, list)
    cards = game.dealer.deck + [card for one in others for card in ([one.hand] if single else one.hand)]
    cards = [cards[k] for k in rng.permutation(len(cards))]
    for one in others:
        if single:
            one.hand = cards.pop()
        else:
            one.hand = [cards.pop() for _ in one.hand]
    game.dealer.deck = cards


def _hanabi_action(env: Any, action: int) -> str:
    state = env.hanabi_env.game_state
    return str(state.action_to_string(state.current_player(), action)).strip("()").lower()


def _hanabi(env: Any, player: int | None, said: Said) -> str:
    state = env.hanabi_env.game_state
    text = str(state) if player is None else state.observation_string(player)
    return f"{text.strip()}\n{_all(env, said)}"


def _hanabi_redeal(env: Any, player: int, rng: np.random.Generator) -> None:
    """Draw the cards to come anew. The hand, of which hints tell too much to draw it, stays."""
    env.hanabi_env.np_random = rng


def _stakes(most: float) -> Callable[[Any], tuple[float, float]]:
    """Bounds where each player can lose ``most``, to one who wins all."""
    return lambda env: (-most, most * (len(env.possible_agents) - 1))


BETTING = "Who folds loses what is in the pot. The return is {unit} won or lost. "
TEXAS = (
    "{kind} Texas hold'em for {count} players: two cards each, five open ones after the first of four rounds of "
    "betting, and the best five of seven cards win the pot. "
)

WORDINGS: dict[str, Wording] = {  # by PettingZoo's module
    "tictactoe_v3": Wording(
        "Tic-tac-toe: player_1 marks cells with x, player_2 with o, in turn. Three in a row, a column or a diagonal "
        "win. An action is the number of a free cell, which the board shows.",
        *(_number, _tic_tac_toe, _one, lambda env: 9),
    ),
    "connect_four_v3": Wording(
        "Connect four: player_0 drops x, player_1 o into a column, where it falls to the lowest free cell. Four in a "
        "row, a column or a diagonal win. An action is the number of a column that is not full, from 0 at the left.",
        *(_number, _connect_four, _one, lambda env: 42),
    ),
    "rps_v2": Wording(
        "Rock, paper, scissors, {env.max_cycles} rounds. Both choose at the same time. Rock beats scissors, scissors "
        "beat paper, paper beats rock; where there are more, of two choices an odd number of places apart in "
        "{choices} the later wins, else the earlier. The return is the rounds won less those lost.",
        *(_rock_paper_scissors_action, _rock_paper_scissors),
        *(lambda env: (-float(env.max_cycles), float(env.max_cycles)), lambda env: 2 * int(env.max_cycles)),
        simultaneous=True,
    ),
    "chess_v6": Wording(
        "Chess: player_0 has the white pieces, which are written in capital letters, and player_1 the black ones. "
        "Draws by fifty moves or by a position's third time come by themselves. An action is a move from square to "
        "square, with the piece that a pawn becomes: e2e4, e7e8q.",
        *(_chess_action, _chess, _one, lambda env: 11_800),
        needs=("chess",),
    ),
    "go_v5": Wording(
        "Go on {env._N} by {env._N} points: black_0 places x, white_0 o, and stones without a free point beside their "
        "group are taken. The game ends when both pass; then stones and the points that only they enclose count, and "
        "white has {env._komi} beside. An action is a free point such as a1, or pass.",
        *(_go_action, _go, _one, lambda env: 4 * int(env._N) ** 2),
    ),
    "leduc_holdem_v4": Wording(
        "Leduc hold'em: each player has one of six cards, J, Q and K in two suits; after a round of betting one card "
        "is opened, and after another a pair with it wins the pot, or else the higher card. "
        + BETTING.format(unit="half the chips"),
        *(_holdem_action, _holdem, _stakes(7.0), lambda env: 16),
        needs=("rlcard",),
        redeal=_holdem_redeal,
    ),
    "texas_holdem_v4": Wording(
        TEXAS.format(kind="Limit", count="{count}") + BETTING.format(unit="half the chips"),
        *(_holdem_action, _holdem, _stakes(25.0), lambda env: 24 * len(env.possible_agents)),
        needs=("rlcard",),
        redeal=_holdem_redeal,
    ),
    "texas_holdem_no_limit_v6": Wording(
        TEXAS.format(kind="No-limit", count="{count}") + "Everybody begins with 100 chips; a raise is by half the pot, "
        "the pot or all. " + BETTING.format(unit="the chips"),
        *(_no_limit_action, _holdem, _stakes(100.0), lambda env: 100 * len(env.possible_agents)),
        needs=("rlcard",),
        redeal=_holdem_redeal,
    ),
    "hanabi_v5": Wording(
        "Hanabi, played together: each sees the others' cards and not the own. In turn one plays a card, discards one, "
        "or spends an information token to tell another's cards of a colour or rank. Fireworks of each colour go up "
        "from rank 1; a wrong card costs a life, and with the last all points are lost. Everyone's return is the "
        "number of cards in the fireworks.",
        *(_hanabi_action, _hanabi),
        *(lambda env: (0.0, float(env.hanabi_env._env.max_utility())),),
        *(lambda env: int(env.hanabi_env._env.max_game_length()),),
        needs=("pyspiel", "shimmy"),
        zero_sum=False,
        redeal=_hanabi_redeal,
    ),
}


def rules(module: str, env: Any) -> str:
    """The rules, filled in."""
    choices = ", ".join(_rock_paper_scissors_action(env, k) for k in range(env._none)) if module == "rps_v2" else ""
    return WORDINGS[module].rules.format(env=env, choices=choices, count=len(env.possible_agents)).strip()
