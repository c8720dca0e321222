"""Questions put to processes of other hash seeds."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from palaestra.envs.elsewhere import HASH_SEEDS, ask_elsewhere

MODULE = """
import os, sys
print("noise")
calls = 0

def seed_and_calls(word):
    global calls
    calls += 1
    return [os.environ["PYTHONHASHSEED"], str(hash(word)), str(calls), {answer!r}]

def fail():
    raise ValueError("a bug there")

def die():
    os._exit(3)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / f"asked_{os.getpid()}.py"
    path.write_text(MODULE.format(answer="first"))
    return path


def test_each_hash_seed_answers_and_every_answer_begins_anew(module: Path) -> None:
    for answer in ("first", "changed"):
        module.write_text(MODULE.format(answer=answer))
        said = ask_elsewhere(f"{module.stem}:seed_and_calls", "word")
        assert [(seed, calls, told) for seed, _, calls, told in said] == [(str(s), "1", answer) for s in HASH_SEEDS]
        assert len({hashed for _, hashed, _, _ in said} | {str(hash("word"))}) == 3
    assert module.stem not in sys.modules


@pytest.mark.parametrize(("function", "why"), [("fail", "ValueError: a bug there"), ("die", "3"), ("none", "none")])
def test_what_goes_wrong_there_is_told_and_the_next_question_answered(module: Path, function: str, why: str) -> None:
    with pytest.raises(RuntimeError, match=f"another process fails: .*{why}"):
        ask_elsewhere(f"{module.stem}:{function}")
    assert len(ask_elsewhere(f"{module.stem}:seed_and_calls", "word")) == len(HASH_SEEDS)


def test_no_answer_in_time_is_told_and_the_next_question_answered(
    module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.write_text("import time\ndef sleep():\n    time.sleep(60)\ndef wake():\n    return ['awake']\n")
    assert ask_elsewhere(f"{module.stem}:wake") == [["awake"]] * 2
    monkeypatch.setattr("palaestra.envs.elsewhere.SECONDS", 0.2)
    with pytest.raises(RuntimeError, match="no answer"):
        ask_elsewhere(f"{module.stem}:sleep")
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(module.parent))
    assert ask_elsewhere(f"{module.stem}:wake") == [["awake"]] * 2


def test_a_fork_asks_processes_of_its_own(module: Path) -> None:
    mine = ask_elsewhere("builtins:list", "ab")
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.starmap(ask_elsewhere, [("builtins:list", "ab")] * 2) == [mine] * 2


def test_the_interpreters_end_with_their_owner() -> None:
    program = (
        "import palaestra.envs.elsewhere as e\n"
        "e.ask_elsewhere('os:listdir', '/')\n"
        "print(*[e._interpreter(seed, e.os.getpid()).process.pid for seed in e.HASH_SEEDS])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", program], capture_output=True, text=True, check=True
    )
    assert "ResourceWarning" not in done.stderr
    for pid in done.stdout.split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)
