"""Self-evaluation: the chance that a model says Yes when it is asked whether an answer is right (arXiv:2207.05221)."""

from __future__ import annotations

from collections.abc import Sequence

from palaestra.agents.agent import Message
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.strategies.inside import model_of, probabilities
from palaestra.agents.strategies.prompts import Prompt, prompt_named
from palaestra.episodes import Cost

from .assessment import Answer, Assessment, Grain, refuse, spans_of

YES, NO = ("Yes", "yes"), ("No", "no")


class SelfEvaluation:
    """p(Yes) / (p(Yes) + p(No)) as the first token behind the answer, or as much of it as each step, and the question.

    Both words count in capitals and without. The policy may be the one that answered, or another; it reads text.
    """

    grains: tuple[Grain, ...] = ("answer", "step")

    def __init__(self, policy: PolicyLLM, prompt: Prompt | None = None) -> None:
        self.policy = policy
        self.model = model_of(policy, "self-evaluation")
        self.prompt = prompt or prompt_named("self_evaluation")
        encode = policy.chat.tokenizer.encode
        self.said = [sorted({encode(word, add_special_tokens=False)[0] for word in words}) for words in (YES, NO)]

    @property
    def weights_hash(self) -> str:
        """Of the model that is asked."""
        return self.policy.actor.weights_hash

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        refuse(self, grain)
        return [self._assess(answer, grain) for answer in answers]

    def _assess(self, answer: Answer, grain: Grain) -> Assessment:
        spans = spans_of(answer.reply, grain)
        asked = Message("user", self.prompt.say(grain))
        scores, read = [], 0
        for _, end in spans:
            said = Message("assistant", answer.reply.text[:end])
            prompt = self.policy.chat.prompt((*answer.dialogue.messages, said, asked))
            chances = probabilities(self.model, prompt, ())[0].exp()
            yes, no = (float(chances[ids].sum()) for ids in self.said)
            scores.append(yes / (yes + no) if yes + no > 0 else float("nan"))
            read += len(prompt)
        return Assessment(tuple(scores), spans, Cost(tokens_in=read))
