"""``palaestra envs list|show|check|gallery|new | audit | play``: environments from the outside."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from tyro.conf import Positional
from tyro.extras import SubcommandApp

from .app import Pairs, UserError, app, console, knobs_of

if TYPE_CHECKING:
    from palaestra.envs.testing import Report

OWN = "palaestra/"
WILD = {*"*?"}

environments = SubcommandApp()
app.command(environments, name="envs", help="List and check environments.")


@environments.command(name="list")
def list_environments(tag: str | None = None, of: str | None = None) -> None:
    """Every registered environment, installed plugins included.

    Args:
        tag: only those about this, such as algebra, puzzles or games.
        of: those that an adapter makes of another library, such as reasoning_gym.
    """
    from palaestra.envs import catalog

    if of is not None:
        ids = catalog.adapted_ids(of)
        console.print("\n".join(ids) or f"the library of {of} does not tell", markup=False, highlight=False)
        return
    found = catalog.ids(tag)
    if not found:
        known = sorted({tag for id in catalog.ids() for tag in catalog.tags(id)})
        raise UserError(f"no environment has the tag {tag!r}: there are {', '.join(known)}")
    if tag is None:
        fields: dict[str, list[str]] = {}
        for id in found:
            fields.setdefault((catalog.tags(id) or ("other",))[0], []).append(id.removeprefix(OWN))
        table = Table("about", f"environments (each {OWN}NAME, where it has no other namespace)")
        for field, names in sorted(fields.items()):
            table.add_row(field.replace("_", " "), ", ".join(names))
    else:
        table = Table("id", "what it asks")
        for id in found:
            table.add_row(id, escape(catalog.summary(id)))
    console.print(table)
    if tag is None:
        others = ", ".join(f"{namespace}/..." for namespace in catalog.LIBRARIES)
        console.print(f"of other libraries: {others} (palaestra envs list --of NAMESPACE)", highlight=False)


@environments.command(name="show")
def show_environment(env: Positional[str], difficulty: int | None = None, seed: int = 0) -> None:
    """What an environment is like: its knobs, a problem, a right answer and a wrong one with their verdicts.

    Args:
        env: environment id; "module:id" imports the module first.
        difficulty: level of the problem (default: the easiest).
        seed: which problem.
    """
    from palaestra.envs.catalog import card

    found = card(env, difficulty, seed)
    knobs = ", ".join(f"{name}={default!r}" for name, default in found.knobs.items()) or "none"
    facts = [
        f"{found.id}, a {found.kind}; tags: {', '.join(found.tags) or 'none'}",
        found.description,
        f"knobs: {knobs}",
    ]
    if found.ceiling is not None:
        facts.append(f"a policy that does not read the prompt may earn {found.ceiling:.3g}")
    console.print("\n".join(facts), markup=False, highlight=False)
    console.print(Panel(Text(found.prompt), title="asks", title_align="left"))
    for answer, led_to in found.answers:
        console.print(
            Panel(Text(answer), title="answer", title_align="left", subtitle=Text(led_to), subtitle_align="left")
        )


@environments.command(name="check")
def check_environment(
    envs: Positional[tuple[str, ...]] = (),
    all: bool = False,
    seeds: int = 20,
    skip: tuple[str, ...] = (),
    out: Path | None = None,
    limit: float = 600.0,
) -> None:
    """Try to break an environment: seeds, splits, oracle, cheats, hostile answers. Exit code 1 when a check fails.

    Args:
        envs: environment ids; "module:id" imports the module first; a pattern such as "reasoning_gym/*" checks many.
        all: every registered environment, one line each.
        seeds: how many problems a level most checks look at.
        skip: ids to leave out of many, such as those that take minutes.
        out: of many, write the table as Markdown to this file too.
        limit: seconds for each of the named, when they are many; what takes longer has failed.
    """
    from palaestra.envs import catalog
    from palaestra.envs.gallery import adapters_page, conformance

    if all == bool(envs):
        raise UserError("name an environment, or give --all")
    if len(envs) == 1 and not WILD & {*envs[0]}:
        report = catalog.check(envs[0], range(seeds))
        console.print(str(report), markup=False, highlight=False)
        sys.exit(not report.ok)
    reports = []
    named = chain(*(catalog.matching(env) if WILD & {*env} else [env] for env in envs))
    every = filter(catalog.complete, catalog.ids()) if all else named
    asked = [id for id in every if id not in skip]
    for report in _checked(asked, seeds, None if all else limit):
        reports.append(report)
        if out is not None:  # each time, since many take long
            out.write_text(conformance(reports) if all else adapters_page(envs, reports, seeds, skip))
    if not reports:
        raise UserError(f"no environment is called {' or '.join(envs)}")
    sys.exit(any(not report.ok for report in reports))


def _checked(ids: Iterable[str], seeds: int, limit: float | None) -> Iterator[Report]:
    """The reports, each shown in a line as it is made; with a limit, each in a process of its own."""
    from palaestra.envs import catalog

    for id in ids:
        began = time.perf_counter()
        with console.status(id):
            report = catalog.check(id, range(seeds)) if limit is None else catalog.check_apart(id, seeds, limit)
        faults = [f"{row.name}: {row.detail}" for row in report.rows if row.passed is False]
        said = "; ".join(faults) or f"{sum(row.passed is True for row in report.rows)} checks"
        word = "ok  " if report.ok else "FAIL"
        console.print(f"{word} {id}  {said}  ({time.perf_counter() - began:.1f} s)", markup=False, highlight=False)
        yield report


@environments.command(name="gallery")
def write_gallery(out: Path = Path("docs/gallery.md")) -> None:
    """Write a page with an example of every environment that comes with the package.

    Args:
        out: the file.
    """
    from palaestra.envs import catalog
    from palaestra.envs.gallery import gallery

    own = [id for id in catalog.ids() if id.startswith(OWN) and catalog.complete(id)]
    out.write_text(gallery(map(catalog.card, own)))
    console.print(f"{len(own)} environments: {out}", highlight=False)


@environments.command(name="new")
def new_environment(name: Positional[str], folder: Path = Path()) -> None:
    """Begin an environment of your own: a small package with a working task, its test and its entry point.

    Args:
        name: of the task, such as reverse-words.
        folder: where the package's folder is made.
    """
    from .scaffold import scaffold

    made = scaffold(name, folder)
    console.print(f"made {made.folder}: cd there, then", markup=False, highlight=False)
    console.print(f"  palaestra envs check {made.module}:{made.id}", markup=False, highlight=False)
    console.print("  pip install -e .    # then palaestra finds it by its id alone", markup=False, highlight=False)


@app.command
def audit(
    env: Positional[str],
    knobs: Pairs = (),
    problems: int = 300,
    every: bool = False,
) -> None:
    """Try to be paid without reasoning: what cheating policies earn from a verifier. Exit code 1 when one gets through.

    Args:
        env: environment id; "module:id" imports the module first.
        knobs: the task's knobs, such as modulus=10.
        problems: how many, at each of three difficulties.
        every: show every policy, not the best of each kind.
    """
    from palaestra.envs import catalog
    from palaestra.envs.audit import audit as try_all
    from palaestra.envs.registration import make_task

    if not catalog.is_task(env):
        raise UserError(
            f"{env} is a game of several players, which no verifier judges: `palaestra envs check` tries to break one"
        )
    with console.status(f"auditing {env}"):
        found = try_all(make_task(env, **knobs_of(knobs)), problems)
    table = Table("kind", "policy that earns most", "level", "earned", "allowed", "slowest", "", title=env)
    shown = set()
    for row in sorted(found.rows, key=lambda row: (row.ok, row.kind, -row.mean)):
        if every or not row.ok or row.kind not in shown:
            shown.add(row.kind)
            slowest = row.fault or f"{1000 * row.slowest:.1f} ms"
            earned = f"{row.mean:.3f}" + (f" ({row.undecided} undecided)" if row.undecided else "")
            cells = (row.kind, row.policy, str(row.difficulty), earned, f"{row.allowed:.3f}", slowest)
            table.add_row(*map(escape, cells), "ok" if row.ok else "[red]paid[/]" if not row.fault else "[red]fault[/]")
    console.print(table)
    if found.executed:
        console.print("an answer was executed as code", style="red")
    console.print(f"{len(found.rows)} policies, {sum(not row.ok for row in found.rows)} get through", highlight=False)
    if not found.ok:
        sys.exit(1)


@app.command
def play(
    env: Positional[str],
    difficulty: int | None = None,
    seed: int | None = None,
    knobs: Pairs = (),
) -> None:
    """Answer a problem, or play a game, yourself and see the verdict. An empty line or Ctrl-D ends an answer.

    Args:
        env: environment id; "module:id" imports the module first.
        difficulty: level of the problem (default: the easiest).
        seed: which problem (default: another each time).
        knobs: the task's knobs, such as modulus=10.
    """
    from palaestra.envs.reasoning import ReasoningEnv
    from palaestra.envs.registration import make_any

    game = make_any(env, **knobs_of(knobs))
    whole = type(game.unwrapped) is ReasoningEnv  # one answer only: in a pipe it may hold empty lines
    observation, _ = game.reset(seed=seed, options=None if difficulty is None else {"difficulty": difficulty})
    ended, turns = False, 0
    while not ended:
        console.print(str(observation), markup=False, highlight=False)
        answer = _typed_answer(whole)
        if answer is None and turns:
            raise UserError(f"the input ended after {turns} actions, before the episode did")
        observation, reward, terminated, truncated, info = game.step(answer or "")
        ended, turns = terminated or truncated, turns + 1
        verdict = info.get("verdict")
        if verdict is not None:
            console.print(f"{verdict.status}: {verdict.reason}  (reward {reward:g})", markup=False, highlight=False)


def _typed_answer(whole: bool = False) -> str | None:
    """Lines up to an empty one, or None at the end of the input; all of a pipe if ``whole``."""
    terminal = sys.stdin.isatty()
    if whole and not terminal:
        return sys.stdin.read().strip("\n") or None
    lines: list[str] = []
    try:
        while line := input(("  " if lines else "> ") if terminal else ""):
            lines.append(line)
    except EOFError:
        return "\n".join(lines) if lines else None
    return "\n".join(lines)
