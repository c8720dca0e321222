"""What each module does in a round: problems are written, answered, judged and repaired; all of it is logged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import Protocol

import numpy as np

from palaestra.agents.agent import Agent, Dialogue, Message, Reply
from palaestra.agents.creators.rewards import novelty, triples
from palaestra.agents.engine import Completion, Engine
from palaestra.agents.judges import ASKED, SHOWN, CritiqueJudge, GenerativeJudge, words
from palaestra.agents.postprocess.asking import behind
from palaestra.arena.rollout import Job, sampled
from palaestra.arena.run_folder import RunFolder
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem, Task, Unposed, posed
from palaestra.episodes import Actor, Cost, Episode, EpisodeStore, Outcome, Turn, views
from palaestra.episodes.record import storable
from palaestra.episodes.views import Encode, Row, encoded
from palaestra.verifiers import Status

from .record import Record
from .rules import Rule

ASK = "Write a problem of level {level}."
MEND = "Mend it."
REPAIR = "/repair"  # behind the id of the answer that a repair is of
MEMORY = 256  # of the latest drafts, that new ones are compared with


class Scores(Protocol):
    """An evaluator: the chance that each episode's answer is right; and that it was shown, nan where it cannot tell."""

    def __call__(self, episodes: Sequence[Episode]) -> list[float]: ...

    def shown(self, episodes: Sequence[Episode]) -> list[float]: ...


class ModelScores:
    """A generative judge."""

    def __init__(self, judge: GenerativeJudge, encode: Encode) -> None:
        self.judge, self.encode = judge, encode

    def __call__(self, episodes: Sequence[Episode]) -> list[float]:
        return self._ask(episodes, ASKED)

    def shown(self, episodes: Sequence[Episode]) -> list[float]:
        return self._ask(episodes, SHOWN)

    def _ask(self, episodes: Sequence[Episode], question: str) -> list[float]:
        turns = [encoded(_answer_turn(one), self.encode) for one in episodes]
        return self.judge.score([turn.prompt_ids for turn in turns], [turn.action_ids for turn in turns], question)


class CritiqueScores(ModelScores):
    """The same of a judge that writes a critique first, and then says yes or no behind it.

    engine: samples the critiques. critiques: by episode, what it wrote last.
    """

    def __init__(self, judge: GenerativeJudge, encode: Encode, engine: Engine) -> None:
        super().__init__(judge, encode)
        self.engine = engine
        self.critiques: dict[str, Sequence[int]] = {}

    def _ask(self, episodes: Sequence[Episode], question: str) -> list[float]:
        if not episodes:
            return []
        turns = [encoded(_answer_turn(one), self.encode) for one in episodes]
        prompts, answers = [turn.prompt_ids for turn in turns], [turn.action_ids for turn in turns]
        writer = CritiqueJudge(self.judge.model, self.judge.tokenizer, engine=self.engine)
        written = writer.write(prompts, answers, temperature=1.0, seed=derive_seed("critique", episodes[0].id) % 2**32)
        self.critiques |= {one.id: critique for one, critique in zip(episodes, written, strict=True)}
        asked = words(self.judge.tokenizer)["critique"]
        told = [(*answer, *asked, *critique) for answer, critique in zip(answers, written, strict=True)]
        return self.judge.score(prompts, told, question)


class RuleScores:
    """A function of task, problem and answer. Raises ValueError where that gives anything but a number."""

    def __init__(self, rule: Rule, task_of: Callable[[Episode], Task]) -> None:
        self.rule, self.task_of = rule, task_of

    def __call__(self, episodes: Sequence[Episode]) -> list[float]:
        return [self._score(self.rule(self.task_of(one), one.problem, one.turns[-1].text)) for one in episodes]

    def _score(self, told: object) -> float:
        if not isinstance(told, Real):
            name = getattr(self.rule, "__name__", "evaluator")
            raise ValueError(f"modules.evaluator: {name} gave {told!r}, and a score is a number from 0 to 1")
        return float(told)

    def shown(self, episodes: Sequence[Episode]) -> list[float]:
        return [float("nan")] * len(episodes)


class RuleAgent:
    """An agent whose replies are a function of the dialogue and a generator seeded by it."""

    def __init__(self, name: str, say: Callable[[Dialogue, np.random.Generator], str]) -> None:
        self.actor, self.say = Actor(name), say

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return [Reply(self.say(one, np.random.default_rng(one.seed))) for one in dialogues]


# How a rule of each slot that speaks is called: with the task, what it is asked about, and a generator or an answer.
SAYS: dict[str, Callable[[Rule, Task, Dialogue, np.random.Generator], str]] = {
    "creator": lambda rule, task, asked, rng: rule(task, _about(asked).difficulty, rng),
    "reasoner": lambda rule, task, asked, rng: rule(task, asked.problem, rng),
    "post_processor": lambda rule, task, asked, rng: rule(task, asked.problem, asked.messages[-2].content),
}


def rule_agent(slot: str, rule: Rule, task: Task) -> RuleAgent:
    """A rule as the agent of its slot."""
    return RuleAgent(getattr(rule, "__name__", slot), partial(SAYS[slot], rule, task))


def _about(dialogue: Dialogue) -> Problem:
    assert dialogue.problem is not None
    return dialogue.problem


def _answer_turn(episode: Episode) -> Turn:
    """The turn as an answer to the question itself: of a repair, what it was asked for is not looked at."""
    asked = episode.tags.get("question")
    turn = episode.turns[-1]
    return turn if asked is None else replace(turn, observation=asked, prompt_ids=(), action_ids=())


def drafts(
    agent: Agent, jobs: Sequence[Job], task: Task, memory: Sequence[str], tags: Mapping[str, str]
) -> list[Episode]:
    """A problem written for each job's level; of each its reward: 0, or how unlike those before it is if it is valid.

    Valid is what is executed to one answer, is of the level asked for, is not held out and was not written before.
    memory: what was. An episode's id is that of its problem's group; those of one level are a group.
    """
    levels = [int(job.reset_options["difficulty"]) for job in jobs]
    asked = [Problem(ASK.format(level=level), None, level) for level in levels]
    dialogues = [
        Dialogue((Message("user", one.prompt),), derive_seed("draft", job.agent_seed), one)
        for one, job in zip(asked, jobs, strict=True)
    ]
    made, before = [], list(memory)
    for job, one, reply in zip(jobs, asked, agent.respond(dialogues), strict=True):
        written = storable(reply.text).strip()
        reason = _refused(task, written, one.difficulty, before)
        new = 0.0 if reason else novelty(written, map(triples, before))
        before += [] if reason else [written]
        outcome = Outcome(new, Status.WRONG if reason else Status.RIGHT, reason or "valid")
        turn = Turn("creator", one.prompt, written, new, **sampled(reply))
        group = f"{job.group_id.rpartition('/')[0]}/level {one.difficulty}"
        cost = reply.cost + Cost(verifier_calls=1)
        made.append(_episode(job, job.group_id, group, "creator", agent.actor, turn, outcome, tags, cost))
    return made


def valid_texts(written: Sequence[Episode]) -> list[str]:
    """What was written and let in."""
    return [one.turns[0].text for one in written if one.outcome["creator"].status is Status.RIGHT]


def _refused(task: Task, text: str, level: int, memory: Sequence[str]) -> str:
    try:
        problem = posed(task, text)
    except Unposed as error:
        return str(error)
    if problem.difficulty != level:
        return f"of level {problem.difficulty}, not {level}"
    return "written before" if text in memory else ""


def repairs(agent: Agent, answers: Sequence[Episode], task: Task, tags: Mapping[str, str]) -> list[Episode]:
    """What a post-processor makes of each answer, judged by the verifier."""
    dialogues = [_request(one) for one in answers]
    made = []
    for one, reply in zip(answers, agent.respond(dialogues), strict=True):
        assert one.problem is not None
        text = storable(reply.text)
        verdict = task.verify(one.problem, text)
        turn = Turn("post_processor", MEND, text, verdict.score, verdicts=(verdict,), **sampled(reply))
        outcome = Outcome(verdict.score, verdict.status, verdict.reason)
        said = {**tags, "question": one.turns[-1].observation}
        cost = reply.cost + Cost(verifier_calls=1)
        made.append(
            _episode(one, one.id + REPAIR, one.group_id, "post_processor", agent.actor, turn, outcome, said, cost)
        )
    return made


def _request(answer: Episode) -> Dialogue:
    """The answer, and behind it that it be mended."""
    turn = answer.turns[-1]
    spoken = (Completion(turn.action_ids, turn.logprobs, "stop", turn.weights_version),) if turn.action_ids else ()
    question = Dialogue((Message("user", turn.observation),), problem=answer.problem)
    return behind(question, Reply(turn.text, spoken, turn.prompt_ids), MEND, derive_seed("repair", answer.id))


def _episode(
    of: Episode | Job,
    id: str,
    group: str,
    role: str,
    actor: Actor,
    turn: Turn,
    outcome: Outcome,
    tags: Mapping[str, str],
    cost: Cost,
) -> Episode:
    return Episode(
        *(id, of.env_id, of.env_kwargs, of.reset_options, of.seed, group, {role: actor}, (turn,), {role: outcome}),
        *(True, False, getattr(of, "problem", None)),
        cost=cost,
        tags=dict(tags),
    )


def asking(jobs: Sequence[Job], written: Sequence[Episode]) -> list[Job]:
    """The jobs with the valid drafts as their problems; where a draft is not valid, the seed's own problem stays."""
    valid = {one.id: {"problem": one.turns[0].text} for one in written if one.outcome["creator"].reward > 0}
    return [replace(job, reset_options={**job.reset_options, **valid.get(job.group_id, {})}) for job in jobs]


def logged_round(run: RunFolder, number: int) -> tuple[list[Episode], list[Episode], list[Episode], list[Episode]]:
    """Drafts, answers, repairs and demonstrations of a round of evolution, as its log has them."""
    name, modules = f"evolve-{number:05d}", EpisodeStore(run.path / "modules")
    return (
        *(modules.named(f"{name}-drafts"), run.episodes.named(name)),
        *(modules.named(f"{name}-repairs"), run.episodes.named(f"{name}-shown")),
    )


def beside_shown(record: Record, shown: Sequence[Episode], scores: Scores, encode: Encode) -> Record:
    """The record with demonstrations of its problems, where there are any, and what the evaluator takes for one."""
    made = [*record.answers, *record.repairs.values()] if shown else []
    told = {one.id: value for one, value in zip(made, scores.shown(made), strict=True)}
    return replace(record, demonstrations=views.sft(shown, encode).rows, shown=told)


def record_of(
    number: int,
    written: Sequence[Episode],
    answers: Sequence[Episode],
    mended: Sequence[Episode],
    own: list[Row],
    scores: Scores,
    known: Mapping[str, Sequence[int]],
    evaluates: bool,
) -> Record:
    """What the modules did, judged by the evaluator; ``own`` are the rows of the answers."""
    everything = [*answers, *mended]
    told = scores(everything)
    return Record(
        number=number,
        drafts=[one for one in written if one.turns[0].text],
        answers=answers,
        rows={"creator": views.groups(written).rows, "reasoner": own, "post_processor": views.groups(mended).rows},
        scores=dict(zip([one.id for one in everything], told, strict=True)),
        repairs={answer.id: mend for answer, mend in zip(answers, mended, strict=True)},
        words=known,
        critiques=getattr(scores, "critiques", {}),
        evaluates=evaluates,
    )
