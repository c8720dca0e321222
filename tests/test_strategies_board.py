"""The board of the strategies: what is planned, how cells are gone on with, the vote of equal tokens, the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.strategies import __main__ as command
from benchmarks.strategies import page, plan, play, tell
from benchmarks.strategies.board import Pool, Price, Row, pool_of, row_of, rows_of, unread
from palaestra.agents.agent import Agent, Dialogue, Reply
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Completion, Sampling, TokenIds
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.search.methods import METHODS
from palaestra.agents.strategies.table import STRATEGIES, parse
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.arena.evaluate import held_out
from palaestra.arena.rollout import rollout
from palaestra.episodes import Actor, Cost, Episode, EpisodeStore

SUMS = plan.PLACES[0]
SMALL = plan.Sizes("says", problems=6, answers=4)


class Says:
    """Solves the problems that ``solves`` says, by their number and that of the answer; a reply costs ``tokens``."""

    def __init__(self, solves: Callable[[int], bool], tokens: int = 10) -> None:
        self.actor, self.solves, self.tokens, self.asked = Actor("says"), solves, tokens, 0

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return [self._say(dialogue) for dialogue in dialogues]

    def _say(self, asked: Dialogue) -> Reply:
        assert asked.problem is not None
        right = self.solves(self.asked)
        self.asked += 1
        text = f"\\boxed{{{asked.problem.reference if right else 99999}}}"
        made = Completion((1,) * self.tokens, (0.0,) * self.tokens, "stop", 0)
        return Reply(text, (made,), (1, 2), cost=Cost(tokens_in=30, tokens_out=self.tokens))


def never(number: int) -> bool:
    return False


def always(number: int) -> bool:
    return True


def played(agent: Agent, problems: int = 20, samples: int = 1) -> list[Episode]:
    jobs = held_out(SUMS.env_id, SUMS.knobs, [SUMS.difficulty], problems, samples=samples)
    return list(rollout(agent, jobs))


def test_every_strategy_of_the_table_and_every_search_is_planned_or_left_out_with_a_reason() -> None:
    planned = {name for one in plan.contenders(2) for name, _ in parse(one.stack)}
    searches = {one.search.partition(":")[0] for one in plan.contenders(2) if one.search}
    assert planned | searches | set(plan.LEFT_OUT) == {*STRATEGIES, *METHODS}
    assert not (planned | searches) & set(plan.LEFT_OUT)
    assert len(plan.PLACES) == 3


def test_the_vote_comes_first_in_each_environment_and_stays_where_a_few_are_named() -> None:
    folders = [cell.folder for cell in plan.cells(SMALL)]
    assert len(set(folders)) == len(folders) == 3 * (1 + len(plan.contenders(2)))
    assert [folders[at * len(folders) // 3] for at in range(3)] == [f"{place.name}/vote" for place in plan.PLACES]
    named = [cell.folder for cell in plan.cells(SMALL, ["Arithmetic", "step_back"])]
    assert named == ["Arithmetic/vote", "Arithmetic/step_back"]
    assert len(list(plan.cells(SMALL, ["step_back"]))) == 6


def nano(longest: int) -> PolicyLLM:
    """A real model that knows nothing."""
    tokenizer = nano_tokenizer()
    model = nano_model(tokenizer, hidden=16, layers=1, heads=2, seed=1)
    engine = TransformersEngine(model, [tokenizer.eos_token_id])
    return PolicyLLM(engine, ChatFormat(tokenizer), Sampling(max_tokens=longest), Actor("nano"))


def test_every_contender_answers_with_a_real_model_and_pays_for_every_token_that_it_wrote(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrote, plain = list[int](), TransformersEngine.generate

    def counting(self: TransformersEngine, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        made = plain(self, prompts, sampling)
        wrote.extend(len(one.token_ids) for one in made)
        return made

    monkeypatch.setattr(TransformersEngine, "generate", counting)
    policy, examples = nano(3), play.shown(SUMS, 2)
    assert len({one.question for one in examples}) == 2
    for contender in (plan.plain(2), *plan.contenders(2)):
        wrote.clear()
        (episode,) = played(play.made(contender, policy, examples), problems=1)
        assert episode.cost.tokens_out >= sum(wrote) > 0, contender.name  # cot_decoding chooses first tokens itself


def test_a_search_asks_what_its_prompts_ask_and_is_written_with_them() -> None:
    read = dict[str, int]()
    for one in (one for one in plan.contenders(2) if one.search):
        (episode,) = played(play.made(one, nano(3), play.shown(SUMS, 2)), problems=1)
        (turn,) = episode.turns
        read[one.name] = episode.cost.tokens_in
        assert {"tree", "shots"} <= set(turn.meta), one.name
        assert episode.roles[turn.role].agent_id == f"nano+{one.search}+few_shot:2+chain_of_thought@1"
    assert read["surest_step_beam"] > read["step_beam"]  # what its judge reads
    beam, surest = (one for one in plan.contenders(2) if one.search.startswith("sbs"))
    assert beam.written == f"few_shot:2,chain_of_thought --search {beam.search}"
    assert surest.written == f"{beam.written} --judge self_evaluation"
    four = next(one for one in plan.contenders(2) if one.of == 4)
    assert four.written == "few_shot:2,direct,best_of:4 --judge perplexity"


def test_a_cell_is_played_once_and_one_that_was_stopped_is_begun_anew(tmp_path: Path) -> None:
    cells, said = [cell for cell in plan.cells(SMALL) if cell.folder.startswith("Arithmetic")][:3], list[str]()

    def stopped(number: int) -> bool:
        if number >= 24 + 6:
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        play.play_all(cells, tmp_path, SMALL, Says(stopped), said.append)
    assert [play.is_done(tmp_path / cell.folder) for cell in cells] == [True, True, False]
    assert [line.split(":")[0] for line in said] == ["[1/3] Arithmetic/vote", "[2/3] Arithmetic/direct"]
    agent = Says(always)
    play.play_all(cells, tmp_path, SMALL, agent, said.append)
    assert agent.asked == 6  # the third cell's, once
    assert said[-1].startswith("[3/3] Arithmetic/few_shot: ")
    assert len(list(EpisodeStore(tmp_path / "Arithmetic/vote/episodes").read())) == 6 * 4
    assert len(list(EpisodeStore(tmp_path / "Arithmetic/few_shot/episodes").read())) == 6
    told = json.loads((tmp_path / "Arithmetic/few_shot" / play.SUMMARY).read_text())
    assert (told["agent"], told["counted"]) == ("says+few_shot:2", {})


def test_as_many_answers_are_voted_on_as_the_tokens_pay_for() -> None:
    pool = Pool({"a": (["1", "2", "2", None], {"2"}), "b": ([None] * 4, set())}, Price(10.0, 50.0, 1.0))
    assert [pool.affordable(tokens) for tokens in (4, 10, 25, 400)] == [1.0, 1.0, 2.5, 4.0]
    assert pool.expected(1) == {"a": 0.5, "b": 0.0}
    two, three = pool.expected(2)["a"], pool.expected(3)["a"]
    assert pool.expected(2.25)["a"] == pytest.approx(0.75 * two + 0.25 * three)
    assert (pool.first(1)["a"], pool.first(2)["a"], pool.first(3)["a"], pool.first(3)["b"]) == (0.0, 0.0, 1.0, 0.0)


def test_a_strategy_stands_beside_the_vote_of_its_tokens_problem_by_problem() -> None:
    pool = pool_of(played(Says(lambda number: number % 4 == 0, tokens=10), samples=4))
    assert (pool.most, pool.price.written) == (4, 10.0)
    contender = plan.contenders(2)[0]
    dear = row_of(SUMS, contender, played(Says(always, tokens=80)), pool, {})
    even = row_of(SUMS, contender, played(Says(never, tokens=10)), pool, {})
    assert (dear.answers, dear.pays(pool), tell.beyond(dear, pool)) == (4.0, 2.0, True)
    assert (even.answers, tell.equal(even, pool), even.vote.value) == (1.0, True, 0.25)
    assert (even.gap.gap, even.gap.high, even.behind) == (-0.25, -0.25, True)
    assert (even.sign.wins, even.sign.losses) == (0, 20)  # the first answer drawn is the right one
    assert (dear.ahead, dear.sign.wins) == (True, 20)


def test_answers_that_were_cut_off_or_hold_none_are_counted() -> None:
    one, *others = played(Says(always), problems=3)
    cut = replace(one, turns=(replace(one.turns[-1], text="Let us think", finish_reason="length"),))
    assert unread([cut, *others]) == {"cut at the limit": 1, "without an answer": 1}
    assert unread(others) == {}


def test_one_that_solved_none_of_a_few_is_not_said_to_be_behind_though_the_bootstrap_has_no_interval() -> None:
    pool = pool_of(played(Says(lambda number: number % 4 == 0, tokens=10), problems=8, samples=4))
    row = row_of(SUMS, plan.contenders(2)[0], played(Says(never, tokens=10), problems=8), pool, {})
    assert (row.gap.low, row.gap.high) == (-0.25, -0.25)
    assert not row.behind  # 0 of 8 happens to who is right in a quarter
    all_of_them = row_of(SUMS, plan.contenders(2)[0], played(Says(always, tokens=10), problems=8), pool, {})
    assert (all_of_them.gap.low, all_of_them.ahead) == (0.75, True)  # 8 of 8 does not


def cell(runs: Path, name: str, agent: Agent, samples: int = 1) -> None:
    folder = runs / SUMS.name / name
    EpisodeStore(folder / "episodes").append(played(agent, samples=samples), name)
    counts = {"ProgramOfThought": {"no program": 7, "ok": 0}} if "program" in name else {}
    (folder / play.SUMMARY).write_text(json.dumps({"seconds": 1.0, "counted": counts}))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Cells made up: one that wins, one that loses, one cheap one."""
    half = lambda number: number // 4 % 2 == 0  # noqa: E731  # each second problem, all answers to it
    cell(tmp_path, plan.POOL, Says(half, tokens=10), samples=4)
    cell(tmp_path, "step_back", Says(always, tokens=25))
    cell(tmp_path, "program_of_thought", Says(never, tokens=90))
    cell(tmp_path, "direct", Says(lambda number: number % 2 == 0, tokens=3))
    return tmp_path


def test_the_page_says_plainly_who_loses_and_who_wins(runs: Path) -> None:
    out = runs / "docs" / "board.md"
    page.write_page(runs, out, SMALL)
    text = out.read_text()
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    assert list(rows) == ["few_shot:2,step_back", "direct", "program_of_thought"]  # the best first, the loser left in
    assert (
        "| 100.0 (83.9–100.0) | 25 | 30 | 1.0 | 2.5 | 50.0 (reads 75) | **+50.0** (+30.0 to +75.0) |"
        in rows["few_shot:2,step_back"]
    )
    assert "| 4.0 *dearer* | 50.0 (reads 120) | **-50.0** (-70.0 to -25.0) |" in rows["program_of_thought"]
    assert rows["program_of_thought"].endswith("| 7 no program |")
    assert "| 1.0 *cheaper* | 50.0 (reads 30) | +0.0 (+0.0 to +0.0) | 1 (0 won, 0 lost) |" in rows["direct"]
    said = " ".join(text.split())
    assert "3 comparisons: the strategy has less than the vote that writes as much in 1, more in 1." in said
    assert "difference lies below 0 in 1, above it in 1. Told apart by the sign test, corrected: 1 lost, 1 won." in said
    assert "Loses to the vote: `program_of_thought` (-50.0, K = 4.0, p < 0.05). Wins: `step_back` (+50.0, K =" in said
    assert "Not told apart by the interval: `direct`. The best is `step_back` with 100.0 %, where one" in said
    assert "a vote of its answers may" not in said  # nothing is known of few_shot yet
    cell(runs, "few_shot", Says(always, tokens=10))
    page.write_page(runs, out, SMALL)
    assert "plain answer in 1 of 1 environments: a vote of its answers may" in " ".join(out.read_text().split())
    assert "- `react`: -" in text
    assert "- `moves`: -" in text
    assert "`Arithmetic/few_shot`, `Arithmetic/chain_of_thought`" in text.split("## Not run yet")[1]
    assert out.with_suffix(".png").stat().st_size > 10_000


def test_a_table_s_signs_are_corrected_for_all_of_its_rows(runs: Path) -> None:
    found = rows_of(SUMS, runs, SMALL)
    assert found is not None
    rows: dict[str, Row] = {row.contender.name: row for row in found[1]}
    assert rows["step_back"].sign.adjusted == pytest.approx(3 * rows["step_back"].sign.p)
    assert rows_of(plan.PLACES[1], runs, SMALL) is None


def test_the_command_writes_the_page_alone_and_refuses_other_sizes_or_no_model(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(runs), "--out", str(runs / "board.md"), "--model", str(runs / "says")]
    assert command.main([*given, "--page"]) == 0
    assert (runs / "board.md").is_file()
    assert command.main(given) == 2
    assert "palaestra models get smollm2" in capsys.readouterr().err
    assert command.main([*given, "--page", "--problems", "7"]) == 2
    assert "other sizes" in capsys.readouterr().err


def test_chance_is_told_where_a_blind_guess_is_often_right() -> None:
    assert tell.by_chance(replace(SUMS, chance=1 / 3)) == "a blind guess is right in 33 %"
    assert tell.by_chance(replace(SUMS, chance=0.0)) == "a guess is next to never right"
