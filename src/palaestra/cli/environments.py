"""``palaestra envs list|check | audit | play``: environments from the outside."""

from __future__ import annotations

import sys

from rich.markup import escape
from rich.table import Table
from tyro.conf import Positional
from tyro.extras import SubcommandApp

from .app import Pairs, app, console, knobs_of

environments = SubcommandApp()
app.command(environments, name="envs", help="List and check environments.")


@environments.command(name="list")
def list_environments() -> None:
    """Every registered environment, installed plugins included."""
    from palaestra.envs.registration import task_class, task_ids

    table = Table("id", "what it asks")
    for id in task_ids():
        table.add_row(id, (task_class(id).__doc__ or "").strip().split("\n")[0])
    console.print(table)


@environments.command(name="check")
def check_environment(env: Positional[str]) -> None:
    """Try to break an environment: seeds, splits, oracle, cheats, hostile answers. Exit code 1 when a check fails.

    Args:
        env: environment id; "module:id" imports the module first.
    """
    from palaestra.envs.testing import check_task

    report = check_task(env)
    console.print(str(report), markup=False, highlight=False)
    if not report.ok:
        sys.exit(1)


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
    from palaestra.envs.audit import audit as try_all
    from palaestra.envs.registration import make_task

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
    """Answer a problem yourself and see the verdict. An answer of several lines ends with an empty line or Ctrl-D.

    Args:
        env: environment id; "module:id" imports the module first.
        difficulty: level of the problem (default: the easiest).
        seed: which problem (default: another each time).
        knobs: the task's knobs, such as modulus=10.
    """
    from palaestra.envs.registration import make

    game = make(env, **knobs_of(knobs))
    observation, _ = game.reset(seed=seed, options=None if difficulty is None else {"difficulty": difficulty})
    ended = False
    while not ended:
        console.print(str(observation), markup=False, highlight=False)
        observation, reward, terminated, truncated, info = game.step(_typed_answer())
        ended = terminated or truncated
        verdict = info.get("verdict")
        if verdict is not None:
            console.print(f"{verdict.status}: {verdict.reason}  (reward {reward:g})", markup=False, highlight=False)


def _typed_answer() -> str:
    """Lines up to an empty one or the end of input; in a pipe, all of it."""
    if not sys.stdin.isatty():
        return sys.stdin.read().strip("\n")
    lines: list[str] = []
    try:
        while line := input("> " if not lines else "  "):
            lines.append(line)
    except EOFError:
        pass
    return "\n".join(lines)
