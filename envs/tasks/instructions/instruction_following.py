"""Write a text that follows several instructions at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

from .composing import compose
from .wishes import WISHES, Pick, Wish

COUNTS = (1, 2, 2, 3, 3, 4, 4, 5, 5, 6)  # instructions, by difficulty
WEAK_COUNT = 2  # instructions that the weak solver follows
SUBJECTS = (
    *("the sea", "a small garden", "the first day of winter", "an old bridge", "a night train", "bees", "a lost key"),
    *("a market in the morning", "a lighthouse", "learning to swim", "a long walk", "the moon", "a village school"),
    *("bread", "a quiet library", "mountain weather", "a football match", "an empty house", "a birthday", "a storm"),
    *("the colour blue", "a river in spring", "a good friend", "the history of clocks", "moving to another town"),
    *("why people sing", "a rainy holiday", "a chess game", "the smell of coffee", "a visit to the zoo"),
)
FORMS = ("a short text", "a note", "a letter", "a diary entry", "a blog post", "a speech", "a description", "a story")


@register("palaestra/InstructionFollowing-v0")
@dataclass(frozen=True)
class InstructionFollowing(Task):
    """Difficulty raises how many instructions a text has to follow (1 to 6) and how much each demands.

    The whole response is the text, without a box: it is right when every instruction is followed, by the checkers of
    ``palaestra.verifiers.instructions`` (after Zhou et al., Instruction-Following Evaluation for Large Language
    Models, 2023). At least one of them asks for an exact number or a given place, so that no text is right by chance.
    Of the 25 kinds, Language (which needs a library) and Choice (which needs no text) are left out.
    """

    tags: ClassVar[tuple[str, ...]] = ("instructions", "writing")
    ceiling = 0.05
    wordings: ClassVar[tuple[str, ...]] = (
        "Write {form} about {subject}. Follow every one of these instructions:\n{wishes}\nReply with the text alone.",
        "{wishes}\nThese are the rules for {form} about {subject}. Your whole reply is checked against them, so write "
        "nothing else.",
        "I need {form}. Its subject: {subject}. What I ask of your reply, all of which is the text:\n{wishes}",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count = COUNTS[difficulty - 1]
        draw = iter(rng.random(4 + 12 * count).tolist())

        def pick(n: int) -> int:
            return int(next(draw) * n)

        chosen = _chosen(pick, count)
        records, texts = [], []
        for wish in chosen:
            record, text = wish.draw(pick, difficulty)
            records.append({"instruction": wish.kind, **record})
            texts.append(f"- {text}")
        fields = {
            "form": FORMS[pick(len(FORMS))],
            "subject": SUBJECTS[pick(len(SUBJECTS))],
            "wishes": "\n".join(texts),
        }
        return self.ask(rng, records, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        from palaestra.verifiers.instructions import InstructionVerifier, parse_instruction  # here, as it takes long

        return InstructionVerifier([parse_instruction(record) for record in problem.reference]).verify(response)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """A text of plain words that has all that is asked for."""
        return compose(problem.reference)

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Forgets all instructions but the first two."""
        return compose(problem.reference[:WEAK_COUNT])


def _chosen(pick: Pick, count: int) -> list[Wish]:
    """Wishes that go together, the first of them exacting."""
    exacting = [wish for wish in WISHES if wish.exacting]
    chosen = [exacting[pick(len(exacting))]]
    while len(chosen) < count:
        barred = {kind for wish in chosen for kind in (wish.kind, *wish.excludes)}
        kinds = {wish.kind for wish in chosen}
        pool = [wish for wish in WISHES if wish.kind not in barred and kinds.isdisjoint(wish.excludes)]
        chosen.append(pool[pick(len(pool))])
    return chosen
