"""Agents that search: every answer is the end of a path through a tree, which is logged with it."""

from __future__ import annotations

from collections.abc import Sequence

from palaestra.agents.agent import Dialogue, Reply, joined
from palaestra.agents.policy import PolicyLLM
from palaestra.episodes import Actor

from .methods import method_named
from .text import TextWorld, Value, lines, replied, stopping_at_lines
from .tree import Tree
from .values import likelihood, opinion, value_head
from .world import Method, run


class TreeSearch:
    """Searches among the answers that a policy may give to a dialogue, all dialogues as one batch.

    The reply is the answer that the search settled on, as tokens that were sampled one step behind the other; one that
    has not ended is continued by the policy. Its cost is that of the whole tree, which is in ``meta["tree"]``, a row a
    node. Such tokens are chosen, not drawn: their log-probabilities are the policy's, their distribution is not.

    judged_by: hash of the weights that values come from, where they are not the policy's.
    """

    def __init__(self, world: TextWorld, method: Method, name: str = "", judged_by: str = "") -> None:
        self.world, self.method, self.judged_by = world, method, judged_by
        self.name = name or type(method).__name__

    @property
    def actor(self) -> Actor:
        inner = self.world.policy.actor
        peeks = "+peek" if self.world.peeks else ""
        return Actor(f"{inner.agent_id}+{self.name}{peeks}", joined(inner.weights_hash, self.judged_by))

    def search(self, dialogues: Sequence[Dialogue]) -> list[Tree]:
        """A tree a dialogue, grown with the dialogue's seed."""
        roots = [self.world.root(dialogue) for dialogue in dialogues]
        return run(self.world, self.method, roots, [dialogue.seed for dialogue in dialogues])

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        trees = self.search(dialogues)
        answers = self.world.finish([tree.answer.state for tree in trees], [tree.seed for tree in trees])
        return [
            replied(self.world.policy, answer, tree.cost + cost, tree=tree.rows())
            for tree, (answer, cost) in zip(trees, answers, strict=True)
        ]


def line_search(policy: PolicyLLM, search: str, judge: str = "") -> TreeSearch:
    """Searches among the lines of a policy's answers, by ``judge``'s word, as ``--search`` and ``--judge`` have it.

    judge: the folder of a value model, or an evaluator that needs no training and judges by steps, as self_evaluation;
    "" is likelihood.

    Raises:
        ValueError: no such search, or an evaluator or judge that judges whole answers only.
        MissingModel: no model is where the judge should be.
    """
    method, (value, judged_by) = method_named(search), _worth(judge, policy)
    return TreeSearch(lines(stopping_at_lines(policy), value), method, search, judged_by)


def _worth(judge: str, policy: PolicyLLM) -> tuple[Value, str]:
    """What a prefix is worth by a judge's word, and the hash of weights that are not the policy's."""
    from palaestra.agents.evaluator import Evaluator
    from palaestra.agents.evaluators.table import EVALUATORS
    from palaestra.agents.judges import load_judge

    if not judge:
        return likelihood, ""
    if judge not in EVALUATORS:
        evaluator = load_judge(judge)
        if not isinstance(evaluator, Evaluator):  # a head that is read behind a critique says nothing without
            raise ValueError(f"{judge} judges whole answers, a search asks about lines: take a judge of kind value")
        return value_head(evaluator), evaluator.actor.weights_hash
    assessor = EVALUATORS[judge](policy)
    if "step" not in assessor.grains:
        raise ValueError(f"{judge} judges whole answers, a search asks about lines: take self_evaluation, or a folder")
    return opinion(assessor, policy.chat), ""
