"""Strategies by name, as the command line writes them, and stacks of them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from palaestra.agents.agent import Agent
from palaestra.agents.self_consistency import SelfConsistency

from .budget_forcing import BudgetForcing
from .cot_decoding import CoTDecoding
from .few_shot import Example, FewShot
from .least_to_most import LeastToMost
from .program_of_thought import ProgramOfThought
from .prompted import chain_of_thought, direct, plan_and_solve
from .react import ReAct
from .step_back import StepBack
from .universal_self_consistency import UniversalSelfConsistency


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a strategy is made: ``make(agent, *numbers)``.

    numbers: what the numbers behind its name are, for people. source: where it is from.
    derives: its reply is made from the model's words, not their tokens. samples: it needs a reply in tokens, so it may
    not stand behind one that derives. shots: ``make(agent, pool, *numbers)``.
    """

    make: Callable[..., Agent]
    source: str
    numbers: str = ""
    derives: bool = False
    samples: bool = False
    shots: bool = False

    @property
    def about(self) -> str:
        """Its docstring."""
        return inspect.getdoc(self.make) or ""

    def usage(self, name: str) -> str:
        """How it is written, under this name."""
        return f"{name}:{self.numbers.upper()}" if self.numbers else name


STRATEGIES: dict[str, Strategy] = {
    "direct": Strategy(direct, "what the others are held against"),
    "chain_of_thought": Strategy(chain_of_thought, "Kojima et al., arXiv:2205.11916"),
    "plan_and_solve": Strategy(plan_and_solve, "Wang et al., arXiv:2305.04091"),
    "least_to_most": Strategy(LeastToMost, "Zhou et al., arXiv:2205.10625", "parts"),
    "step_back": Strategy(StepBack, "Zheng et al., arXiv:2310.06117"),
    "react": Strategy(ReAct, "Yao et al., arXiv:2210.03629", derives=True),
    "program_of_thought": Strategy(ProgramOfThought, "Chen et al., arXiv:2211.12588", derives=True),
    "few_shot": Strategy(FewShot, "Brown et al., arXiv:2005.14165", "examples", shots=True),
    "self_consistency": Strategy(SelfConsistency, "Wang et al., arXiv:2203.11171", "k"),
    "universal_self_consistency": Strategy(UniversalSelfConsistency, "Chen et al., arXiv:2311.17311", "k,orders"),
    "cot_decoding": Strategy(CoTDecoding, "Wang and Zhou, arXiv:2402.10200", "k", samples=True),
    "budget_forcing": Strategy(
        BudgetForcing, "Muennighoff et al., arXiv:2501.19393", "budget,waits,answer", samples=True
    ),
}


def strategy_named(text: str, agent: Agent, pool: Sequence[Example] = ()) -> Agent:
    """The agent in strategies, the first one innermost: ``program_of_thought,self_consistency:8``.

    Numbers stand behind a colon, with commas between them, as in ``--search sbs:3,5``; what begins with a letter is the
    next strategy. ``""`` is the agent as it is. pool: examples for ``few_shot``.

    Raises:
        ValueError: no such strategy (the nearest is named), not made of these numbers, or one that needs tokens behind
            one whose replies are made from them.
    """
    derived = ""
    for name, numbers in parse(text):
        strategy = STRATEGIES[name]
        if derived and strategy.samples:
            raise ValueError(
                f"{name} works on a model's tokens: write it before {derived}, which makes something of them"
            )
        derived = derived or (name if strategy.derives else "")
        given: list[Any] = [pool, *numbers] if strategy.shots else list(numbers)
        try:
            inspect.signature(strategy.make).bind(agent, *given)
        except TypeError as error:
            raise ValueError(
                f"{name} is written {STRATEGIES[name].usage(name)}, not with {len(numbers)} numbers"
            ) from error
        agent = strategy.make(agent, *given)
    return agent


def parse(text: str) -> list[tuple[str, list[int]]]:
    """Names and numbers of a stack, innermost first. Raises ValueError as ``strategy_named`` does."""
    stack: list[tuple[str, list[int]]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        if part.lstrip("-").isdecimal() and stack:
            stack[-1][1].append(int(part))
            continue
        name, colon, number = part.partition(":")
        if name not in STRATEGIES:
            near = difflib.get_close_matches(name, STRATEGIES, n=1, cutoff=0.5)
            known = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(STRATEGIES)}"
            raise ValueError(f"unknown strategy: {name!r} ({known})")
        if colon and not number.lstrip("-").isdecimal():
            raise ValueError(f"{part!r} is written {STRATEGIES[name].usage(name)}, with whole numbers")
        stack.append((name, [int(number)] if colon else []))
    return stack
