"""Program of thoughts: the agent writes a program, and its value is the answer (Chen et al., arXiv:2211.12588)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from palaestra.agents.agent import Agent, Dialogue, Reply, named
from palaestra.episodes import Actor, Cost
from palaestra.verifiers.code import default_sandbox, extract_source
from palaestra.verifiers.sandbox import Ended, Limits, Sandbox, SandboxError

from .asking import question, reworded
from .prompts import Prompt, prompt_named

LIMITS = Limits(seconds=2.0, cpu=2.0)
MAX_VALUE = 1000  # characters of a value
MAIN = '__name__ = "__main__"\n'  # before a program that asks whether it is run by itself
# Behind the program, in the sandbox: its value as text; None where it left none. A float is told as the number that it
# is the nearest float to, since verifiers and votes are exact: 0.1 + 0.2 is a decimal of few digits, 7 / 3 a fraction.
READ = """

def _palaestra_value():
    from fractions import Fraction
    digits = lambda text: len(text.partition("e")[0].replace(".", "").strip("-0"))
    value = globals().get("ans")
    if isinstance(value, float) and value - value == 0:
        short = f"{value:.12g}"
        if digits(short) <= 10:
            value = float(short)
        elif digits(str(value)) > 15 and float(near := Fraction(value).limit_denominator(1000)) == value:
            value = near
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return None if value is None else str(value)
"""


class ProgramOfThought:
    """A program is asked for and run in the sandbox; the reply is its ``ans``, else the last line that it printed. A
    float is told without the error of its last digits: 0.1 + 0.2 as 0.3, 7 / 3 as 7/3.

    Where there is no program, it fails or has no value, the agent's own words are the reply, and meta tells why:
    ``meta["program"]`` is "ok", "no program", "no value" or how it ended, ``meta["error"]`` the line of its error.
    Each run counts as a verifier call. counts: the same, over all replies.
    """

    def __init__(self, agent: Agent, prompt: Prompt | None = None, sandbox: Sandbox | None = None) -> None:
        self.agent, self.sandbox = agent, sandbox
        self.prompt = prompt or prompt_named("program_of_thought")
        self.counts: Counter[str] = Counter()

    @property
    def actor(self) -> Actor:
        return named(self.agent, self.prompt.id)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        asked = [reworded(one, self.prompt.say("ask", question=question(one))) for one in dialogues]
        return [self._answer(reply) for reply in self.agent.respond(asked)]

    def _answer(self, reply: Reply) -> Reply:
        source = extract_source(reply.text)
        status, value, error = ("no program", "", "") if source is None else self._run(source)
        self.counts[status] += 1
        meta = {**reply.meta, "program": status, **({"error": error} if error else {})}
        cost = reply.cost + Cost(verifier_calls=int(source is not None))
        if status != "ok":
            return replace(reply, cost=cost, meta=meta)
        text = self.prompt.say("answer", value=value)
        return replace(reply, text=text, cost=cost, meta={**meta, "source": source, "derived": True})

    def _run(self, source: str) -> tuple[str, str, str]:
        """How the program ended ("ok" with a value), its value, its error."""
        named = MAIN if "__main__" in source else ""
        try:
            outcome = (self.sandbox or default_sandbox()).call(named + source + READ, "_palaestra_value", limits=LIMITS)
        except SandboxError as error:
            return "sandbox failed", "", str(error)
        if outcome.status is not Ended.OK:
            return str(outcome.status), "", outcome.error
        printed = outcome.stdout.strip().splitlines()
        value = outcome.value if isinstance(outcome.value, str) else (printed[-1] if printed else "")
        if not value.strip():
            return "no value", "", "neither ans nor anything printed"
        return ("ok", value.strip(), "") if len(value) <= MAX_VALUE else ("no value", "", "a value too long to say")
