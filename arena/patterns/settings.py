"""What a recipe says of its four modules, and what of it can be played: data alone, nothing here learns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

from palaestra.arena.settings import SettingsError, unknown

from .learners import LEARNERS, SLOTS, Learner
from .rules import RULES, Rule, find_rule

MARKS = ("evolved", "frozen", "rule")
STRATEGIES = ("independent", "collaborative", "adversarial")


@dataclass(frozen=True, slots=True)
class Filled:
    """Who fills a slot. mark: evolved, frozen or rule. module: its name; "" takes the slot's first of that kind."""

    mark: str
    module: str = ""


@dataclass(frozen=True, slots=True)
class Modules:
    """The four modules, each a mark or a mapping {mark, module}; those marked evolved are the pattern.

    strategy: how the evolved ones are related; none for a single one.
    admit: "not_worse" takes back a round after which fewer of ``gate`` held-out problems are solved; "always" does not.
    gate: problems of the test split, others than those of the evaluation. answers: to each, in gate and evaluation.
    """

    creator: str | Filled = ""
    reasoner: str | Filled = ""
    evaluator: str | Filled = ""
    post_processor: str | Filled = ""
    strategy: Literal["independent", "collaborative", "adversarial"] | None = None
    admit: Literal["not_worse", "always"] = "not_worse"
    gate: int = 64
    answers: int = 2


@dataclass(frozen=True, slots=True)
class Pattern:
    """What ``Modules`` says, worked out. learners: of slots that a model fills, rules: of the others."""

    evolved: tuple[str, ...]
    strategy: str
    learners: Mapping[str, Learner]
    rules: Mapping[str, Rule]

    @property
    def name(self) -> str:
        return " + ".join(self.evolved)

    def partners(self, slot: str) -> tuple[str, ...]:
        """The other modules that evolve."""
        return tuple(other for other in self.evolved if other != slot)

    def opposes(self, slot: str, other: str) -> bool:
        """Whether ``slot`` is paid for what ``other`` loses."""
        relation = self.learners[slot].relations.get(("adversarial", other))
        return relation is not None and relation.reward is not None and self.learners[slot].reads_rewards


def pattern_of(modules: Modules, reasoner_reads_rewards: bool = True) -> Pattern:
    """The pattern that a recipe's modules make.

    reasoner_reads_rewards: whether the recipe's algorithm does; one that imitates right answers does not.

    Raises:
        SettingsError: a slot that is not filled, an unknown mark or module, a rule that is to learn or a learner that
            is to be a rule, nothing that evolves, a strategy for one or none for several, or adversaries of which
            neither is paid for what the other loses.
    """
    filled = {slot: _filled(slot, getattr(modules, slot)) for slot in SLOTS}
    learners = {slot: _learner(slot, one) for slot, one in filled.items() if one.mark != "rule"}
    if "reasoner" in learners:
        learners["reasoner"] = learners["reasoner"].reading(reasoner_reads_rewards)
    rules = {
        slot: find_rule(slot, one.module or next(iter(RULES[slot])))
        for slot, one in filled.items()
        if one.mark == "rule"
    }
    evolved = tuple(slot for slot, one in filled.items() if one.mark == "evolved")
    if not evolved:
        raise SettingsError(f"modules: nothing evolves: mark one of {', '.join(SLOTS)} evolved")
    if len(evolved) == 1 and modules.strategy is not None:
        raise SettingsError(f"modules.strategy relates several modules, and {evolved[0]} alone evolves: leave it away")
    if len(evolved) > 1 and modules.strategy is None:
        raise SettingsError(f"modules.strategy is one of {', '.join(STRATEGIES)} for {' + '.join(evolved)}: name one")
    pattern = Pattern(evolved, modules.strategy or "independent", learners, rules)
    if pattern.strategy == "adversarial":
        _check_opposed(pattern)
    return pattern


def _filled(slot: str, said: str | Filled) -> Filled:
    one = Filled(said) if isinstance(said, str) else said
    if not one.mark:
        raise SettingsError(f"modules lacks {slot}: mark each of {', '.join(SLOTS)} evolved, frozen or rule")
    if one.mark not in MARKS:
        raise SettingsError(unknown(f"mark of modules.{slot}", one.mark, list(MARKS)))
    if one.module and ":" not in one.module and one.module not in (*LEARNERS[slot], *RULES[slot]):
        raise SettingsError(unknown(f"module of modules.{slot}", one.module, [*LEARNERS[slot], *RULES[slot]]))
    if one.mark == "rule" and one.module in LEARNERS[slot]:
        raise SettingsError(f"modules.{slot} is marked rule, but {one.module} is a model: mark it evolved or frozen")
    return one


def _learner(slot: str, one: Filled) -> Learner:
    name = one.module or next(iter(LEARNERS[slot]))
    if name not in LEARNERS[slot]:
        known = ", ".join(LEARNERS[slot])
        raise SettingsError(f"modules.{slot} is marked {one.mark}, but {name} is a rule: mark it rule, or take {known}")
    return LEARNERS[slot][name]


def _check_opposed(pattern: Pattern) -> None:
    """Each of the adversaries is opposed by another, or opposes one."""
    for slot in pattern.evolved:
        others = pattern.partners(slot)
        if not any(pattern.opposes(slot, other) or pattern.opposes(other, slot) for other in others):
            raise SettingsError(
                f"modules.strategy is adversarial, but nothing is paid for what {slot} loses, nor the other way round "
                f"(beside {', '.join(others)}): take an algorithm or a module that reads rewards, or another strategy"
            )


def combinations_of_all() -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Every pattern with every strategy that has a meaning: 4 single modules, 11 larger sets x 3."""
    for size in range(1, len(SLOTS) + 1):
        for evolved in combinations(SLOTS, size):
            for strategy in STRATEGIES if size > 1 else (None,):
                yield evolved, strategy


def title(evolved: tuple[str, ...], strategy: str | None) -> str:
    """A name for a combination's run."""
    return "-".join(filter(None, (*evolved, strategy)))


def marked(modules: Modules, evolved: tuple[str, ...], strategy: Any) -> Modules:
    """The same with these evolved, and of the others the reasoner frozen and each other one a rule."""
    said: dict[str, Any] = {slot: "frozen" if slot == "reasoner" else "rule" for slot in SLOTS}
    return replace(modules, **{**said, **dict.fromkeys(evolved, "evolved")}, strategy=strategy)
