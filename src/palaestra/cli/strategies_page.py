"""The strategies as a page that people read: what each does, and its transcript and cost on a problem."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from palaestra.agents.agent import Agent
from palaestra.agents.engine import AroundEngine, Completion, Engine, Sampling, TokenIds
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.strategies.table import STRATEGIES, parse

if TYPE_CHECKING:
    from palaestra.agents.chat import ChatFormat
    from palaestra.episodes import Episode

HEAD = """# Strategies

How an agent may reason, written by `palaestra strategies --out docs/strategies.md`. Each strategy wraps an agent and is
one; they stack, the first innermost: `palaestra evaluate MODEL --strategy program_of_thought,self_consistency:8`. Those
that work on a model's tokens (`cot_decoding`, `budget_forcing`) stand before those that make something of its words
(`program_of_thought`, `react`). `few_shot` takes its examples from a log of training problems, `--examples LOG`.

Prompts are the files of `agents/strategies/prompts/`, `NAME.VERSION.jinja`; name and version stand in the agent's name.
What went amiss (programs that failed, choices not read, lists never given) is counted and told after an evaluation.

The transcripts are of SmolLM2-135M-Instruct (`palaestra models get smollm2`), at temperature 0.7, with a fixed seed, on
one held-out problem each, answers cut at 48 tokens. So small a model is mostly wrong: what is shown is what a strategy
asks, reads and pays; [strategies_board.md](strategies_board.md) holds each, and the searches of `--search`, against a
vote of plain answers at equal tokens, in three environments, and says where the clever one loses. A call that begins
with what has been shown before has `[...]` in its place. The cost is the whole episode's; verifier calls are programs
run, and verdicts.
"""
ARITHMETIC, LOOKUP = "palaestra/Arithmetic-v0", "palaestra/Lookup-v0"
SETTINGS = {
    "direct": ARITHMETIC,
    "chain_of_thought": ARITHMETIC,
    "plan_and_solve": ARITHMETIC,
    "least_to_most:2": ARITHMETIC,
    "step_back": ARITHMETIC,
    "react": LOOKUP,
    "program_of_thought": ARITHMETIC,
    "few_shot:3": ARITHMETIC,
    "self_consistency:2": ARITHMETIC,
    "universal_self_consistency:2,1": ARITHMETIC,
    "cot_decoding:2": ARITHMETIC,
    "budget_forcing:64,1,16": ARITHMETIC,
    "few_shot:3,program_of_thought,self_consistency:2": ARITHMETIC,
}
SAMPLING = Sampling(temperature=0.7, max_tokens=48)
EXAMPLES = 12  # training problems that the oracle answers for few_shot
BEGIN, END = "<!-- transcript of {} -->", "<!-- end -->"


class Listening(AroundEngine):
    """An engine that keeps what passes through it."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.heard: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        completions = super().generate(prompts, sampling)
        self.heard += [(tuple(p), one.token_ids) for p, one in zip(prompts, completions, strict=True)]
        return completions


def play(stack: str, model: PolicyLLM) -> str:
    """The transcript of a stack of strategies on its problem, as Markdown."""
    from palaestra.agents.strategies.asking import counted
    from palaestra.agents.strategies.few_shot import examples
    from palaestra.agents.strategies.table import strategy_named
    from palaestra.arena.evaluate import evaluate, held_out

    listening = Listening(model.engine)
    policy = PolicyLLM(listening, model.chat, SAMPLING, model.actor)
    shots = examples(_demonstrations(SETTINGS[stack]))[0] if "few_shot" in stack else []
    agent = strategy_named(stack, policy, shots)
    _, (episode,) = evaluate(agent, held_out(SETTINGS[stack], {}, [1], 1))
    return _written(episode, _calls(listening.heard, policy.chat), counted(agent), agent)


def _demonstrations(env_id: str) -> list[Episode]:
    """The oracle's answers to some training problems: a log."""
    from palaestra.agents.scripted import OracleAgent
    from palaestra.arena.rollout import Job, rollout

    jobs = [Job(f"{seed}", env_id, {"split": "train"}, seed, f"{seed}") for seed in range(EXAMPLES)]
    return list(rollout(OracleAgent(), jobs))


def _calls(heard: Sequence[tuple[tuple[int, ...], tuple[int, ...]]], chat: ChatFormat) -> list[str]:
    """What was read and written, a call each; what stood there before is not repeated."""
    decode = chat.tokenizer.decode
    lines, known = [], [""]
    for number, (prompt, written) in enumerate(heard, 1):
        read, said = decode(list(prompt)), decode(list(written))
        before = max((text for text in known if read.startswith(text)), key=len)
        lines += [f"--- call {number} reads {len(prompt)} tokens", f"{'[...]' if before else ''}{read[len(before) :]}"]
        lines += [f"--- call {number} writes {len(written)} tokens", said]
        known += [read, read + said]
    return lines


def _written(episode: Episode, calls: list[str], counts: Mapping[str, Mapping[str, int]], agent: Agent) -> str:
    given = "\n".join(f"--- turn {number}: {turn.text}" for number, turn in enumerate(episode.turns, 1))
    outcome = next(iter(episode.outcome.values()))
    verdict = f"{outcome.status.value}: {outcome.reason}"
    cost = episode.cost
    amiss = ", ".join(f"{count} {what}" for own in counts.values() for what, count in own.items() if count)
    shown = "\n".join((*calls, "--- what the environment is given", given))
    return f"""Problem 0 of `{episode.env_id}`, difficulty 1; the agent is `{agent.actor.agent_id}`.

````text
{"".join(char if char.isprintable() or char == chr(10) else "?" for char in shown)}
````

| verdict | tokens in | tokens out | verifier calls | counted |
| --- | --- | --- | --- | --- |
| {verdict} | {cost.tokens_in} | {cost.tokens_out} | {cost.verifier_calls} | {amiss or "-"} |
"""


def page(transcripts: Mapping[str, str]) -> str:
    """The whole page; a transcript for each of ``SETTINGS``."""
    parts = [HEAD]
    for stack in SETTINGS:
        parts.append(f"## `{stack}`\n")
        parts += [f"{_about(name)}\n" for name, _ in parse(stack)] if "," not in re.sub(r",\d", "", stack) else []
        parts.append(f"{BEGIN.format(stack)}\n{transcripts[stack]}{END}\n")
    return "\n".join(parts)


def _about(name: str) -> str:
    row = STRATEGIES[name]
    return f"Written `{row.usage(name)}`. Source: {row.source}.\n\n```text\n{row.about}\n```"


def transcripts_of(text: str) -> dict[str, str]:
    """The transcripts that a page holds, by their stacks."""
    found = {}
    for stack in SETTINGS:
        _, begin, rest = text.partition(BEGIN.format(stack) + "\n")
        if begin:
            found[stack] = rest.partition(END)[0]
    return found
