"""Tasks by name: registered with Gymnasium, found in other people's packages, made with their knobs."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import inspect
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

import gymnasium

from palaestra.verifiers.lazily import lazily

from .opponents import is_game
from .reasoning import ReasoningEnv
from .task import Task

PLUGIN_GROUP = "palaestra.envs"
ENTRY_POINT = "palaestra.envs.registration:make_env"
ENV_KNOBS = frozenset(inspect.signature(ReasoningEnv).parameters) - {"task"}
ADAPTERS = {  # module of each namespace, in .adapters
    "reasoning_gym": "reasoning_gym",
    "open_spiel": "openspiel",
    "pettingzoo_classic": "pettingzoo_classic",
    "prime_verifiers": "prime_verifiers",
}
AGAINST = re.compile(r"-vs-[^/]*?(?=(-v\d+)?$)")  # of a game's id against a player: open_spiel/hex-vs-random-v0

T = TypeVar("T", bound=type[Task])
Made = TypeVar("Made")

_tasks: dict[str, type[Task]] = {}  # by id
_deferred: dict[str, str] = {}  # id -> "module:Class", not imported yet
_plugin_failures: dict[str, str] | None = None  # None until the plugins have been looked for


class UnknownEnvironment(LookupError):
    """No task of this id is registered."""


class UnknownKnob(TypeError):
    """The task has no parameter of this name."""


class WrongKnob(TypeError):
    """A parameter of the task is of another kind than it reckons with."""


def register(id: str) -> Callable[[T], T]:
    """Class decorator: give a task its id and make it known to ``gymnasium.make`` and ``palaestra``.

    The Gymnasium spec names the class as "module:Class" and so survives JSON; a class that cannot be imported by
    name (of ``__main__``, or local to a function) is found in this process and its forks.
    Registering the same qualified name again, as module reload does, replaces the class.

    Raises:
        ValueError: the id belongs to another class or to a game, or the class has another id.
        TypeError: the class is no Task.
    """

    def decorate(cls: T) -> T:
        if not (isinstance(cls, type) and issubclass(cls, Task)):
            raise TypeError(f"@register({id!r}) decorates a subclass of palaestra.envs.Task, not {cls!r}")
        name = qualified(cls)
        known = _deferred.get(id) if id not in _tasks else qualified(_tasks[id])
        if known not in (None, name):
            raise ValueError(f"the id {id!r} belongs to {known}: choose another for {name}")
        if known is None and (id in gymnasium.registry or is_game(id)):
            owner = "a game" if is_game(id) else "a Gymnasium environment"
            raise ValueError(f"the id {id!r} belongs to {owner}: choose another for {name}")
        if cls.__dict__.get("id", id) != id:
            raise ValueError(f"{name} is already registered as {cls.id!r}: subclass it to give it the id {id!r}")
        gymnasium.registry.pop(id, None)
        gymnasium.register(id, ENTRY_POINT, kwargs={"task": name})
        cls.id = id
        _tasks[id] = cls
        _deferred.pop(id, None)
        return cls

    return decorate


def defer(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Register a package's tasks, ``palaestra/NAME-v0`` each, without importing them, and give its ``__getattr__``.

    modules: of each class, below the package; imported when the class or its id is asked for.
    """
    for name, module in modules.items():
        id, location = f"palaestra/{name}-v0", f"{package}.{module}:{name}"
        if id not in gymnasium.registry:
            gymnasium.register(id, ENTRY_POINT, kwargs={"task": location})
            _deferred[id] = location
    return lazily(package, modules)


def make_env(task: str, **kwargs: Any) -> ReasoningEnv:
    """Gymnasium's entry point: ``task`` is "module:Class"; ``kwargs`` are the environment's and the task's knobs."""
    return _build(_resolve(task), kwargs)


def make(id: str, **kwargs: Any) -> ReasoningEnv:
    """The environment of a task, without Gymnasium's wrappers; ``kwargs`` as for ``gymnasium.make``.

    Raises:
        UnknownEnvironment: no such id; the message names the nearest.
        UnknownKnob: the task has no such parameter; the message names the nearest.
        WrongKnob: a parameter is of the wrong kind.
    """
    cls = task_class(id)
    env = _build(cls, kwargs)
    spec = gymnasium.spec(cls.id)
    env.spec = dataclasses.replace(spec, kwargs={**spec.kwargs, **kwargs})
    return env


def make_any(id: str, **kwargs: Any) -> gymnasium.Env[str, str]:
    """As ``make``, and any other environment that Gymnasium knows and that speaks text, such as a dialogue.

    Raises:
        UnknownEnvironment: no such id; the message names the nearest.
    """
    try:
        return make(id, **kwargs)
    except UnknownEnvironment:
        importlib.import_module(".games", __package__)  # gives each game its ids against scripted players
        name = id.rpartition(":")[2]
        against = [other for other in gymnasium.registry if AGAINST.sub("", other) == name and other != name]
        if against:
            raise UnknownEnvironment(
                f"{name} is a game of several players: `palaestra evaluate` and `palaestra evolve` play it; here, "
                f"name an opponent, as {against[0]}"
            ) from None
        if name not in gymnasium.registry:
            raise
        env: gymnasium.Env[str, str] = gymnasium.make(id, disable_env_checker=True, **kwargs)
        return env


def make_task(id: str, **knobs: Any) -> Task:
    """The task of ``id`` with these knobs. Raises as ``make`` does."""
    cls = task_class(id)
    check_knobs(cls.id, knobs, knobs_of(cls))
    return with_knobs(cls, knobs)


def task_class(id: str) -> type[Task]:
    """The class registered as ``id``, looking into plugins when it is not known yet.

    As with ``gymnasium.make``, "module:id" imports the module first.

    Raises:
        UnknownEnvironment: no such module or id.
    """
    module, colon, id = id.rpartition(":")
    if colon:
        load_module(module, id)
    if id in _deferred:
        importlib.import_module(_deferred[id].partition(":")[0])
    if id not in _tasks:
        load_plugins()
    if id not in _tasks:
        load_adapted(id)
    if id not in _tasks:
        near = difflib.get_close_matches(id, [*_tasks, *_deferred], n=3, cutoff=0.4)
        hint = f"nearest: {', '.join(near)}; " if near else ""
        raise UnknownEnvironment(f"no environment {id!r} ({hint}`palaestra envs list` shows all)")
    return _tasks[id]


def load_module(name: str, id: str) -> None:
    """Import the module that stands before an id. Raises UnknownEnvironment where there is none."""
    if name.startswith(".") or "/" in name or name.endswith(".py"):  # a path
        raise UnknownEnvironment(f"{name!r} is no module to find {id!r} in: name it as Python imports it, such as mine")
    try:
        importlib.import_module(name)
    except ImportError as error:
        raise UnknownEnvironment(f"no module {name!r} to find {id!r} in: {error}") from error


def load_adapted(id: str) -> None:
    """Have the adapter of the id's namespace register it, or the game that it is against a player of; nothing happens
    where there is none. Raises as that does."""
    module = ADAPTERS.get(id.partition("/")[0])
    if module is not None:
        importlib.import_module(f".adapters.{module}", __package__).load(AGAINST.sub("", id))


def task_ids() -> list[str]:
    """Every registered id, plugins included, sorted."""
    load_plugins()
    return sorted({*_tasks, *_deferred})


@cache  # reading a signature takes longer than making the environment
def knobs_of(task: type[Task]) -> Mapping[str, Any]:
    """The task's parameters and their defaults (``inspect.Parameter.empty`` where there is none)."""
    return {name: parameter.default for name, parameter in inspect.signature(task).parameters.items()}


def load_plugins() -> dict[str, str]:
    """Import every plugin of the entry-point group "palaestra.envs", once; return those that failed, with the reason.

    A plugin that fails is named in a warning and hinders no other.
    """
    global _plugin_failures
    if _plugin_failures is None:
        from importlib.metadata import entry_points  # with the e-mail parser that it needs, a tenth of a start

        _plugin_failures = {}
        for point in entry_points(group=PLUGIN_GROUP):
            try:
                point.load()
            except (Exception, SystemExit) as error:
                reason = f"{type(error).__name__}: {error}"
                _plugin_failures[f"{point.name} ({point.value})"] = reason
                warnings.warn(f"palaestra plugin {point.name} ({point.value}) failed: {reason}", stacklevel=2)
    return dict(_plugin_failures)


def _build(cls: type[Task], kwargs: dict[str, Any]) -> ReasoningEnv:
    check_knobs(cls.id, kwargs, knobs_of(cls).keys() | ENV_KNOBS)
    task = with_knobs(cls, {name: value for name, value in kwargs.items() if name not in ENV_KNOBS})
    environment: type[ReasoningEnv] = getattr(cls, "environment", ReasoningEnv)
    return environment(task, **{name: value for name, value in kwargs.items() if name in ENV_KNOBS})


def with_knobs(cls: Callable[..., Made], knobs: Mapping[str, Any]) -> Made:
    """A task or a game of these knobs; where the class says tuple, a list is one, as JSON and YAML have no tuples.

    Raises:
        WrongKnob: a knob is of another kind than the class reckons with.
    """
    knobs = {name: _tupled(given) if _says_tuple(cls, name) else given for name, given in knobs.items()}
    # 2.5 is within most bounds that a class checks, and a game of so many rounds would have no end.
    reason = ", ".join(f"{name} is a whole number" for name, given in knobs.items() if _is_fraction(cls, name, given))
    cause: TypeError | None = None
    if not reason:
        try:
            return cls(**knobs)
        except TypeError as error:
            cause, reason = error, _other_kind(cls, knobs) or str(error)
    given = ", ".join(f"{name}={value!r}" for name, value in knobs.items())
    raise WrongKnob(f"{getattr(cls, 'id', cls)} cannot be made with {given or 'no knobs'}: {reason}") from cause


def _says_tuple(cls: Callable[..., Any], name: str) -> bool:
    return any(kind.startswith("tuple") for kind in _kinds(cls).get(name, ()))


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _is_fraction(cls: Callable[..., Any], name: str, given: Any) -> bool:
    return isinstance(given, float) and _kinds(cls).get(name) == frozenset({"int"})


def _other_kind(cls: Callable[..., Any], knobs: Mapping[str, Any]) -> str:
    """Which knobs are texts where the class says numbers, or the other way round; "" where none is."""
    odd = []
    for name, kinds in _kinds(cls).items():
        given = knobs.get(name)
        if given is not None and kinds and kinds <= {"int", "float"} and isinstance(given, str):
            odd.append(f"{name} is a number")
        if given is not None and kinds == {"str"} and not isinstance(given, str):
            odd.append(f"{name} is a text")
    return ", ".join(odd)


@cache
def _kinds(cls: Callable[..., Any]) -> Mapping[str, frozenset[str]]:
    """Of each parameter the types that its annotation names, None aside."""
    hints = {name: parameter.annotation for name, parameter in inspect.signature(cls).parameters.items()}
    texts = {name: hint.__name__ if isinstance(hint, type) else str(hint) for name, hint in hints.items()}
    return {name: frozenset(text.split(" | ")) - {"None"} for name, text in texts.items()}


def check_knobs(id: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raises UnknownKnob for a knob that there is none of; the nearest is named."""
    names = sorted(known)
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UnknownKnob(f"{id} has no knob {name!r} ({hint}It has: {', '.join(names) or 'none'})")


def qualified(cls: type) -> str:
    """The name that a class is found again by, "module:Class"."""
    return f"{cls.__module__}:{cls.__qualname__}"


def _resolve(location: str) -> type[Task]:
    """The class at "module:Class": registered in this process, else imported."""
    for cls in _tasks.values():
        if qualified(cls) == location:
            return cls
    module, _, qualname = location.partition(":")
    found: Any = importlib.import_module(module)
    for name in qualname.split("."):
        found = getattr(found, name)
    if not (isinstance(found, type) and issubclass(found, Task)):
        raise TypeError(f"{location} is no Task")
    return found
