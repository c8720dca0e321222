"""Agreement: how many of the other answers to the same question are the same (self-consistency as a score)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from palaestra.verifiers import extract_answer

from .assessment import Answer, Assessment, Grain, refuse, spans_of


class Agreement:
    """The share of the other answers to the same dialogue, in the same choice, that give the same answer, in [0, 1].

    0 for a reply without an answer; nan for the only one to its dialogue. It costs nothing.
    """

    grains: tuple[Grain, ...] = ("answer",)

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        refuse(self, grain)
        given = [found.text or None if (found := extract_answer(answer.reply.text)) else None for answer in answers]
        questions = [(answer.choice, answer.dialogue.messages) for answer in answers]
        asked, votes = Counter(questions), Counter(zip(questions, given, strict=True))
        made = []
        for answer, question, text in zip(answers, questions, given, strict=True):
            same = votes[question, text] - 1 if text is not None else 0
            score = same / (asked[question] - 1) if asked[question] > 1 else math.nan
            made.append(Assessment((score,), spans_of(answer.reply, grain)))
        return made
