from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from palaestra.verifiers import MathPolicy, MathVerifier, Verdict

ITEMS = json.loads((Path(__file__).parent / "hostile.json").read_text())["items"]


def spelled(item: dict[str, object]) -> str:
    """The payload, with ``<unit repeated n times>`` written out."""
    payload = str(item["payload"])
    repeat = item.get("repeat")
    if not isinstance(repeat, dict):
        return payload
    head, _, rest = payload.partition("<")
    return head + str(repeat["unit"]) * int(repeat["times"]) + rest.rpartition(">")[2]


def judge(item: dict[str, object]) -> Verdict:
    """The verdict on the payload: on its box, or on all of it."""
    return MathVerifier(MathPolicy(rules=("boxed", "whole"))).verify(spelled(item), str(item["gold"]))


@pytest.mark.parametrize("item", ITEMS, ids=[item["name"] for item in ITEMS])
def test_a_hostile_answer_is_judged_and_leaves_nothing(
    item: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    accepted = bool(item.get("equal")) or item["name"] == "two boxes"  # the last box counts
    assert judge(item).score == accepted
    assert MathVerifier().verify(f"\\boxed{{{spelled(item)}}}", str(item["gold"])).score == accepted
    assert not os.listdir(tmp_path)


def test_the_same_from_a_thread() -> None:
    here = list(map(judge, ITEMS))
    there: list[Verdict] = []
    thread = threading.Thread(target=lambda: there.extend(map(judge, ITEMS)))
    thread.start()
    thread.join()
    assert here == there
