"""Search for moves in games: the players take turns to choose, and where a game leads is found by playing it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from palaestra.agents.agent import Dialogue, Reply
from palaestra.agents.engine import Completion
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.strategies.inside import log_chances, model_of
from palaestra.envs.games.game import AnyGame, no_choice
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor, Cost

from .mcts import MCTS
from .scores import PUCT, Score, robust_child
from .tree import Node, Proposal, Tree
from .world import Proposed, Request, Valued, run

MOST_ACTIONS = 1 << 10  # of one turn
ALIKE = 0.25  # of the priors, shared out alike, or a policy would talk itself out of moves for good


@dataclass(frozen=True, slots=True)
class Position:
    """A state of a game.

    player: who asks, whose worth is meant. seed: of how it is played out. priors: a policy's, by the texts of the legal
    actions; none: all alike.
    """

    game: AnyGame
    state: Any
    player: int
    seed: int
    priors: Mapping[str, float] = field(default_factory=dict)


class GameWorld:
    """All legal actions; a position is worth, to the player who asks, what it comes to played out at random.

    told: False: nothing is told of who won: an end is worth 0, and what is played out 1 or -1 at random. A control.
    """

    def __init__(self, told: bool = True) -> None:
        self.told = told

    def expand(self, requests: Sequence[Request]) -> list[Proposed]:
        return [Proposed(_moves(request)) for request in requests]

    def evaluate(self, states: Sequence[Any]) -> list[Valued]:
        return [Valued(self._played_out(position)) for position in states]

    def _played_out(self, position: Position) -> float:
        game, state = position.game, position.state
        rng = np.random.default_rng(derive_seed("played out", position.seed))
        if not self.told:
            return 0.0 if game.terminal(state) else float(rng.choice((-1.0, 1.0)))
        while not game.terminal(state):
            legal = game.legal(state)
            if not legal:
                raise no_choice(game, legal)
            state = game.act(state, legal[int(rng.integers(len(legal)))])
        return float(game.returns(state)[position.player])


def _moves(request: Request) -> list[Proposal]:
    here: Position = request.state
    game, legal = here.game, here.game.legal(here.state)
    proposals = []
    for action, seed in zip(legal[request.start :], request.seeds, strict=False):
        text, after = game.action_text(action), game.act(here.state, action)
        prior = here.priors[text] if here.priors else 1 / len(legal)
        proposals.append(Proposal(text, Position(game, after, here.player, seed), game.terminal(after), prior))
    return proposals


@dataclass(frozen=True, slots=True)
class BothPlayers:
    """A score for games: what is good for one player is bad for the other, who chooses every second time."""

    score: Score

    def __call__(self, child: Node) -> float:
        assert child.parent is not None
        here: Position = child.parent.state
        worth = self.score(child)
        ours = here.game.player(here.state) == here.player
        return worth if ours or not child.visits else worth - 2 * child.q


def moves(simulations: int = 64) -> MCTS:
    """A search for one move among all that are legal."""
    return MCTS(simulations, MOST_ACTIONS, BothPlayers(PUCT()), robust_child, revisit_terminals=True, moves=1)


class GameSearch:
    """Plays the move that a tree search visits most: in zero-sum games of two where nothing is hidden.

    The policy's chances of the legal moves are the priors of the move at hand, but for a quarter, which is the same for
    all (in AlphaZero it is drawn); further down all moves are alike. So a policy that imitates these moves gets a
    better search, which it imitates: expert iteration (Anthony et al., "Thinking fast and slow with deep learning and
    tree search", 2017), AlphaZero without its value head.

    method: as ``moves`` makes it. explore: the share of moves that are drawn from all legal ones in place of a search,
        so that more positions are met; they have no tokens, and nobody learns them. told: as the world has it.

    The reply has the policy's tokens for the move, chosen, not drawn, with their log-probabilities; meta["tree"] the
    moves at hand with their visits. Games are searched in step, all as one batch.
    """

    def __init__(self, policy: PolicyLLM, method: MCTS, explore: float = 0.0, told: bool = True) -> None:
        """Raises ValueError where the policy's model is not in this process."""
        self.policy, self.method, self.explore, self.world = policy, method, explore, GameWorld(told)
        self.model = model_of(policy, "a search for moves")

    @property
    def actor(self) -> Actor:
        inner = self.policy.actor
        return Actor(f"{inner.agent_id}+moves:{self.method.simulations}", inner.weights_hash)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        """Raises ValueError for a game that cannot be searched."""
        replies = [self._explored(dialogue) for dialogue in dialogues]
        asked = [dialogue for dialogue, reply in zip(dialogues, replies, strict=True) if reply is None]
        searched = iter(self._searched(asked))
        return [next(searched) if reply is None else reply for reply in replies]

    def _explored(self, dialogue: Dialogue) -> Reply | None:
        table: Any = dialogue.env
        check_searchable(getattr(table, "game", None))
        rng = np.random.default_rng(derive_seed("explored", dialogue.seed))
        if rng.random() >= self.explore:
            return None
        return Reply(table.game.sample(table.view(), rng), sampling=self.policy.sampling)

    def _searched(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        chat, options = self.policy.chat, [_options(dialogue) for dialogue in dialogues]
        prompts = [chat.prompt(dialogue.messages) for dialogue in dialogues]
        actions = [[chat.answer(text) for text in texts] for texts in options]
        known = dict(zip(prompts, actions, strict=True))  # many matches begin alike
        read = dict(zip(known, log_chances(self.model, list(known), list(known.values())), strict=True))
        roots, replies = [], []
        for dialogue, prompt, texts in zip(dialogues, prompts, options, strict=True):
            table: Any = dialogue.env
            logs = np.array([sum(each) for each in read[prompt]])
            chances = (1 - ALIKE) * np.exp(logs - np.logaddexp.reduce(logs)) + ALIKE / len(texts)
            priors = dict(zip(texts, chances.tolist(), strict=True))
            state = table.view()
            roots.append(Position(table.game, state, table.game.player(state), dialogue.seed, priors))
        trees = run(self.world, self.method, roots, [dialogue.seed for dialogue in dialogues])
        for tree, prompt, texts in zip(trees, prompts, options, strict=True):
            place = texts.index(tree.answer.action)
            reading = sum(len(prompt) + len(ids) for ids in known[prompt])  # every move, for its chance
            cost = tree.cost + Cost(reading, len(known[prompt][place]))
            replies.append(self._reply(tree, prompt, known[prompt][place], read[prompt][place], cost))
        return replies

    def _reply(
        self, tree: Tree, prompt: tuple[int, ...], ids: tuple[int, ...], logprobs: Sequence[float], cost: Cost
    ) -> Reply:
        version = getattr(self.policy.engine, "version", 0)
        return Reply(
            text=tree.answer.action,
            completions=(Completion(ids, tuple(logprobs), "stop", version),),
            prompt_ids=prompt,
            sampling=self.policy.sampling,
            cost=cost,
            meta={"tree": [row for row in tree.rows() if not row["parent"]]},  # the root, and the moves at hand
        )


def check_searchable(game: AnyGame | None) -> None:
    """Raises ValueError for what is no game, or one in which a search would see what its player may not."""
    if game is None:
        raise ValueError("this search is for moves of games: play it in a match")
    if game.hidden or not game.zero_sum or len(game.players) != 2:
        raise ValueError(f"{game.id} cannot be searched: that takes a zero-sum game of two in which nothing is hidden")


def _options(dialogue: Dialogue) -> tuple[str, ...]:
    table: Any = dialogue.env
    options: tuple[str, ...] = table.infos[table.agent_selection]["legal_actions"]
    return options
