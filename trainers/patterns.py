"""A round of four modules: problems are written, answered, judged and repaired; each that evolves learns from it.

The order is that of the survey's data and model evolution. Which modules, what each learns from and beside whom is the
recipe's and ``arena.patterns``' affair: nothing here knows a strategy. Held-out accuracy is the verifier's alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from palaestra.agents import processes
from palaestra.agents.agent import Agent, Dialogue, Reply
from palaestra.agents.judges import GenerativeJudge, words
from palaestra.arena.evaluate import held_out
from palaestra.arena.patterns import playing
from palaestra.arena.patterns.record import Record
from palaestra.arena.patterns.settings import Modules, Pattern
from palaestra.arena.patterns.shows import all_shows
from palaestra.episodes import Episode, EpisodeStore, views
from palaestra.episodes.views import Row, View

from .algorithms import ALGORITHMS
from .batch import pack, with_gradient
from .model_evolution import check_on_policy, evolve_models, learn, schedule_of
from .rounds import PlayedRound, collect, counted, demonstrator, difficulty_of, judged, new_job, once, step_decoder
from .session import Session

Episodes = Sequence[Episode]
GATE = 1  # the seed of the held-out problems that admit a round; those of evaluations have seed 0


class Shared:
    """An agent of whose dialogues each process has its share; all of them get all replies."""

    def __init__(self, agent: Agent, session: Session) -> None:
        self.agent, self.session = agent, session
        self.actor = agent.actor

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return self.session.shared(dialogues, self.agent.respond)


def pattern_round(session: Session) -> dict[str, Any]:
    """Problems, answers, opinions, repairs; the modules that evolve learn; what did harm is taken back."""
    pattern, gated = _pattern(session), _modules(session).admit == "not_worse"
    metrics: dict[str, Any] = {}
    if session.round == 0:
        metrics = {f"before/{name}": value for name, value in exam(session).items()}
        session.admitted = _gate(session) if gated else session.admitted
    record, replay = _played(session), session.recipe.evolve.replay
    before = session.snapshot() if gated else {}
    first = session.steps  # with it each lesson begins, so that the rate is the round's, however many there are
    metrics |= {f"round/{name}": value for name, value in record.figures().items()}
    for slot in pattern.evolved:
        learner = session if slot == "reasoner" else session.module(slot)
        for lesson in pattern.learners[slot].taught(record, pattern.strategy, pattern.partners(slot), replay):
            learner.steps = first
            told = teach(session, slot, record, *lesson)
            metrics |= {f"{slot}_{name}": value for name, value in told.items()}
    rewards = counted(session, record.answers)
    metrics |= {"reward": fmean(rewards) if rewards else math.nan, "episodes": len(record.answers)}
    if gated:
        metrics["gate"] = _gate(session)
        metrics["admitted"] = float(metrics["gate"] >= session.admitted)
        if metrics["admitted"]:
            session.admitted = metrics["gate"]
        else:
            session.put_back(before)
    session.steps = first + session.recipe.evolve.updates  # though nothing was learned, or it was taken back
    return metrics


def teach(
    session: Session, slot: str, record: Record, algorithm: str, view: View, older: Mapping[int, list[Row]]
) -> dict[str, Any]:
    """A module's steps on its rows, by a row of the algorithms; "" is the recipe's own, of the reasoner."""
    if not algorithm:
        past = [PlayedRound(session, one.answers, older[one.number], one.number) for one in record.older]
        return evolve_models(session, PlayedRound(session, record.answers, view.rows, older=past))
    row, spec = ALGORITHMS[algorithm], session.recipe.evolve
    if row.advantage is not None:  # undecided ones were left out of their groups
        view = replace(view, rows=row.advantage.among(view.rows))
    learned = {"learned_from": len(view.rows) - view.replayed} | ({"replayed": view.replayed} if spec.replay else {})
    if not view.rows:
        return learned
    batch, learner = pack(view.rows), session.module(slot) if slot != "reasoner" else None
    if row.advantage is not None:
        advantage, _ = row.advantage(view.rows)
        batch = replace(batch, advantage=batch.spread(advantage))
    moving = with_gradient(batch) if row.objective.reads_advantage else batch
    if moving is None:
        return {**learned, "learned_from": 0}
    metrics = learn(session, moving, row.objective, schedule_of(session.recipe), learner)
    check_on_policy(metrics, session.model.dtype)
    if learner is None:
        session.weights_changed()
    return {**learned, "loss": metrics["loss"], "gradient_norm": metrics["gradient_norm"]}


def exam(session: Session) -> dict[str, float]:
    """The modules together, and each by itself, on the held-out problems of the evaluation."""
    return _examined(session, session.recipe.evaluation.problems, seed=0)


def _gate(session: Session) -> float:
    return _examined(session, _modules(session).gate, seed=GATE)["accuracy"]


def _examined(session: Session, problems: int, seed: int) -> dict[str, float]:
    """Figures of a round on held-out problems, which is not learned from, nor logged."""
    recipe, answers = session.recipe, _modules(session).answers
    jobs = held_out(recipe.env_id, recipe.env_kwargs, recipe.evaluation.difficulties, problems, seed, answers)
    firsts = list({job.group_id: job for job in jobs}.values())
    written = playing.drafts(_agent(session, "creator"), firsts, _task(session), [], {})
    said = session.play(_agent(session, "reasoner"), jobs, {})
    mended = playing.repairs(_agent(session, "post_processor"), said, _task(session), {})
    return _record(session, session.round, written, said, mended).figures()


def _played(session: Session) -> Record:
    """The round's episodes, all of them logged; the problems that were let in are remembered."""
    recipe, spec, task = session.recipe, session.recipe.evolve, _task(session)
    levels = [difficulty_of(session, problem) for problem in range(spec.problems)]
    jobs = [
        [new_job(recipe, "evolve", session.round, problem, number, level) for number in range(spec.samples)]
        for problem, level in enumerate(levels)
    ]
    tags, modules = session.tags, EpisodeStore(session.run.path / "modules")
    creator, firsts = _agent(session, "creator"), [group[0] for group in jobs]
    written = once(
        modules, f"{session.batch}-drafts", lambda: playing.drafts(creator, firsts, task, session.written, tags)
    )
    session.written = [*session.written, *playing.valid_texts(written)][-playing.MEMORY :]
    asked = playing.asking([job for group in jobs for job in group], written)
    session.name_policy()
    answers = collect(session, _agent(session, "reasoner"), asked)
    corrector = _agent(session, "post_processor")
    mended = once(modules, f"{session.batch}-repairs", lambda: playing.repairs(corrector, answers, task, tags))
    shown, pattern = list[Episode](), _pattern(session)
    if pattern.strategy == "adversarial" and "evaluator" in pattern.evolved:
        shown = collect(session, demonstrator(recipe), asked[:: spec.samples], part="-shown")
    before = spec.replay.before(session.round) if spec.replay is not None else ()
    older = [_record(session, number, *playing.logged_round(session.run, number)) for number in before]
    return replace(_record(session, session.round, written, answers, mended, shown), older=older)


def _record(
    session: Session, number: int, written: Episodes, answers: Episodes, mended: Episodes, shown: Episodes = ()
) -> Record:
    chat, made = session.policy.chat, (written, answers, mended)
    sampled = views.groups(answers, decode=step_decoder(session)).rows
    own = judged(session.recipe, number, sampled) or views.sft(answers, chat.example, min_score=-math.inf).rows
    evaluates = "evaluator" in _pattern(session).learners
    record = playing.record_of(number, *made, own, _scores(session), words(session.tokenizer), evaluates)
    told = playing.beside_shown(record, shown, _scores(session), chat.example)
    return processes.gather(told)[0]  # all processes learn from what one of them was told, to the last digit


def shows(session: Session, shown: Sequence[Episode]) -> list[Row]:
    """What the modules that are models imitate in the warm start, made of the oracle's answers."""
    makers = {slot: one.shows for slot, one in _pattern(session).learners.items() if one.shows is not None}
    return all_shows(makers, shown, _task(session), session.policy.chat, words(session.tokenizer))


def _agent(session: Session, slot: str) -> Agent:
    """Who fills a slot, with the weights of now."""
    rules = _pattern(session).rules
    if slot in rules:
        return playing.rule_agent(slot, rules[slot], _task(session))
    if slot == "reasoner":
        return session.policy
    return Shared(session.policy_of(slot, f"{slot}@{session.rounds}"), session)


def _scores(session: Session) -> playing.Scores:
    """The evaluator, with the weights of now."""
    pattern = _pattern(session)
    if "evaluator" not in pattern.learners:
        return playing.RuleScores(pattern.rules["evaluator"], session.task_of)
    made = GenerativeJudge(session.module("evaluator").model, session.tokenizer), session.policy.chat.example
    if not pattern.learners["evaluator"].writes:
        return playing.ModelScores(*made)
    return playing.CritiqueScores(*made, session.policy_of("evaluator", "evaluator").engine)


def _pattern(session: Session) -> Pattern:
    assert session.pattern is not None
    return session.pattern


def _modules(session: Session) -> Modules:
    assert session.recipe.modules is not None
    return session.recipe.modules


def _task(session: Session) -> Any:
    recipe = session.recipe
    return session.environments.task(recipe.env_id, {**recipe.env_kwargs, "split": "train"}, 0)
