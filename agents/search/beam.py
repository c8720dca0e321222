"""Step-level beam search: sample steps, keep the best by value, go on from those."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .tree import Node, Tree, finished, value_of
from .world import Asking, Evaluate, Expand


@dataclass(frozen=True, slots=True)
class StepBeam:
    """SBS(B1, B2) of AlphaMath (arXiv:2405.03553): B1 beams, B2 samples at each; no back-up.

    All samples of a round are ranked by value, equal ones in the order in which they were sampled. What is kept and has
    ended leaves the beam and narrows it by one; the answer is the best of these. SBS(1, 1) is sampling step by step.

    diversity: what a step loses for every better one of the round with the same action, so that beams differ (the
    Hamming penalty of diverse beam search, Vijayakumar et al., arXiv:1610.02424, a beam being a group).
    depth: steps, at most, in a world where nothing ends; the answer is then the best of what has ended, else of the
    last round.
    """

    beams: int = 1
    samples: int = 5
    diversity: float = 0.0
    depth: int = 256

    def __post_init__(self) -> None:
        if min(self.beams, self.samples, self.depth) < 1 or self.diversity < 0:
            raise ValueError(f"1 or more beams and samples, steps and no negative diversity are needed: {self}")

    def __call__(self, tree: Tree) -> Asking:
        beam, width = [tree.root], self.beams
        ended: list[Node] = []
        for _ in range(self.depth):
            if not beam:
                break
            born = yield Expand(beam, [self.samples] * len(beam))
            candidates = [child for children in born for child in children]
            yield Evaluate(candidates)
            kept = self.best(candidates, width)
            beam = [node for node in kept if not node.terminal]
            ended += [node for node in kept if node.terminal]
            width = self.beams - len(ended)
            tree.answer = kept[0] if kept else tree.answer
        tree.answer = finished(ended) or tree.answer

    def best(self, candidates: Sequence[Node], width: int) -> list[Node]:
        """The ``width`` best, best first; equals in the order given."""
        left, taken = list(candidates), Counter[str]()
        kept: list[Node] = []
        while left and len(kept) < width:
            best = max(left, key=lambda node: value_of(node) - self.diversity * taken[node.action])
            left.remove(best)
            kept.append(best)
            taken[best.action] += 1
        return kept
