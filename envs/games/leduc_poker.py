"""Leduc poker: one private card each, one public card, two rounds of betting."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar, NamedTuple

import numpy as np

from .game import Game
from .registration import register_game

FOLD, CALL, RAISE = range(3)
ACTIONS = ("fold", "call", "raise")
DONE = ("folds", "calls", "raises")
SUITS = 2
ANTE = 1
RAISES = (2, 4)  # chips, in the first and in the second round
MAX_RAISES = 2  # a round
UNKNOWN = 0


class Hand(NamedTuple):
    """cards: ranks of player_0's, player_1's and the public card, 1 is the lowest, 0 unknown.

    rounds: the actions of the first and second round; paid: chips of each player in the pot; turn: whose it is;
    folded: the player who did, or -1.
    """

    cards: tuple[int, int, int]
    rounds: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    paid: tuple[int, int] = (ANTE, ANTE)
    turn: int = 0
    folded: int = -1
    stage: int = 0  # 0 and 1 are the rounds, 2 is the end


@register_game("palaestra/LeducPoker-v0")
@dataclass(frozen=True)
class LeducPoker(Game[Hand, int]):
    """Two rounds of betting on a private card and, in the second, a public one; a pair wins, else the higher card.

    ranks: in the deck, two cards of each, 3 to 13. F. Southey et al., "Bayes' bluff", 2005. Actions are 0 (fold), 1
    (call, or check) and 2 (raise).
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "cards", "hidden information")
    hidden: ClassVar[bool] = True
    highest = float(ANTE + MAX_RAISES * sum(RAISES))
    lowest = -highest
    max_length = 2 * (MAX_RAISES + 2)
    ranks: int = 3

    def __post_init__(self) -> None:
        if not 3 <= self.ranks <= 13:
            raise ValueError(f"ranks is from 3 to 13, not {self.ranks}")

    @property
    def rules(self) -> str:
        return (
            f"Leduc poker with {2 * self.ranks} cards: the ranks 1 (lowest) to {self.ranks}, two of each. Each of two "
            "players pays 1 chip into the pot and gets a card that only this player sees. There are two rounds of "
            "betting, each begun by player_0; before the second a public card is laid open. In turn a player folds "
            "(only when the other has paid more), calls (pays as much as the other, perhaps nothing) or raises (calls "
            f"and pays {RAISES[0]} more in the first round, {RAISES[1]} in the second), with at most {MAX_RAISES} "
            "raises a round. A call ends the round, except as its first action. Who folds loses the pot; else who has "
            "the public card's rank wins it, else the higher card, and equal cards share it. The return is the chips "
            "won or lost. An action is fold, call or raise."
        )

    def initial(self, rng: np.random.Generator) -> Hand:
        deck = list(range(SUITS * self.ranks))
        cards = [deck.pop(int(u * len(deck))) // SUITS + 1 for u in rng.random(3).tolist()]
        return Hand((cards[0], cards[1], cards[2]))

    def deals(self) -> list[tuple[float, Hand]]:
        """By rank: two cards of a rank play alike."""
        n = SUITS * self.ranks
        ranks = [card // SUITS + 1 for card in range(n)]
        found = Counter(
            (ranks[a], ranks[b], ranks[c]) for a in range(n) for b in range(n) for c in range(n) if len({a, b, c}) == 3
        )
        return [(count / found.total(), Hand(cards)) for cards, count in found.items()]

    def player(self, state: Hand) -> int:
        return state.turn

    def legal(self, state: Hand) -> tuple[int, ...]:
        facing = state.paid[state.turn] < state.paid[1 - state.turn]
        may_raise = state.rounds[state.stage].count(RAISE) < MAX_RAISES
        if facing:
            return (FOLD, CALL, RAISE) if may_raise else (FOLD, CALL)
        return (CALL, RAISE) if may_raise else (CALL,)

    def act(self, state: Hand, action: int) -> Hand:
        cards, (first, second), paid, turn, _, stage = state
        made = (*first, action) if stage == 0 else (*second, action)
        rounds = (made, second) if stage == 0 else (first, made)
        if action == FOLD:
            return Hand(cards, rounds, paid, turn, turn, 2)
        mine = max(paid) + (RAISES[stage] if action == RAISE else 0)
        paid = (mine, paid[1]) if turn == 0 else (paid[0], mine)
        if action == CALL and len(made) > 1:
            return Hand(cards, rounds, paid, 0, -1, stage + 1)
        return Hand(cards, rounds, paid, 1 - turn, -1, stage)

    def terminal(self, state: Hand) -> bool:
        return state.stage == 2

    def returns(self, state: Hand) -> tuple[float, ...]:
        if state.folded >= 0:
            lost = float(state.paid[state.folded])
            return (-lost, lost) if state.folded == 0 else (lost, -lost)
        mine, yours, public = state.cards
        if mine == yours:
            return (0.0, 0.0)
        won = float(state.paid[0])
        return (won, -won) if mine == public or (mine > yours and yours != public) else (-won, won)

    def show(self, state: Hand) -> str:
        names = [str(card) if card else "unknown" for card in state.cards]
        lines = [f"Cards: player_0 {names[0]}, player_1 {names[1]}, public {names[2]}."]
        for label, made in zip(("First", "Second"), state.rounds, strict=True):
            if made:
                lines.append(f"{label} round: {', '.join([f'player_{k & 1} {DONE[a]}' for k, a in enumerate(made)])}.")
        lines.append(f"In the pot: {state.paid[0]} of player_0, {state.paid[1]} of player_1.")
        return "\n".join(lines)

    def action_text(self, action: int) -> str:
        return ACTIONS[action]

    def read(self, text: str) -> int | None:
        return ACTIONS.index(text) if text in ACTIONS else None

    def why(self, state: Hand, action: int) -> str:
        if action == FOLD:
            return "a player folds only when the other has paid more"
        return f"there were {MAX_RAISES} raises in this round"

    def seen(self, state: Hand, player: int) -> Hand:
        shown = state.stage == 2 and state.folded < 0  # cards are laid open
        mine, yours, public = state.cards
        if not shown:
            mine, yours = (mine, UNKNOWN) if player == 0 else (UNKNOWN, yours)
        if not state.rounds[1] and state.stage != 1:  # the second round was not reached
            public = UNKNOWN
        return state._replace(cards=(mine, yours, public))

    def resample(self, state: Hand, player: int, rng: np.random.Generator) -> Hand:
        known = self.seen(state, player).cards
        deals = [(p, deal.cards) for p, deal in self.deals()]
        fitting = [(p, c) for p, c in deals if all(k in (UNKNOWN, card) for k, card in zip(known, c, strict=True))]
        weights = list(accumulate(p for p, _ in fitting))
        drawn = bisect(weights, rng.random() * weights[-1], hi=len(fitting) - 1)
        return state._replace(cards=fitting[drawn][1])
