"""Leaderboards on wandb: a board of runs with the agents behind it, and the board of all runs of a project."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from .evaluate import Evaluation
from .leaderboard import Board, BrokenBoard, merged, overall, typed
from .ratings import Rating
from .tracking import finish_wandb, logged_in, start_wandb, taken

UPLOAD_SECONDS = 600.0  # that sending a board and its agents may take
ANSWER_SECONDS = 30.0  # that the server is given to say what a project holds
PAGE = 200  # runs asked for at once
JOB = "leaderboard"  # runs of this type are boards themselves, and on no other board
AGAIN = "Send it again, under another name if you gave it one"  # of a run begun online, wandb sync sends no artifacts

T = TypeVar("T")


class WandbError(RuntimeError):
    """wandb did not do what was asked; the message says why and what to do."""


def log_board(
    board: Board, page: Path, runs: Mapping[str, Path], folder: Path, project: str, name: str, most: float | None = None
) -> str:
    """A wandb run that holds the board: its table, ratings, page and summary, and an artifact for each agent.

    page: leaderboard.html. runs: folders by name, whose agents, recipe and log become artifacts with the alias
    "latest", and "best" for the agent of them that stands highest on the board. folder: where the run's files are
    kept, from which `wandb sync` sends them where nobody is logged in. project: "project", or "entity/project". most:
    seconds to wait for the server.

    Returns the folder of the run's files.

    Raises:
        WandbError: the project has a run of this name, or the server does not answer or refuses, if only a part.
    """
    most = UPLOAD_SECONDS if most is None else most
    try:
        run = start_wandb(folder, name, {"runs": list(runs)}, project, most, job_type=JOB)
    except Exception as error:
        reason = " ".join(str(error).split())
        why = "is there already: give another name, --wandb-name" if taken(error) else f"cannot be begun: {reason}"
        raise WandbError(f"the wandb run {name} of {project} {why}") from error
    try:
        _log(run, board, page)
        for artifact, aliases in _artifacts(runs, _leader(board, runs)):
            run.log_artifact(artifact, aliases=aliases)
        kept = Path(run.dir).parent
        unsent = finish_wandb(run)
    except Exception as error:
        raise WandbError(f"wandb took no board: {type(error).__name__}: {error}. {AGAIN}") from error
    if unsent:
        raise WandbError(f"wandb's server did not take all of the board: {unsent}. {AGAIN}")
    return str(kept)


def _log(run: Any, board: Board, page: Path) -> None:
    """All of it at one step, once: nothing here grows."""
    import wandb

    rows = overall(board)
    columns: list[str | int] = list(asdict(rows[0])) if rows else []
    agents = wandb.Table(columns=columns, data=[list(asdict(row).values()) for row in rows])
    scores = wandb.Table(
        columns=list(asdict(board.rows[0])) if board.rows else [],
        data=[list(asdict(row).values()) for row in board.rows],
    )
    logged: dict[str, Any] = {
        "page": wandb.Html(page.read_text(encoding="utf-8"), inject=False),
        "leaderboard": scores,
        "agents": agents,
    }
    if rows:
        logged["score"] = wandb.plot.bar(agents, "agent", "score", title="Mean score")
        logged["score against tokens"] = wandb.plot.scatter(agents, "tokens", "score", title="Score against tokens")
    if board.games:  # in one table: its key becomes part of an artifact's name, and a game's may be too long for that
        told = [[game.game, *asdict(row).values()] for game in board.games for row in game.ratings]
        logged["ratings"] = wandb.Table(columns=["game", *(field.name for field in fields(Rating))], data=told)
    run.log(logged)
    run.summary.update(
        {"n_agents": len(rows), "best": rows[0].agent if rows else "", "score": rows[0].score if rows else 0}
    )


def _agents(run: Path) -> list[Path]:
    return sorted(path for path in (run / "agents").glob("*") if path.is_dir())


def _leader(board: Board, runs: Mapping[str, Path]) -> Path | None:
    """The folder of the agent that stands highest of those that have one; a vote's is that of the weights it asks."""
    folders = {
        told: folder
        for name, run in runs.items()
        for folder in _agents(run)
        for told in (folder.name, f"{name}: {folder.name}")
    }
    rows = overall(board)
    weights = {row.weights_hash: folders[row.agent] for row in rows if row.weights_hash and row.agent in folders}
    found = (folders.get(row.agent) or weights.get(row.weights_hash.split("+")[0]) for row in rows)
    return next((folder for folder in found if folder), None)


def _artifacts(runs: Mapping[str, Path], best: Path | None) -> Iterator[tuple[Any, list[str]]]:
    """An artifact for each agent of each run, and one for what made them: recipe, environment and log."""
    import wandb

    for name, folder in runs.items():
        recipe = folder / "recipe.yaml"
        for agent in _agents(folder):
            made = wandb.Artifact(_artifact_name(name, agent.name), type="agent", metadata={"run": name})
            _add_agent(made, agent, folder)
            if recipe.is_file():
                made.add_file(str(recipe))
            yield made, ["latest", *(["best"] if agent == best else [])]
        log = wandb.Artifact(_artifact_name(name, "log"), type="log")
        for file in ("recipe.yaml", "environment.json", "metrics.jsonl", "leaderboard.json"):
            if (folder / file).is_file():
                log.add_file(str(folder / file))
        if (folder / "episodes").is_dir():
            log.add_dir(str(folder / "episodes"), name="episodes")
        yield log, ["latest"]


def _add_agent(made: Any, agent: Path, run: Path) -> None:
    """An agent's files; an adapter's with the model that its run made, which lies nowhere else."""
    made.add_dir(str(agent))
    if not (agent / "adapter_config.json").is_file():
        return
    from palaestra.agents.adapters import CONFIG, base_of

    base = Path(base_of(agent)).resolve()
    if base.parent == run.resolve():
        made.add_dir(str(base), name=base.name)
        told = json.loads((agent / CONFIG).read_text(encoding="utf-8"))
        with made.new_file(CONFIG, mode="w") as file:
            file.write(json.dumps({**told, "base_model_name_or_path": f"./{base.name}"}))


def _artifact_name(*parts: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", "-".join(parts))[:120]  # wandb takes no other letters


def project_board(project: str, seconds: float = ANSWER_SECONDS) -> Board:
    """The board of all runs of a wandb project ("project", or "entity/project") that have finished one.

    Raises:
        WandbError: nobody is logged in, the server does not answer in ``seconds``, or the project is not there or holds
            no such run.
    """
    if not logged_in():
        raise WandbError("reading a wandb project needs a login: run `wandb login`, or set WANDB_API_KEY")
    refused = f"wandb's server gave no runs of {project}"
    told = _within(seconds, partial(_boards, project, seconds), refused, "try later, or name run folders")
    rows: list[Evaluation] = []
    for name, text in told.items():
        try:
            found = [typed(Evaluation, row) for row in json.loads(text)]
        except (ValueError, TypeError, AttributeError) as error:
            raise BrokenBoard(f"the wandb run {name} holds no board of ours: {error}") from error
        rows += [replace(row, agent=f"{name}: {row.agent}") for row in found]
    if not rows:
        raise WandbError(f"no run of the wandb project {project} has a leaderboard: `wandb sync` those that have one")
    return merged([Board(rows)])


def _within(seconds: float, ask: Callable[[], T], refused: str, instead: str) -> T:
    """What ``ask`` gives, or an error when it has given nothing by then: wandb itself tries for minutes.

    refused: said when it fails, with the reason. instead: what to do when it takes too long.
    """
    result: list[T | Exception] = []

    def answer() -> None:
        try:
            result.append(ask())
        except Exception as error:
            result.append(error)

    asking = threading.Thread(target=answer, daemon=True)
    asking.start()
    asking.join(seconds)
    if not result:
        raise WandbError(f"wandb's server did not answer in {seconds:g} s: {instead}")
    if isinstance(result[0], Exception):
        raise WandbError(f"{refused}: {' '.join(str(result[0]).split())}") from result[0]
    return result[0]


def _boards(project: str, seconds: float) -> dict[str, str]:
    """The board of each run, as JSON text, by the run's name; the newest of those of one name."""
    import wandb

    api = wandb.Api(timeout=max(1, int(seconds)))
    found = api.runs(project, per_page=PAGE, order="+created_at", lazy=False)
    told: dict[str, str] = {}
    for run in found:
        text = run.summary.get("board") if run.job_type != JOB else None
        if isinstance(text, str):
            told[run.name] = text
    return told


def write_report(project: str, name: str, runs: Sequence[str] = (), seconds: float = ANSWER_SECONDS) -> str:
    """A wandb report on a project: its runs' boards and curves, made by the package wandb-workspaces.

    Returns its address.

    Raises:
        WandbError: the package is not there, nobody is logged in, or the server refuses, or is silent for ``seconds``.
    """
    try:
        import wandb_workspaces.reports.v2 as reports
    except ModuleNotFoundError as error:
        raise WandbError("a report needs wandb-workspaces: pip install wandb-workspaces") from error
    if not logged_in():
        raise WandbError("a report is made on wandb's server: run `wandb login`, or set WANDB_API_KEY")
    entity, _, bare = project.rpartition("/")
    where: dict[str, Any] = {"project": bare, **({"entity": entity} if entity else {})}

    def save() -> str:
        panels = [
            reports.WeavePanelSummaryTable(table_name="leaderboard"),
            *(reports.LinePlot(x="Step", y=[metric]) for metric in ("accuracy", "reward", "entropy", "length")),
        ]
        report = reports.Report(
            **where,
            title=name,
            description=f"Agents of {', '.join(runs) or project}",
            blocks=[reports.PanelGrid(runsets=[reports.Runset(**where)], panels=panels)],
        )
        report.save()
        return str(report.url)

    return _within(seconds, save, "wandb took no report", "try later")
