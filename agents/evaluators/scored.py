"""Whatever scores tokens behind tokens, as an evaluator: generative judges, critique writers, implicit rewards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from palaestra.episodes import Cost

from .assessment import (
    GRAINS,
    Answer,
    Assessment,
    Grain,
    decoder,
    ends_of,
    ids_of,
    refuse,
    shares,
    spans_of,
    weights_of,
)

if TYPE_CHECKING:
    from palaestra.agents.evaluator import Scorer
    from palaestra.agents.judges import ImplicitReward


class Scored:
    """Any ``Scorer`` (``load_judge`` gives one): of an answer, or of it as far as each step.

    The cost is what the scorer reads, as its ``reads`` has it or once, and the tokens that it writes, where it counts
    them (``tokens_out``), which it reads in turn.
    """

    grains: tuple[Grain, ...] = ("answer", "step")

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    @property
    def weights_hash(self) -> str:
        """Of the scorer's weights; "" for one that does not say."""
        return weights_of(self.scorer)

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        refuse(self, grain)
        parts = [(answer, end) for answer in answers for end in self._ends(answer, grain)]
        prompts = [answer.reply.prompt_ids for answer, _ in parts]
        read = [ids_of(answer.reply, grain)[:end] for answer, end in parts]
        before = getattr(self.scorer, "tokens_out", 0)
        scores = iter(self.scorer.score(prompts, read) if parts else [])
        written = getattr(self.scorer, "tokens_out", 0) - before
        reads: Callable[[int], int] = getattr(self.scorer, "reads", int)
        made = []
        for number, answer in enumerate(answers):
            ends = self._ends(answer, grain)
            said = written * (number + 1) // len(answers) - written * number // len(answers)  # an even share of it
            cost = Cost(sum(reads(len(answer.reply.prompt_ids) + end) for end in ends) + said, said)
            made.append(Assessment(tuple(next(scores) for _ in ends), spans_of(answer.reply, grain), cost))
        return made

    def _ends(self, answer: Answer, grain: Grain) -> list[int]:
        ids = ids_of(answer.reply, grain)
        return [len(ids)] if grain == "answer" else ends_of(answer.reply, grain, decoder(self.scorer.tokenizer))


class TokenReward:
    """A reward for each token, as ``ImplicitReward`` gives them (arXiv:2404.12358); sums of them for steps and answers.

    Both models read the answer.
    """

    grains: tuple[Grain, ...] = GRAINS

    def __init__(self, reward: ImplicitReward) -> None:
        self.reward = reward
        self.decode = decoder(reward.tokenizer)
        self.weights_hash = reward.actor.weights_hash

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        refuse(self, grain)
        return [self._assess(answer, grain) for answer in answers]

    def _assess(self, answer: Answer, grain: Grain) -> Assessment:
        reply = answer.reply
        rewards = self.reward.tokens(reply.prompt_ids, ids_of(reply, grain))
        scores = tuple(map(sum, shares(rewards, ends_of(reply, grain, self.decode))))
        cost = Cost(tokens_in=2 * (len(reply.prompt_ids) + len(rewards)))
        return Assessment(scores, spans_of(reply, grain, self.decode), cost)
