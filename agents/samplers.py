"""How the answers of a round are found, where that is more than sampling them: by search, by the best of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Literal

from palaestra.episodes import Actor, Cost
from palaestra.verifiers import Status, Verdict

from . import processes
from .agent import Agent, Dialogue, Reply
from .evaluator import BestOfN, Evaluator
from .evaluators.perplexity import Perplexity
from .policy import PolicyLLM
from .search.agents import TreeSearch
from .search.games import GameSearch
from .search.methods import is_for_games, method_named
from .search.text import Prefix, Value, lines, solutions
from .search.values import Rollouts, likelihood, nothing_known, value_head
from .search.world import Valued
from .strategies.inside import model_of

EXPLORED = 0.25  # of the moves in games
LESS = {Status.RIGHT: 0.0, Status.UNDECIDED: 0.5, Status.WRONG: 1.0}  # that an answer is worth for a line


@dataclass(frozen=True, slots=True)
class Sampler:
    """One of three ways; they are for training, and may look at verdicts.

    search: among the lines of an answer, as ``--search`` has it: ``mcts:12``, ``sbs:1,4``. value: what an answer so far
        is worth to it: "verdict", the mean of two answers that go on from there; "steps", less for each line that the
        task calls wrong or cannot judge; "likelihood", the geometric mean of its tokens' probabilities; "head", what
        the policy's own value head foretells, and the verdict where the answer has ended.
    best_of: answers, or, in a dialogue, actions, of which the likeliest a token is given.
    temperatures: of which the best balanced is chosen for the round (``Balanced``).

    In games ``moves:64`` searches for each move; value "noise" is its control. explore: the share of moves that are
        drawn instead, so that more positions are met.
    """

    search: str = ""
    value: Literal["verdict", "steps", "likelihood", "head", "noise"] = "verdict"
    best_of: int = 0
    temperatures: tuple[float, ...] = ()
    explore: float = EXPLORED

    def check(self) -> None:
        """Raises ValueError for what is no way, or several."""
        ways = bool(self.search) + (self.best_of != 0) + bool(self.temperatures)
        if ways != 1 or (self.best_of != 0 and self.best_of < 2) or len(self.temperatures) == 1:
            raise ValueError("a sampler is one of search, best_of (2 or more) and temperatures (2 or more)")
        if any(not one > 0 for one in self.temperatures):
            raise ValueError(f"temperatures are above 0, not {list(self.temperatures)}")
        if self.search:
            method_named(self.search)
        if self.value == "noise" and not self.in_games:
            raise ValueError("value noise is a control of a search for moves, such as moves:64")
        if self.value in ("steps", "likelihood", "head") and (self.in_games or not self.search):
            raise ValueError(f"value {self.value} is of a search among an answer's lines, such as mcts:12")
        if self.explore != EXPLORED and not self.in_games:
            raise ValueError("explore is for a search for moves, such as moves:64")
        if not 0 <= self.explore < 1:
            raise ValueError(f"explore is 0 or more and below 1, not {self.explore}")

    @property
    def in_games(self) -> bool:
        """Whether it searches for moves of games."""
        return is_for_games(self.search)


def sampling_by(sampler: Sampler, policy: PolicyLLM) -> Agent:
    """The policy as the sampler has it answer. Raises ValueError where it wants a value head that there is not."""
    if sampler.temperatures:
        return Balanced(policy, sampler.temperatures)
    if sampler.best_of:
        return BestOfN(policy, Perplexity(policy), sampler.best_of)
    if sampler.in_games:
        method: Any = method_named(sampler.search)
        return GameSearch(policy, method, sampler.explore, told=sampler.value != "noise")
    known = sampler.value in ("verdict", "head")
    world = lines(policy, _value(sampler.value, policy), peek=known)
    return TreeSearch(world, method_named(sampler.search), sampler.search)


def _value(name: str, policy: PolicyLLM) -> Value:
    if name == "verdict":
        return Rollouts(solutions(policy, nothing_known, peek=True), n=2)
    if name == "steps":
        return LinesRight(policy)
    if name == "likelihood":
        return likelihood
    model = model_of(policy, "value head")
    if not hasattr(model, "score"):
        raise ValueError(
            "value head is for a policy that has one: an algorithm with a critic on its backbone goes first"
        )
    return value_head(Evaluator(model, policy.chat.tokenizer))


class LinesRight:
    """Less by 1 for each line that the task calls wrong, by 1/2 for each that it cannot judge.

    Were such a line worth as much as a right one, a policy that learns from the search would soon write no other.
    """

    peeks = True

    def __init__(self, policy: PolicyLLM) -> None:
        self.policy = policy

    def __call__(self, prefixes: Sequence[Prefix]) -> list[Valued]:
        return [Valued(-self._less(one), Cost(verifier_calls=1)) for one in prefixes]

    def _less(self, prefix: Prefix) -> float:
        asked, env = prefix.dialogue, prefix.dialogue.env
        task: Any = getattr(env, "task", None)
        if task is None or asked.problem is None:
            raise ValueError("value steps asks the dialogue's task, and this dialogue has none: play it in a rollout")
        verdicts = task.steps(asked.problem, self.policy.chat.text(prefix.action_ids))
        return sum(LESS[verdict.status] for verdict in verdicts)


class Balanced:
    """Samples at the temperature whose answers are, now, both right and unlike each other (B-STaR; arXiv:2412.17256).

    The balance of a problem's n decided answers is min(u / wanted, 1) · (r / n), r right and u of these different. Its
    mean over the first ``probes`` problems of the first dialogues decides, once, for these and all that follow. Several
    processes decide together, each by the problems of its share. A reply to a dialogue that was probed costs that too.

    wanted: different right answers to a problem; None: half of those that are sampled.
    meta: temperature; balance, of each temperature.
    """

    def __init__(
        self, policy: PolicyLLM, temperatures: Sequence[float], probes: int = 8, wanted: int | None = None
    ) -> None:
        self.policy, self.temperatures, self.probes, self.wanted = policy, tuple(temperatures), probes, wanted
        self.told: dict[float, float] = {}

    @property
    def actor(self) -> Actor:
        inner = self.policy.actor
        return Actor(f"{inner.agent_id}+balanced+peek", inner.weights_hash)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        paid = {} if self.told else self._decide(dialogues)
        best = max(self.temperatures, key=self.told.__getitem__)
        meta = {"temperature": best, "balance": {f"{temperature:g}": score for temperature, score in self.told.items()}}
        return [
            replace(one, meta={**one.meta, **meta}, cost=one.cost + paid.get(place, Cost()))
            for place, one in enumerate(self._at(best).respond(dialogues))
        ]

    def _at(self, temperature: float) -> PolicyLLM:
        sampling = replace(self.policy.sampling, temperature=temperature)
        return PolicyLLM(self.policy.engine, self.policy.chat, sampling, self.policy.actor)

    def _decide(self, dialogues: Sequence[Dialogue]) -> dict[int, Cost]:
        """Find the balance of each temperature; what that cost, by the places of the dialogues that were probed."""
        groups: dict[Any, list[int]] = {}
        for place, one in enumerate(dialogues):
            groups.setdefault(one.messages, []).append(place)
        probed = list(groups.values())[: self.probes]
        paid = dict.fromkeys((place for group in probed for place in group), Cost())
        own = []
        for temperature in self.temperatures:
            replies = self._at(temperature).respond([dialogues[place] for place in paid])
            judged = {}
            for place, reply in zip(paid, replies, strict=True):
                verdict = _verdict(dialogues[place], reply.text)
                judged[place] = reply.text, verdict
                paid[place] += reply.cost + Cost(verifier_calls=int(verdict is not None))
            own.append(fmean(self._of_problem([judged[place] for place in group]) for group in probed))
        everybody = zip(*processes.gather(own), strict=True)
        self.told = {
            temperature: fmean(scores) for temperature, scores in zip(self.temperatures, everybody, strict=True)
        }
        return paid

    def _of_problem(self, judged: Sequence[tuple[str, Verdict | None]]) -> float:
        decided = [
            (text, verdict) for text, verdict in judged if verdict is None or verdict.status is not Status.UNDECIDED
        ]
        right = [text for text, verdict in decided if verdict is not None and verdict.right]
        wanted = self.wanted or max(1, len(judged) // 2)
        return min(len(set(right)) / wanted, 1.0) * len(right) / max(len(decided), 1)


def _verdict(dialogue: Dialogue, text: str) -> Verdict | None:
    """What the dialogue's environment says of an answer, which is taken back again; None where that is no verdict."""
    env: Any = dialogue.env
    if env is None:
        raise ValueError("temperatures are chosen by verdicts, and this dialogue has no environment")
    before = env.snapshot()
    info: Mapping[str, Any] = env.step(text)[4]
    env.restore(before)
    return info.get("verdict")
