"""The answers of a round: asked for, judged, logged, and what else its learners may want to know of its problems."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from palaestra.agents import processes
from palaestra.agents.agent import Agent
from palaestra.agents.hinted import Hinted
from palaestra.agents.samplers import sampling_by
from palaestra.agents.scripted import OracleAgent
from palaestra.arena.rollout import Job, again
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Episode, EpisodeStore, choices, views
from palaestra.episodes.controls import CONTROLS, as_learned
from palaestra.episodes.sources import beside
from palaestra.episodes.views import Row, View, behind

from .batch import pack
from .recipe import Recipe
from .reference import logprobs_under
from .session import Session


class PlayedRound:
    """A round for data sources (``sources.Round``); what they ask for is played then, and logged with the round.

    number: of it; the one of now when None. For an older one nothing is played: it has what its log has.
    older: rounds before it, where they are not just read from the log.
    """

    def __init__(
        self,
        session: Session,
        episodes: Sequence[Episode],
        rows: list[Row],
        number: int | None = None,
        older: Sequence[PlayedRound] = (),
    ) -> None:
        self.session = session
        self.number = session.round if number is None else number
        self.episodes: Sequence[Episode] = as_learned(episodes, rows)
        self.rows = rows
        self.older = {one.number: one for one in older}
        chat = session.policy.chat
        self.decode, self.encode, self.encode_turns = chat.text, chat.example, chat.continued
        self.task_of = session.task_of

    def demonstrations(self) -> list[Row]:
        shown = self._others(demonstrator(self.session.recipe))
        return views.sft(shown, self.encode, encode_turns=self.encode_turns).rows

    def likeliest(self) -> list[Row]:
        return views.each(self._others(self.session.likeliest())).rows

    def hinted(self, groups: Sequence[str]) -> list[Row]:
        plain = {row.group_id: row.prompt for row in reversed(self.rows)}
        rows = views.each(self._others(Hinted(self.session.policy), set(groups))).rows if groups else []
        single = choices.unforked(rows).rows  # a later piece of a dialogue has the hint further on
        return beside(self.rows, [behind(plain[row.group_id], row) for row in single])

    def implicit_rewards(self, rows: Sequence[Row]) -> list[float]:
        session, batch = self.session, pack(rows)
        most = session.recipe.micro_batch_tokens
        gap = logprobs_under(session.model, batch, most) - logprobs_under(session.freeze_reference(), batch, most)
        return [float(part.sum()) for part in gap.split(batch.lengths().tolist())]

    def earlier(self, number: int) -> PlayedRound:
        if number not in self.older:
            episodes = self.session.run.episodes.named(f"evolve-{number:05d}")
            rows = views.groups(episodes, decode=step_decoder(self.session)).rows
            rows = judged(self.session.recipe, number, rows)
            self.older[number] = PlayedRound(self.session, episodes, rows, number)
        return self.older[number]

    def _others(self, agent: Agent, groups: set[str] | None = None) -> list[Episode]:
        """Another agent's answers to the round's problems, or to those of some groups."""
        if self.number != self.session.round:
            logged = self.session.run.episodes.named(f"evolve-{self.number:05d}-other")
            return [one for one in logged if _is_oracle(one) == isinstance(agent, OracleAgent)]
        firsts = {episode.group_id: episode for episode in self.episodes}
        jobs = [again(episode) for name, episode in firsts.items() if groups is None or name in groups]
        return collect(self.session, agent, jobs, part="-other")


def demonstrator(recipe: Recipe) -> OracleAgent:
    """The oracle, with the habits that it had in the last round of the warm start."""
    warm = recipe.warm_start
    return OracleAgent(warm.habits_at(max(0, warm.rounds - 1)))


def _is_oracle(episode: Episode) -> bool:
    """Whether the oracle answered; of a stage before, the answers beside a round's own may be another agent's."""
    return OracleAgent.actor in episode.roles.values()


def judged(recipe: Recipe, number: int, rows: list[Row]) -> list[Row]:
    """A round's rows with the rewards that they are learned from: their own, or what the control makes of them."""
    return CONTROLS[recipe.evolve.control](rows, np.random.default_rng([recipe.seed, number]))


def sample(session: Session) -> tuple[list[Episode], View]:
    """A round's episodes and their groups; with ``attempts``, more problems in place of those that told nothing."""
    recipe, spec, algorithm = session.recipe, session.recipe.evolve, session.recipe.algorithm()
    session.name_policy()  # whatever of the round is in the log already: others are asked beside it
    sampler = session.policy if spec.sampler is None else sampling_by(spec.sampler, session.policy)
    episodes: list[Episode] = []
    asked, missing = 0, spec.problems
    for attempt in range(1 + algorithm.attempts):
        jobs = [
            new_job(recipe, "evolve", session.round, problem, number, difficulty_of(session, problem))
            for problem in range(asked, asked + missing)
            for number in range(spec.samples)
        ]
        episodes += collect(session, sampler, jobs, part=f"-{attempt}" if attempt else "")
        asked += missing
        view = views.groups(episodes, spec.samples, step_decoder(session))
        missing = spec.problems - len({row.group_id for row in choices.ranked(view.rows).rows})
        if missing <= 0:
            break
    return episodes, view


def step_decoder(session: Session) -> views.Decode | None:
    """What tells the text of ids, where the algorithm reads the verdicts of steps."""
    return session.policy.chat.text if session.recipe.algorithm().reads_steps else None


def difficulty_of(session: Session, problem: int) -> int:
    """Of a problem of evolution: levels in turn, from the present one of the problem's family down to the first."""
    recipe = session.recipe
    seed = derive_seed(recipe.seed, "evolve", session.round, problem)
    family = session.environments.family(recipe.env_id, {**recipe.env_kwargs, "split": "train"}, seed)
    lowest = recipe.evolve.start_difficulty  # of a late stage perhaps above the level that was reached
    levels = range(lowest, max(lowest, session.curricula.of(family).level) + 1)
    return levels[-1 - problem % len(levels)]


def counted(session: Session, episodes: Sequence[Episode]) -> list[float]:
    """Tell the curricula how the answers came out; the decided rewards."""
    outcomes = [next(iter(episode.outcome.values())) for episode in episodes]
    for episode, outcome in zip(episodes, outcomes, strict=True):
        family = session.environments.family(episode.env_id, episode.env_kwargs, episode.seed)
        session.curricula.of(family).update(episode.reset_options["difficulty"], min(max(outcome.reward, 0.0), 1.0))
    return [outcome.reward for outcome in outcomes if outcome.decided]


def collect(session: Session, agent: Agent, jobs: list[Job], part: str = "") -> list[Episode]:
    """Play the round's jobs and commit them to the log; a round that is in the log already is read, not played.

    part: of the round, where it has more than one.
    """

    def play() -> list[Episode]:
        slots = 32 if isinstance(agent, OracleAgent) else 512  # scripted agents gain nothing by a batch
        return session.play(agent, jobs, session.tags, slots)

    return once(session.run.episodes, f"{session.batch}{part}", play)


def once(store: EpisodeStore, name: str, play: Callable[[], list[Episode]]) -> list[Episode]:
    """What is played, committed as ``name`` by the first process; what is in the store already is read instead."""
    committed = store.find(name)
    if committed is not None:
        return list(store.read(committed))
    played = play()
    if processes.is_first():
        store.append(played, name)
    return played


def new_job(recipe: Recipe, stage: str, round: int, problem: int, sample: int, difficulty: int) -> Job:
    """The job of one answer; everything in it follows from the recipe's seed and the numbers given."""
    group = f"{stage}/{round:05d}/{problem:05d}"
    return Job(
        id=f"{group}/{sample:03d}",
        env_id=recipe.env_id,
        env_kwargs={**recipe.env_kwargs, "split": "train"},
        seed=derive_seed(recipe.seed, stage, round, problem),
        group_id=group,
        reset_options={"difficulty": difficulty},
        agent_seed=derive_seed(recipe.seed, stage, round, problem, sample),
    )
