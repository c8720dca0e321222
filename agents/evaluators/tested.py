"""The tests that a question shows, as an evaluator of programs (as AlphaCode filters, arXiv:2203.07814)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from palaestra.agents.postprocess.visible_tests import tests_shown, tried
from palaestra.episodes import Cost
from palaestra.verifiers import Status

from .assessment import Answer, Assessment, Grain, refuse, spans_of


class Tested:
    """The share of the visible tests that the program in an answer passes, in [0, 1]. Hidden tests are not looked at.

    nan: the question shows no test, or the sandbox could not tell.
    """

    grains: tuple[Grain, ...] = ("answer",)

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        refuse(self, grain)
        return [self._assess(answer) for answer in answers]

    def _assess(self, answer: Answer) -> Assessment:
        spans = spans_of(answer.reply, "answer")
        tests = tests_shown(answer.dialogue)
        if not tests:
            return Assessment((math.nan,), spans)
        verdict = tried(tests, answer.reply.text)
        score = math.nan if verdict.status is Status.UNDECIDED else verdict.score
        return Assessment((score,), spans, Cost(verifier_calls=1))
