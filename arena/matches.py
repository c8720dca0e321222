"""Matches: agents meet in games, many matches at once, each agent asked once for all matches that wait for it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from palaestra.agents.agent import Agent, Dialogue, Message, Reply
from palaestra.envs.games import make_game
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor, Cost, Episode, Outcome, Span, Turn
from palaestra.episodes.record import storable
from palaestra.verifiers import Verdict

from .environments import Environments
from .outgrown import OUTGROWN, replies_where_there_is_room
from .rollout import line_spans, outcome_of, sampled, solution_spans

FREE = Cost()
MAX_MATCH_TURNS = 1024  # a game that never ends is cut off here, undecided


@dataclass(frozen=True, slots=True)
class MatchJob:
    """One match to play: which game, dealt from which seed, and who sits where.

    players: names of agents, one a seat, in the order of the game's own agents.
    """

    id: str
    env_id: str
    env_kwargs: Mapping[str, Any]
    seed: int
    group_id: str
    players: tuple[str, ...]
    agent_seed: int = 0


class Table:
    """A PettingZoo AEC environment from its reset on: who is to speak, and what each role has been given.

    env: any that speaks text. roles: its agents, in the order of seats. over: nobody is left who could act.
    """

    def __init__(self, env: Any, seed: int) -> None:
        env.reset(seed=seed)
        self.env = env
        self.roles: tuple[str, ...] = tuple(env.possible_agents)
        self.total = dict.fromkeys(self.roles, 0.0)
        self.infos: dict[str, Mapping[str, Any]] = {}
        self.turns = 0
        self.terminated = self.truncated = self.over = False

    @property
    def role(self) -> str:
        """Whose turn it is."""
        role: str = self.env.agent_selection
        return role

    def answer(self, text: str) -> tuple[float, str]:
        """Take the present role's answer: what the role is given at once, and why it was refused ("" if it was not)."""
        env, role = self.env, self.env.agent_selection
        env.step(text)
        self.turns += 1
        rewards = dict(env.rewards)
        for name, reward in rewards.items():
            self.total[name] += reward
        next_role = env.agent_selection
        if env.terminations[next_role] or env.truncations[next_role]:
            self._leave()
        elif self.turns >= MAX_MATCH_TURNS:
            self.cut_off()
        refused = "" if next_role != role or self.over else env.infos[role].get("illegal", "")
        return float(rewards.get(role, 0.0)), refused

    def cut_off(self) -> None:
        """End the match, undecided."""
        self.truncated = self.over = True
        self.infos |= self.env.infos

    def outcomes(self) -> dict[str, Outcome]:
        """How the match ended for each role: its own return, and the verdict's status and reason."""
        return {role: outcome_of(self.total[role], self.verdict(role), self.truncated) for role in self.roles}

    def verdict(self, role: str) -> Verdict | None:
        return self.infos.get(role, {}).get("verdict")

    def forfeit(self, role: str, refused: int) -> str:
        """Why a role's last answer forfeited the match; "" where it did not. refused: of its answers, as they came."""
        verdict = self.verdict(role)
        lost = self.infos.get(role, {}).get("illegal_actions", 0) > refused
        return verdict.reason if verdict is not None and lost else ""

    def _leave(self) -> None:
        """See off those who are done, as PettingZoo wants it; the match is over when all of them are."""
        env = self.env
        if len(env.agents) == len(self.roles) and all(env.terminations.values()):  # the usual end, at once
            self.infos.update(env.infos)
            self.over = self.terminated = True
            return
        while env.agents:
            done = {name for name in env.agents if env.terminations[name] or env.truncations[name]}
            self.truncated = self.truncated or any(env.truncations[name] for name in done)
            self.infos |= {name: env.infos[name] for name in done}
            if len(done) == len(env.agents):
                break
            if env.agent_selection not in done:
                return
            env.step(None)
        self.over = True
        self.terminated = not self.truncated


@dataclass(slots=True)
class _Match:
    """A match under way. actors: who plays each role, as they were when it began.

    turns: fields of each ``Turn``, made when the match is over, since the last ones get verdicts.
    observation: the last that was answered.
    """

    table: Table
    job: MatchJob
    player: Mapping[str, str]
    actors: Mapping[str, Actor]
    turns: list[dict[str, Any]]
    cost: Cost
    started: float
    observation: str = ""


def play_matches(
    agents: Mapping[str, Agent],
    jobs: Iterable[MatchJob],
    tags: Mapping[str, str] | None = None,
    slots: int = 512,
    tables: Environments | None = None,
) -> Iterator[Episode]:
    """Play ``jobs``, ``slots`` of them at a time, and yield each match as an episode when it ends.

    Each agent answers, in one batch, in all matches in which it is its turn. It is shown the observation alone, which
    holds all that its seat may know. A match's roles are the game's agents: each has its turns, its actor and its
    outcome, whose reward is its own return. A match whose observation outgrows an agent behind the first turn is cut
    off, and the last turn's meta tells so. A refused answer is a turn with ``illegal`` (why) in its meta; what it
    costs is the game's affair. ``tables`` keeps environments for the next call.

    Raises:
        ValueError: a job names an agent that is not there, or more or fewer than the game has seats.
    """
    if tables is None:
        with Environments(make_game) as tables:
            yield from play_matches(agents, jobs, tags, slots, tables)
        return
    waiting, active, tags = iter(jobs), list[_Match](), dict(tags or {})
    while True:
        while len(active) < slots and (job := next(waiting, None)) is not None:
            active.append(_begin(job, agents, tables))
        if not active:
            return
        asked: dict[str, list[_Match]] = {}
        for match in active:
            asked.setdefault(match.player[match.table.role], []).append(match)
        for name, matches in asked.items():
            replies = replies_where_there_is_room(
                agents[name], [_dialogue(match) for match in matches], [bool(match.turns) for match in matches]
            )
            for match, reply in zip(matches, replies, strict=True):
                if reply is None:
                    match.turns[-1]["meta"] = {**match.turns[-1]["meta"], OUTGROWN: True}
                    match.table.cut_off()
                else:
                    _take(match, reply)
        for match in active:
            if match.table.over:
                tables.give_back(match.table.env)
                yield _episode(match, tags)
        active = [match for match in active if not match.table.over]


def _begin(job: MatchJob, agents: Mapping[str, Agent], tables: Environments) -> _Match:
    table = Table(tables.take(job.env_id, job.env_kwargs), job.seed)
    if len(job.players) != len(table.roles):
        seats = ", ".join(table.roles)
        raise ValueError(f"{job.env_id} has {len(table.roles)} seats ({seats}), not {len(job.players)}")
    missing = [name for name in job.players if name not in agents]
    if missing:
        raise ValueError(f"no agent {missing[0]!r} for {job.id}: there are {', '.join(agents)}")
    player = dict(zip(table.roles, job.players, strict=True))
    actors = {role: agents[name].actor for role, name in player.items()}
    return _Match(table, job, player, actors, [], Cost(), time.perf_counter())


def _dialogue(match: _Match) -> Dialogue:
    env = match.table.env
    match.observation = str(env.observe(env.agent_selection))
    asked = Message("user", match.observation)
    return Dialogue((asked,), derive_seed(match.job.agent_seed, len(match.turns)), env=env)


def _take(match: _Match, reply: Reply) -> None:
    table = match.table
    role = table.role
    text = storable(reply.text)
    reward, refused = table.answer(text)
    steps, solutions = _spans(text)
    meta = {**reply.meta, "illegal": refused} if refused else reply.meta
    match.turns.append(
        {
            "role": role,
            "observation": match.observation,
            "text": text,
            "reward": reward,
            "step_spans": steps,
            "solution_spans": solutions,
            "meta": meta,
            **sampled(reply),
        }
    )
    if reply.cost != FREE:
        match.cost = match.cost + reply.cost


def _episode(match: _Match, tags: Mapping[str, str]) -> Episode:
    table, job = match.table, match.job
    return Episode(
        id=job.id,
        env_id=job.env_id,
        env_kwargs=job.env_kwargs,
        reset_options={},
        seed=job.seed,
        group_id=job.group_id,
        roles=dict(match.actors),
        turns=_judged(match.turns, table),
        outcome=table.outcomes(),
        terminated=table.terminated,
        truncated=table.truncated,
        cost=match.cost + Cost(seconds=time.perf_counter() - match.started),
        tags=tags,
    )


def _judged(turns: list[dict[str, Any]], table: Table) -> tuple[Turn, ...]:
    """The turns, each role's last one with its verdict, and with what forfeited the match if its answer did."""
    last = {turn["role"]: turn for turn in turns}
    for role, turn in last.items():
        verdict = table.verdict(role)
        if verdict is None:
            continue
        turn["verdicts"] = (verdict,)
        forfeit = table.forfeit(role, sum(1 for each in turns if each["role"] == role and "illegal" in each["meta"]))
        if forfeit:
            turn["meta"] = {**turn["meta"], "illegal": forfeit}
    return tuple([Turn(**turn) for turn in turns])


@lru_cache(maxsize=1 << 12)
def _spans(text: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Of steps and of solutions; kept, since a game has few moves."""
    return line_spans(text), solution_spans(text)


def illegal_moves(episode: Episode, role: str) -> int:
    """How many of a role's answers the game refused."""
    return sum(1 for turn in episode.turns if turn.role == role and "illegal" in turn.meta)
