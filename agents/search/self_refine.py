"""Monte-Carlo tree self-refine (MCTSr, Zhang et al., arXiv:2406.07394): nodes are answers, actions improve them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any, TypeAlias

from palaestra.agents.agent import Agent, Dialogue, Reply
from palaestra.agents.evaluators.choosing import chooses
from palaestra.agents.postprocess.asking import behind
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor, Cost

from .tree import Node, Proposal, Tree, value_of
from .world import Asking, Evaluate, Expand, Proposed, Request, Valued, run

CRITIQUE = "Find the mistakes in your answer. Say what is wrong and how to put it right; do not solve it anew."
REFINE = "Now answer the question again, better."
SELF_REWARD = "How good is this answer? Be strict. Give one number from -100 to 100 and nothing else."
NUMBER = re.compile(r"(?:(?<!\d)[-\N{MINUS SIGN}])?\d+(?:\.\d+)?")
SCALE = re.compile(r"(?:/|\bout of)\s*\d+|-?\b100\s*(?:to|and)\s*\+?100\b", re.IGNORECASE)  # what a number is of


@dataclass(frozen=True, slots=True)
class Attempt:
    """A whole answer to ``dialogue``; None before the first."""

    dialogue: Dialogue
    reply: Reply | None = None


Reward: TypeAlias = Callable[[Sequence[Attempt]], list[Valued]]


@dataclass(frozen=True, slots=True)
class SelfRefine:
    r"""Grows a tree of answers: the most promising is improved, the improvement rewarded.

    attempts: first answers. refinements: improvements, in all. children: after so many, an answer one of which is worth
    more than itself is not improved again.
    Of all answers that of the highest $Q + c \sqrt{(\ln N_{parent} + 1) / (N + \epsilon)}$ is improved next. An
    answer's Q is its reward, and then, whenever something below it was rewarded, $(Q + \max_{children} Q) / 2$.
    The answer is the one of the highest reward.
    """

    attempts: int = 1
    refinements: int = 8
    children: int = 2
    c: float = 1.4
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        if min(self.attempts, self.children) < 1 or self.refinements < 0:
            raise ValueError(f"attempts and children are 1 or more, refinements 0 or more: {self}")

    def __call__(self, tree: Tree) -> Asking:
        yield from self._improve(tree.root, self.attempts)
        for _ in range(self.refinements):
            candidates = [node for node in tree.nodes[1:] if not self.exhausted(node)]
            yield from self._improve(max(candidates, key=self.promise), 1)
        tree.answer = max(tree.nodes[1:], key=value_of)

    def exhausted(self, node: Node) -> bool:
        """Whether an answer has been improved, and tried often enough."""
        return node.asked >= self.children and any(child.q > node.q for child in node.children)

    def promise(self, node: Node) -> float:
        """UCT as MCTSr has it."""
        assert node.parent is not None, "the root is no answer"
        return node.q + self.c * math.sqrt((math.log(node.parent.visits) + 1) / (node.visits + self.epsilon))

    def _improve(self, node: Node, n: int) -> Asking:
        (children,) = yield Expand([node], [n])
        yield Evaluate(children)
        for child in children:
            _set(child, value_of(child))
            for above in list(child.ancestry())[1:]:
                best = max(below.q for below in above.children if below.visits)
                _set(above, (above.q + best) / 2 if above.parent is not None else best)


def _set(node: Node, q: float) -> None:
    """One more visit, after which Q is this."""
    node.visits += 1
    node.total = q * node.visits


class RefineWorld:
    """An agent answers, criticises its answer, and answers again with the critique before it."""

    def __init__(self, agent: Agent, reward: Reward, critique: str = CRITIQUE, refine: str = REFINE) -> None:
        self.agent, self.reward, self.critique, self.refine = agent, reward, critique, refine

    def expand(self, requests: Sequence[Request]) -> list[Proposed]:
        asked = [(request.state, seed) for request in requests for seed in request.seeds]
        dialogues = [_continued(attempt, self.critique, derive_seed(seed, "critique")) for attempt, seed in asked]
        again = [index for index, (attempt, _) in enumerate(asked) if attempt.reply is not None]
        costs = [Cost() for _ in asked]
        for index, critic in zip(
            again, self.agent.respond([dialogues[i] for i in again]) if again else [], strict=True
        ):
            dialogues[index] = _continued(Attempt(dialogues[index], critic), self.refine, asked[index][1])
            costs[index] = critic.cost
        replies = self.agent.respond([replace(d, seed=seed) for d, (_, seed) in zip(dialogues, asked, strict=True)])
        made = iter([(reply, cost + reply.cost) for reply, cost in zip(replies, costs, strict=True)])
        return [_answers(request, [next(made) for _ in request.seeds]) for request in requests]

    def evaluate(self, states: Sequence[Any]) -> list[Valued]:
        return self.reward(states)


def _answers(request: Request, made: Sequence[tuple[Reply, Cost]]) -> Proposed:
    dialogue = request.state.dialogue
    proposals = [Proposal(reply.text, Attempt(dialogue, reply)) for reply, _ in made]
    return Proposed(proposals, reduce(add, (cost for _, cost in made)))


def _continued(attempt: Attempt, question: str, seed: int) -> Dialogue:
    """The dialogue with an answer and a question about it; the dialogue itself before the first answer."""
    dialogue, reply = attempt.dialogue, attempt.reply
    return dialogue if reply is None else behind(dialogue, reply, question, seed)


class SelfReward:
    r"""The agent's own opinion of an answer, asked ``samples`` times: $(\min R + \overline{R}) / 2$, in [-1, 1].

    The last number that is said counts, the scale ("85/100", "from -100 to 100") aside; where none is, R is -1.
    """

    def __init__(self, agent: Agent, samples: int = 3, question: str = SELF_REWARD) -> None:
        self.agent, self.samples, self.question = agent, samples, question

    @property
    def weights_hash(self) -> str:
        """Of the agent that is asked."""
        return self.agent.actor.weights_hash

    def __call__(self, attempts: Sequence[Attempt]) -> list[Valued]:
        asked = [
            _continued(attempt, self.question, derive_seed(attempt.dialogue.seed, self.question, _text(attempt), index))
            for attempt in attempts
            for index in range(self.samples)
        ]
        opinions = self.agent.respond(asked)
        groups = [opinions[start : start + self.samples] for start in range(0, len(opinions), self.samples)]
        return [Valued(cautious([_read(one.text) for one in g]), sum((o.cost for o in g), Cost())) for g in groups]


def cautious(rewards: Sequence[float]) -> float:
    """Half the lowest and half the mean."""
    return (min(rewards) + sum(rewards) / len(rewards)) / 2


def _read(text: str) -> float:
    found = NUMBER.findall(SCALE.sub("", text))
    return max(-1.0, min(1.0, float(found[-1].replace("\N{MINUS SIGN}", "-")) / 100)) if found else -1.0


def _text(attempt: Attempt) -> str:
    return attempt.reply.text if attempt.reply else ""


class RefineSearch:
    """Answers with the best of a tree of refined answers; the tree is in the reply's meta, its cost the reply's."""

    def __init__(self, world: RefineWorld, method: SelfRefine | None = None) -> None:
        self.world = world
        self.method = method or SelfRefine()

    @property
    def actor(self) -> Actor:
        return chooses(self.world.agent.actor, f"mctsr{self.method.refinements}", self.world.reward)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        roots = [Attempt(dialogue) for dialogue in dialogues]
        trees = run(self.world, self.method, roots, [dialogue.seed for dialogue in dialogues])
        replies: list[Reply] = [tree.answer.state.reply for tree in trees]
        return [
            replace(reply, cost=tree.cost, meta={**reply.meta, "tree": tree.rows()})
            for reply, tree in zip(replies, trees, strict=True)
        ]
