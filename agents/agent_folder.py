"""An agent as a folder: ``agent.yaml`` says what answers, how it samples and what is made of its answers."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .agent import Agent
from .engine import Sampling

FILE = "agent.yaml"
SERVED = "openai:"  # what begins the name of a server's model
SCRIPTED = ("random", "oracle")
SHORT = {"vote": "sc", "best_of": "best"}  # strategies, as names of agents have them
SAMPLING = ("temperature", "top_p", "top_k", "max_tokens")


class AgentError(ValueError):
    """An agent's folder or name that cannot be taken as it is; the message says what to do."""


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """What an agent is made of.

    model: a model's folder ("." where the weights are beside agent.yaml, else from there), a hub id, openai:MODEL@URL,
    random or oracle. engine: transformers or vllm. strategy: "" answers once; vote:8 is self-consistency;
    plan_and_solve and the others of ``strategies.table`` stand for themselves, the first of several innermost;
    best_of:8, last, takes the answer that the ``judge`` scores highest (a folder, or names as perplexity+agreement);
    sbs:3,5 and the like search among lines, by its value. examples: a log whose right answers few_shot shows.
    licence: of the weights, by its SPDX name.
    """

    name: str = ""
    model: str = "."
    engine: str = "transformers"
    strategy: str = ""
    judge: str = ""
    examples: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    licence: str = ""

    @property
    def title(self) -> str:
        """The name, or one made of model and strategy."""
        strategy, _, count = self.strategy.partition(":")
        how = f"{SHORT[strategy]}{count}" if strategy in SHORT else self.strategy
        if self.model.startswith(SERVED):
            from .chat_agent import whereabouts

            model, url = whereabouts(self.model.removeprefix(SERVED))
            answers = model or urlsplit(url).netloc
        else:
            answers = Path(self.model).name
        return self.name or answers + (f"+{how}" if how else "")

    @property
    def source(self) -> str:
        """The model; of a server that the environment names, with its URL."""
        if not self.model.startswith(SERVED):
            return self.model
        from .chat_agent import whereabouts

        url = whereabouts(self.model.removeprefix(SERVED))[1]
        return self.model if url in self.model else f"{self.model}@{url}"

    @property
    def has_tokens(self) -> bool:
        """Whether it samples tokens, which judges read and searches go on from; servers and scripts give text."""
        return self.model not in SCRIPTED and not self.model.startswith(SERVED)


def read_spec(reference: str | os.PathLike[str]) -> AgentSpec:
    """The spec of an agent's folder; of anything else that answers (a model's folder, a hub id, openai:, random), one
    that says just that. Paths in it are as from here.

    Raises:
        AgentError: agent.yaml cannot be read, or holds what no agent has; or the weights are not where they should be.
    """
    folder = Path(reference)
    if not (folder / FILE).is_file():
        if folder.is_dir() and not _holds_weights(folder):
            raise AgentError(
                f"{folder} holds no model (no config.json): give a checkpoint folder or a Hugging Face hub id"
            )
        return AgentSpec(model=str(reference))
    import yaml

    try:
        given = yaml.safe_load((folder / FILE).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AgentError(f"{folder / FILE} is not YAML: {' '.join(str(error).split())}") from error
    spec = _checked(given, folder / FILE)
    named = spec.name or folder.resolve().name + ("" if not spec.strategy else f"+{spec.strategy}")
    model = _from(folder, spec.model)
    if Path(model).is_dir() and not _holds_weights(Path(model)):
        raise AgentError(
            f"{folder / FILE} says that the model is in {model}, where no weights are (no config.json): export "
            "the agent again with `palaestra agents export`, or name another model"
        )
    return replace(
        spec, name=named, model=model, judge=_from(folder, spec.judge), examples=_from(folder, spec.examples)
    )


def open_agent(spec: AgentSpec, device: str = "auto") -> Agent:
    """The agent, ready to answer.

    device: of its model, as ``load_pretrained`` has it; vLLM has its own.

    Raises:
        AgentError: a strategy or engine that there is none of, or that does not go with the rest.
        MissingModel: no weights where the spec says; the message says what to do.
    """
    return _with_strategy(spec, _answering(spec, device))


def load_agent(reference: str | os.PathLike[str], device: str = "auto") -> Agent:
    """``open_agent`` of what is there, or of what the name means."""
    return open_agent(read_spec(reference), device)


def write_spec(spec: AgentSpec, folder: Path) -> Path:
    """Write ``agent.yaml`` into the folder, with what differs from the defaults and where the weights are."""
    import yaml

    said: dict[str, Any] = {name: value for name, value in asdict(spec).items() if value and name != "sampling"}
    sampling = {name: getattr(spec.sampling, name) for name in SAMPLING}
    text = yaml.safe_dump({**said, "sampling": sampling}, sort_keys=False)
    (folder / FILE).write_text(text, encoding="utf-8")
    return folder / FILE


def _answering(spec: AgentSpec, device: str) -> Agent:
    if spec.model == "random":
        from .scripted import RandomAgent

        return RandomAgent()
    if spec.model == "oracle":
        from .scripted import OracleAgent

        return OracleAgent()
    if spec.model.startswith(SERVED):
        from .chat_agent import served

        return served(spec.model.removeprefix(SERVED), spec.sampling)
    from .engines import ENGINES
    from .pretrained import load_policy

    if spec.engine not in ENGINES:
        raise AgentError(f"no engine {spec.engine!r}: there are {', '.join(ENGINES)}")
    if spec.engine == "transformers":
        return load_policy(spec.model, spec.sampling, device=device)
    policy = load_policy(spec.model, spec.sampling, device="cpu")  # from where the engine takes the weights
    policy.engine = ENGINES[spec.engine](policy.engine.model, [policy.chat.end])  # type: ignore[attr-defined]  # it was loaded into one
    return policy


def _with_strategy(spec: AgentSpec, agent: Agent) -> Agent:
    """The agent around the one that answers."""
    if not spec.strategy:
        return agent
    check_strategy(spec)
    if is_search(spec.strategy):
        return _searching(spec, agent)
    stack, best_of, count = spec.strategy.rpartition("best_of:")
    if not best_of:
        return _reasoning(spec, spec.strategy, agent)
    from .evaluator import BestOfN
    from .evaluators.table import evaluator_named

    inner = _reasoning(spec, stack, agent)
    return BestOfN(inner, evaluator_named(spec.judge, agent), _count(spec.strategy, count))


def check_strategy(spec: AgentSpec) -> None:
    """Raises AgentError for a strategy that is none, before any model is loaded."""
    from .search.methods import method_named
    from .strategies.table import parse

    stack, best_of, count = spec.strategy.rpartition("best_of:")
    inner = stack if best_of else spec.strategy
    name, _, votes = inner.partition(":")
    if (best_of or is_search(inner)) and not spec.has_tokens:
        raise AgentError(f"{spec.model} writes text, not tokens: a judge reads tokens, a search samples them")
    if best_of and not spec.judge:
        raise AgentError(f"{spec.title}: strategy {spec.strategy} needs a judge")
    try:
        if best_of:
            _count(spec.strategy, count)
        if name == "vote":
            _count(inner, votes)
        elif is_search(inner):
            method_named(inner)
        else:
            parse(inner)
    except ValueError as error:
        raise AgentError(str(error)) from error


def is_search(strategy: str) -> bool:
    """Whether a strategy's name is a search's."""
    from .search.methods import METHODS

    return strategy.partition(":")[0] in METHODS


def _searching(spec: AgentSpec, agent: Agent) -> Agent:
    from .search.agents import line_search
    from .search.games import GameSearch
    from .search.methods import is_for_games, method_named

    if is_for_games(spec.strategy):
        method: Any = method_named(spec.strategy)
        return GameSearch(agent, method)  # type: ignore[arg-type]  # has_tokens says that it is a policy
    try:
        return line_search(agent, spec.strategy, spec.judge)  # type: ignore[arg-type]  # has_tokens says that it is a policy
    except ValueError as error:
        raise AgentError(str(error)) from error


def _reasoning(spec: AgentSpec, stack: str, agent: Agent) -> Agent:
    """The agent in the stack's strategies."""
    from palaestra.episodes import EpisodeStore

    from .self_consistency import SelfConsistency
    from .strategies.few_shot import examples
    from .strategies.table import strategy_named

    name, _, count = stack.partition(":")
    if name == "vote":
        return SelfConsistency(agent, _count(stack, count))
    pool = examples(EpisodeStore(spec.examples).read())[0] if spec.examples else []
    try:
        return strategy_named(stack, agent, pool)
    except ValueError as error:
        raise AgentError(str(error)) from error


def _checked(given: Any, where: Path) -> AgentSpec:
    known = [one.name for one in fields(AgentSpec)]
    if not isinstance(given, Mapping):
        raise AgentError(f"{where} is a mapping of keys to values ({', '.join(known)})")
    for part, keys in ((given, known), (given.get("sampling") or {}, list(SAMPLING))):
        for key in part:
            if key not in keys:
                near = difflib.get_close_matches(str(key), keys, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(keys)}"
                raise AgentError(f"unknown key in {where}: {key!r} ({hint})")
    texts = {key: value for key, value in given.items() if key != "sampling"}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise AgentError(f"{where}: {key} is a text, not {value!r}")
    try:
        return AgentSpec(**texts, sampling=Sampling(**(given.get("sampling") or {})))
    except (TypeError, ValueError) as error:
        raise AgentError(f"{where}: {error}") from error


def _from(folder: Path, path: str) -> str:
    """A path that stands in agent.yaml, as from here; what is no folder beside it is a name of something else."""
    return os.path.normpath(folder / path) if path and (path.startswith(".") or (folder / path).is_dir()) else path


def _holds_weights(folder: Path) -> bool:
    return (folder / "config.json").is_file() or (folder / "adapter_config.json").is_file()


def _count(strategy: str, count: str) -> int:
    if not count.isdecimal() or int(count) < 1:
        raise AgentError(f"strategy {strategy!r} needs a number of answers, such as {strategy.partition(':')[0]}:8")
    return int(count)
