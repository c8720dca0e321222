"""What signs learn of a finite set of problems: so many tokens of it, spread over its problems, and what is dealt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from benchmarks.signs import studying
from benchmarks.signs.lema import dealt, spread
from benchmarks.signs.perplexity import scrambled
from benchmarks.signs.revthink import evenly
from benchmarks.signs.runs import read
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.pretrained import save_folder
from palaestra.episodes.views import Row


def row(prompt: str, answer: str, group: str = "g") -> Row:
    ids = np.array([*map(ord, prompt + answer)], np.int64)
    action = np.arange(len(ids)) >= len(prompt)
    return Row(ids, action, np.zeros(len(ids), np.float32), 1.0, "e", group, "env", "r")


def text(one: Row) -> str:
    return "".join(map(chr, one.ids))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = nano_tokenizer()
    return save_folder(tmp_path_factory.mktemp("signs") / "start", nano_model(tokenizer, 16, 1, 2), tokenizer, "")


def test_the_baseline_never_learns_from_fewer_tokens_than_what_is_held_against_it(start: Path, tmp_path: Path) -> None:
    rows = [row("ask", "a" * number) for number in range(1, 8)]
    under, over = (
        studying.study(
            tmp_path / name, start, rows, 200, seed=0, learning_rate=1e-3, batch_size=4, reach=name == "over"
        )
        for name in ("under", "over")
    )
    assert under.tokens <= 200 <= over.tokens
    assert over.tokens - under.tokens <= 4 * 10  # one batch
    assert over.passes > under.passes > 1
    assert studying.studied_in(tmp_path / "over") == over


def test_the_same_seed_learns_the_same(start: Path, tmp_path: Path) -> None:
    rows = [row("ask", "b" * number) for number in range(1, 8)]
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        studying.study(tmp_path / name, start, rows, 200, seed=seed, learning_rate=1e-3, batch_size=4)
    first, same, other = (load_file(tmp_path / name / "policy" / "model.safetensors") for name in "abc")
    assert all((first[name] == same[name]).all() for name in first)
    assert not all((first[name] == other[name]).all() for name in first)


def test_corrections_are_spread_over_problems_before_a_second_one_is_taken() -> None:
    rows = [row("?", letter, group) for letter, group in zip("abcdef", "xxxyyz", strict=True)]
    assert [text(one)[1] for one in spread(rows, 4)] == ["a", "d", "f", "b"]
    assert len(spread(rows, 9)) == 6


def test_what_is_dealt_is_never_a_row_s_own_and_keeps_prompts_and_sizes() -> None:
    rows = [row("p", "one"), row("qq", "two"), row("rrr", "three")]
    assert [text(one) for one in dealt(rows)] == ["pthree", "qqone", "rrrtwo"]
    assert read(dealt(rows)) == read(rows)


def test_tasks_weigh_alike_however_long_their_answers_are() -> None:
    rows = evenly([row("p", "one"), row("q", "two")], [row("r", "a long answer")])
    weighed = [one.weight * one.action.sum() for one in rows]
    assert weighed[0] + weighed[1] == pytest.approx(weighed[2])
    assert sum(weighed) == pytest.approx(sum(one.action.sum() for one in rows))


def test_scrambled_answers_keep_their_questions_their_tokens_and_their_end() -> None:
    (one,) = scrambled([row("ask", "abcdefghij\n")], np.random.default_rng(0))
    assert text(one)[:3] == "ask"
    assert text(one)[-1] == "\n"
    assert sorted(text(one)[3:-1]) == list("abcdefghij")
    assert text(one)[3:-1] != "abcdefghij"
