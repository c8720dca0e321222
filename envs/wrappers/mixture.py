"""Several environments in one: each episode is of one of them."""

from __future__ import annotations

import itertools
import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import gymnasium
import numpy as np
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker

from palaestra.envs.reasoning import MAX_ANSWER_CHARS
from palaestra.envs.registration import make_any
from palaestra.envs.seeding import continued, derive_seed
from palaestra.envs.snapshots import expect
from palaestra.envs.spaces import UnicodeText
from palaestra.envs.task import OracleMissing, Task

ID = "palaestra/Mixture-v0"
TextEnv = gymnasium.Env[str, str]


class MixtureSnapshot(NamedTuple):
    """family: of the episode under way, "" before the first. state: of its environment. rng: of the bit generator."""

    families: tuple[str, ...]
    family: str
    seed: int | None
    state: Any
    rng: dict[str, Any]
    rng_seed: int | None


class Mixture(gymnasium.Env[str, str]):
    """Play an episode of one of ``members``, drawn by weight; all environments of text may be members.

    members: by the name of their family. weights: above 0, by family; all equal where there are none.

    Which family a seed draws is a hash of the seed, and the family's environment is then reset with the same seed. So
    it asks what it would ask alone, and an episode is replayed by its seed and actions. ``info`` is the member's, with
    ``family`` and ``seed``. ``options["difficulty"]`` may be given by family; other options go to the member as they
    are. ``task`` is that of the present episode.

    Raises:
        ValueError: no members, or weights that are not for these families and above 0.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi"], "render_fps": 1}  # type: ignore[misc]  # gymnasium's is no ClassVar

    def __init__(
        self,
        members: Mapping[str, TextEnv],
        weights: Mapping[str, float] | None = None,
        render_mode: str | None = None,
    ) -> None:
        weights = dict.fromkeys(members, 1.0) if weights is None else weights
        if not members or weights.keys() != members.keys() or not all(0 < w < math.inf for w in weights.values()):
            raise ValueError(f"each of {', '.join(members) or 'no families'} has a weight above 0, not {dict(weights)}")
        self.members = dict(members)
        self.render_mode = render_mode
        self.observation_space = UnicodeText(
            _longest([m.observation_space for m in members.values()], Task.max_prompt_chars)
        )
        self.action_space = UnicodeText(_longest([m.action_space for m in members.values()], MAX_ANSWER_CHARS))
        self.family = ""
        self._edges = list(itertools.accumulate(weights[family] for family in members))
        self._seed: int | None = None

    @property
    def difficulties(self) -> range:
        """The levels that every family has; families that know none are asked at any."""
        known = [m.unwrapped.difficulties for m in self.members.values() if hasattr(m.unwrapped, "difficulties")]
        return (
            range(max(levels[0] for levels in known), min(levels[-1] for levels in known) + 1) if known else range(1, 2)
        )

    @property
    def task(self) -> Task | None:
        """The task of the episode under way, if its environment has one."""
        return self._task(self.family) if self.family else None

    def task_of(self, seed: int) -> Task | None:
        """The task that a seed's episode is of, if its environment has one."""
        return self._task(self.family_of(seed))

    def family_of(self, seed: int) -> str:
        """The family that a seed draws."""
        drawn = derive_seed("mixture", seed) / (1 << 63) * self._edges[-1]
        return list(self.members)[bisect(self._edges[:-1], drawn)]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Begin the episode of ``seed``, or the next of the stream.

        Raises:
            ValueError: a difficulty by family lacks this family, or as the family's environment says.
            gymnasium.error.Error: a negative or non-integer seed.
        """
        super().reset(seed=seed)
        if seed is None:
            seed = int(self.np_random.integers(1 << 63))
        family = self.family_of(seed)
        observation, info = self.members[family].reset(seed=seed, options=_options(options, family))
        self.family, self._seed = family, seed
        return observation, {**info, "family": family, "seed": seed}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Act in the family's environment; raises as that does.

        Raises:
            gymnasium.error.ResetNeeded: no episode has begun.
        """
        if not self.family:
            raise gymnasium.error.ResetNeeded("call reset() before step(): no episode has begun")
        observation, reward, terminated, truncated, info = self.members[self.family].step(action)
        info = {**info, "family": self.family, "seed": self._seed}
        return observation, float(reward), terminated, truncated, info

    def oracle(self, rng: np.random.Generator) -> str:
        """The answer of the family's own oracle to what is asked now.

        Raises:
            OracleMissing: the family has none.
            gymnasium.error.ResetNeeded: no episode has begun, or it is over.
        """
        if not self.family:
            raise gymnasium.error.ResetNeeded("call reset() first: no episode has begun")
        answer = getattr(self._member(), "oracle", None)
        if answer is None:
            raise OracleMissing(f"{self.family} has no oracle")
        said: str = answer(rng)
        return said

    def render(self) -> Any:
        """As the family's environment does."""
        return self.members[self.family].render() if self.family and self.render_mode else None

    def close(self) -> None:
        for member in self.members.values():
            member.close()

    def snapshot(self) -> MixtureSnapshot:
        """The present state, independent of what the environment does next; the members' own snapshots are used."""
        state = self._member().snapshot() if self.family else None
        rng = dict(self.np_random.bit_generator.state)
        return MixtureSnapshot(tuple(self.members), self.family, self._seed, state, rng, self._np_random_seed)

    def restore(self, state: MixtureSnapshot) -> None:
        """Continue exactly from ``state``.

        Raises:
            ValueError: it is no snapshot, or was taken from a mixture of other families, or as the family's environment
                says.
        """
        expect(MixtureSnapshot, state)
        if state.families != tuple(self.members):
            raise ValueError(f"a mixture of {', '.join(state.families)} is not one of {', '.join(self.members)}")
        self.family, self._seed = state.family, state.seed
        if state.family:
            self._member().restore(state.state)
        self._np_random, self._np_random_seed = continued(self.np_random, state.rng), state.rng_seed

    def _task(self, family: str) -> Task | None:
        return getattr(self.members[family].unwrapped, "task", None)

    def _member(self) -> Any:
        return self.members[self.family].unwrapped


def make_mixture(
    envs: Sequence[str | Mapping[str, Any]], split: str | None = None, render_mode: str | None = None
) -> Mixture:
    """Gymnasium's entry point of "palaestra/Mixture-v0".

    envs: ids, or mappings with ``env`` (an id) and, where wanted, ``knobs`` (what it is made with), ``weight`` (1) and
    ``family`` (a name, the id otherwise). split: of every member whose knobs name none.

    Raises:
        ValueError: no list, two members of one family, or another key.
    """
    if isinstance(envs, str):
        raise ValueError(
            f'envs is a list, such as ["palaestra/ChainArith-v0", "palaestra/Nim-vs-random-v0"], not {envs!r}'
        )
    members: dict[str, TextEnv] = {}
    weights: dict[str, float] = {}
    for entry in envs:
        given: dict[str, Any] = {"env": entry} if isinstance(entry, str) else dict(entry)
        unknown = given.keys() - {"env", "knobs", "weight", "family"}
        if unknown or "env" not in given:
            raise ValueError(f"a member has env, knobs, weight and family, not {', '.join(sorted(given))}")
        family = given.get("family", given["env"])
        if family in members:
            raise ValueError(f"two members are of the family {family!r}: give them names by 'family'")
        common = {"split": split, "render_mode": render_mode}
        knobs = {name: value for name, value in common.items() if value is not None} | dict(given.get("knobs", {}))
        members[family] = _plain(make_any(given["env"], **knobs))
        weights[family] = float(given.get("weight", 1.0))
    return Mixture(members, weights, render_mode)


def _plain(env: TextEnv) -> TextEnv:
    """Without the wrappers that would ask for a reset after ``restore``; a mixture sees to the order itself."""
    while isinstance(env, OrderEnforcing | PassiveEnvChecker):
        env = env.env
    return env


def _options(options: dict[str, Any] | None, family: str) -> dict[str, Any] | None:
    """What goes to the member: of difficulties by family its own."""
    if not options or not isinstance(options.get("difficulty"), Mapping):
        return options
    levels = options["difficulty"]
    if family not in levels:
        raise ValueError(f"the difficulties are of {', '.join(levels)}: there is none of {family}")
    return {**options, "difficulty": levels[family]}


def _longest(spaces: Sequence[gymnasium.Space[Any]], otherwise: int) -> int:
    return max(getattr(space, "max_length", otherwise) for space in spaces)


def register_mixture() -> None:
    """Give the mixture its Gymnasium id; it checks the order of calls itself."""
    if ID not in gymnasium.registry:
        entry = f"{__name__}:make_mixture"
        gymnasium.register(ID, entry, order_enforce=False, disable_env_checker=True)


register_mixture()
