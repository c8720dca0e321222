"""The world of an environment: ``snapshot`` and ``restore`` make a tree of it, and an agent proposes the actions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from palaestra.agents.agent import Agent, Dialogue, Message, Reply, joined
from palaestra.episodes import Actor, Cost
from palaestra.episodes.record import storable

from .tree import Node, Proposal
from .world import Method, Proposed, Request, Valued, run

if TYPE_CHECKING:
    from palaestra.agents.evaluator import Evaluator


@dataclass(frozen=True, slots=True)
class Position:
    """Where a dialogue stands: what was said, the environment's snapshot, and the reply that led here."""

    dialogue: Dialogue
    snapshot: Any
    reply: Reply | None = None
    ended: bool = False


Worth: TypeAlias = Callable[[Sequence[Position]], list[Valued]]


class EnvWorld:
    """Actions are an agent's replies; where they lead is tried in the dialogue's own environment, which is put back.

    value: what a position is worth. A dialogue that has ended has one message more than its agent has seen: its last.
    peek: rewards are told, and an end with a verdict is worth 2 x its score - 1. For training.

    Raises:
        ValueError: the environment hides something (it is not ``transparent``), so that to try an action is to look,
            and the search may not peek.
    """

    def __init__(self, agent: Agent, value: Worth, peek: bool = False) -> None:
        self.agent, self.value, self.peek = agent, value, peek

    def root(self, dialogue: Dialogue) -> Position:
        """Where a dialogue stands now."""
        env: Any = dialogue.env
        if env is None or not hasattr(env, "restore"):
            raise ValueError("this search tries actions in the environment: it needs one with snapshot and restore")
        task = getattr(env, "task", None)
        if not self.peek and (task is None or not getattr(task, "transparent", True)):
            raise ValueError("to try actions in an environment that may hide something is to look: set peek=True")
        return Position(dialogue, env.snapshot())

    def expand(self, requests: Sequence[Request]) -> list[Proposed]:
        asked = [replace(request.state.dialogue, seed=seed) for request in requests for seed in request.seeds]
        replies = iter(self.agent.respond(asked))
        return [self._proposed(request, [next(replies) for _ in request.seeds]) for request in requests]

    def evaluate(self, states: Sequence[Any]) -> list[Valued]:
        return self.value(states)

    def _proposed(self, request: Request, replies: Sequence[Reply]) -> Proposed:
        env, here = request.state.dialogue.env, request.state
        before = env.snapshot()
        proposals, cost = [], Cost()
        for reply in replies:
            env.restore(here.snapshot)
            proposal, judged = self._try(here, reply)
            proposals.append(proposal)
            cost += reply.cost + Cost(verifier_calls=judged)
        env.restore(before)
        return Proposed(proposals, cost)

    def _try(self, here: Position, reply: Reply) -> tuple[Proposal, int]:
        env: Any = here.dialogue.env
        text = storable(reply.text)
        observation, reward, terminated, truncated, info = env.step(text)
        verdict = info.get("verdict")
        ids = reply.completions[0].token_ids if reply.completions else ()
        said = Message("assistant", text, reply.prompt_ids, ids)
        messages = (*here.dialogue.messages, said, Message("user", str(observation)))
        ended = bool(terminated or truncated)
        told = self.peek and verdict is not None and not math.isnan(verdict.score)
        proposal = Proposal(
            action=text,
            state=Position(replace(here.dialogue, messages=messages), env.snapshot(), reply, ended),
            terminal=ended,
            prior=_prior(reply),
            value=2 * verdict.score - 1 if told else None,
            reward=float(reward) if self.peek else 0.0,
            meta={"ids": list(ids)} if ids else {},
        )
        return proposal, int(verdict is not None)


class EnvSearch:
    """Plans a whole dialogue in its environment before it says the first word, and then says what it planned.

    The plan is the path to the search's answer; where the dialogue takes another turn, or the plan is used up, it is
    planned anew. The tree is in the meta of the reply that it was grown for, and so is its cost.

    judged_by: hash of the weights that values come from, where they are not the agent's.
    """

    def __init__(self, world: EnvWorld, method: Method, name: str = "", judged_by: str = "") -> None:
        self.world = world
        self.method, self.judged_by = method, judged_by
        self.name = name or type(method).__name__
        self._planned: dict[tuple[int, tuple[Message, ...]], Reply] = {}

    @property
    def actor(self) -> Actor:
        inner = self.world.agent.actor
        peeks = "+peek" if self.world.peek else ""
        return Actor(f"{inner.agent_id}+{self.name}{peeks}", joined(inner.weights_hash, self.judged_by))

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        replies = [self._planned.pop((id(one.env), one.messages), None) for one in dialogues]
        new = [index for index, reply in enumerate(replies) if reply is None]
        roots = [self.world.root(dialogues[index]) for index in new]
        trees = run(self.world, self.method, roots, [dialogues[index].seed for index in new])
        stale = {id(dialogues[index].env) for index in new}
        self._planned = {key: reply for key, reply in self._planned.items() if key[0] not in stale}
        for index, tree in zip(new, trees, strict=True):
            first, *following = self._path(tree.answer) or self._path(tree.nodes[1])
            for node in following:
                assert node.parent is not None
                before = node.parent.state.dialogue
                self._planned[id(before.env), before.messages] = replace(node.state.reply, cost=Cost())
            meta = {**first.state.reply.meta, "tree": tree.rows()}
            replies[index] = replace(first.state.reply, cost=tree.cost, meta=meta)
        return [reply for reply in replies if reply is not None]

    def _path(self, answer: Node) -> list[Node]:
        """From the child of the root to the answer."""
        return list(answer.ancestry())[-2::-1]


def reply_value(evaluator: Evaluator) -> Worth:
    """What a value model foretells from the tokens of the last reply: tanh of its head; 0 at the start."""

    def value(positions: Sequence[Position]) -> list[Valued]:
        replies = [one.reply for one in positions if one.reply is not None]
        answers = [reply.completions[0].token_ids for reply in replies]
        scores = evaluator.score([reply.prompt_ids for reply in replies], answers) if replies else []
        read = iter([Valued(math.tanh(score), _reading(reply)) for score, reply in zip(scores, replies, strict=True)])
        return [Valued(0.0) if one.reply is None else next(read) for one in positions]

    return value


def _reading(reply: Reply) -> Cost:
    return Cost(tokens_in=len(reply.prompt_ids) + len(reply.completions[0].token_ids))


def _prior(reply: Reply) -> float:
    """The geometric mean of the probabilities of a reply's tokens; 1 for a scripted agent's."""
    if not reply.completions:
        return 1.0
    logprobs = reply.completions[0].logprobs
    return math.exp(sum(logprobs) / len(logprobs))
