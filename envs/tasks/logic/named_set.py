"""Answers that are a set of names: any order counts, and every name of the set but no other."""

from __future__ import annotations

import re
from collections.abc import Sequence

from palaestra.verifiers import Verdict, last_boxed, right, wrong
from palaestra.verifiers.quoting import quoted

ANSWER_CHARS = 600  # a longer answer is none
SEPARATOR = re.compile(r"\\text|[\s,;{}$\\]|\band\b")


def judge_set(response: str, expected: Sequence[str], possible: Sequence[str], missing: str, extra: str) -> Verdict:
    """Whether the last box lists exactly ``expected``, case aside.

    possible: the names that an answer may hold. missing, extra: what is wrong when ``{}`` is left out or listed.
    """
    listed = ", ".join(expected)
    if response.endswith(f"\\boxed{{{listed}}}"):  # the usual right answer, at a third of the cost
        return right("the set asked for", answer=listed)
    text = last_boxed(response)
    if text is None:
        return wrong("no \\boxed answer")
    if len(text) > ANSWER_CHARS:
        return wrong(f"an answer of more than {ANSWER_CHARS} characters")
    known = {name.lower(): name for name in possible}
    found = []
    for part in filter(None, SEPARATOR.split(text.lower())):
        if part not in known:
            return wrong(f"'{quoted(part, 20)}' is none of {quoted(', '.join(possible))}", answer=quoted(text))
        found.append(known[part])
    for name in expected:
        if name not in found:
            return wrong(missing.format(name), answer=quoted(text))
    for name in found:
        if name not in expected:
            return wrong(extra.format(name), answer=quoted(text))
    return right("the set asked for", answer=quoted(text))
