"""What the fake wandb server keeps of its projects: runs, their files, reports, and artifacts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .fake_wandb_artifacts import CREATED, LAST_PAGE, Artifacts, project

VIEWER = {"id": "u", "entity": "me", "username": "me", "email": "", "flags": "{}", "teams": {"edges": []}}
SERVER = {"serverInfo": {"features": []}}


@dataclass
class Run:
    """history: its lines, as they were sent. exit_code: None until it has ended."""

    name: str
    entity: str = "me"
    project: str = "p"
    display: str = ""
    job: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    exit_code: int | None = None


class Projects(Artifacts):
    """The projects of everybody; who asks is "me". runs: by name. uploads: paths of what was uploaded, as it came."""

    def __init__(self, url: str, runs: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(url)
        self.runs = {name: Run(name, job=told.get("job"), summary=dict(told)) for name, told in runs.items()}
        self.uploads: list[str] = []
        self.reports: list[Mapping[str, Any]] = []

    def answer(self, operation: str, given: Mapping[str, Any]) -> Any:
        return {"data": getattr(self, operation)(given)}

    def stream(self, name: str, posted: Mapping[str, Any]) -> Any:
        """A post of the file stream: lines of a run's history, and its summary."""
        run = self.runs[name]
        for file, part in (posted.get("files") or {}).items():
            lines = [json.loads(line) for line in part["content"]]
            if file == "wandb-history.jsonl":
                run.history[part["offset"] :] = lines
            elif file == "wandb-summary.json":
                run.summary = lines[-1]
        if posted.get("complete"):
            run.exit_code = posted["exitcode"]
        return {}

    def take(self, path: str, body: bytes) -> Any:
        self.stored[path] = body
        self.uploads.append(path)
        return {}

    def Viewer(self, given: Mapping[str, Any]) -> Any:
        return {"viewer": VIEWER, **SERVER}

    GetDefaultEntity = ServerFeaturesQuery = Viewer

    def GetProjects(self, given: Mapping[str, Any]) -> Any:
        names = {run.project for run in self.runs.values()}
        more = {"__typename": "Project", "createdAt": CREATED, "isBenchmark": False, "user": None}
        edges = [{"node": {**project(name), **more}} for name in sorted(names)]
        return {"models": {"pageInfo": LAST_PAGE, "edges": edges}}

    def ProjectInternalId(self, given: Mapping[str, Any]) -> Any:
        return {"project": project(given.get("project") or given["projectName"])}

    def Runs(self, given: Mapping[str, Any]) -> Any:
        name = given["project"]
        found = [run for run in self.runs.values() if run.project == name]
        if not found:
            return {"project": None}
        edges = [{"node": _node(run), "cursor": run.name} for run in found]
        runs = {"edges": edges, "pageInfo": LAST_PAGE}
        return {"project": {**project(name), "runCount": len(edges), "readOnly": False, "runs": runs}}

    def RunResumeStatus(self, given: Mapping[str, Any]) -> Any:
        run = self.runs.get(given["name"])
        bucket = {**_node(run), "wandbConfig": '{"t": 1}'} if run else None
        return {"model": {**project(given["project"]), "bucket": bucket}}

    def UpsertBucket(self, given: Mapping[str, Any]) -> Any:
        name = given.get("name") or given["id"]
        new = name not in self.runs
        run = self.runs.setdefault(name, Run(name, given.get("entity") or "me", given["project"]))
        run.display = given.get("displayName") or run.display
        run.job = given.get("jobType") or run.job
        run.config = json.loads(given.get("config") or "null") or run.config
        run.summary = json.loads(given.get("summaryMetrics") or "null") or run.summary
        return {
            "upsertBucket": {"bucket": {**_node(run), "project": project(run.project, run.entity)}, "inserted": new}
        }

    def CreateRunFiles(self, given: Mapping[str, Any]) -> Any:
        files = [{"name": name, "uploadUrl": f"{self.url}/runs/{given['run']}/{name}"} for name in given["files"]]
        return {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": files}}

    def upsertView(self, given: Mapping[str, Any]) -> Any:
        self.reports.append(given)
        told = {name: given[name] for name in ("type", "name", "displayName", "description", "spec")}
        view = {**told, "id": "report", "project": project(given["projectName"]), "updatedAt": CREATED}
        return {"upsertView": {"view": view, "inserted": True}}


def _node(run: Run) -> dict[str, Any]:
    return {
        "id": run.name,
        "projectId": "1",
        "tags": [],
        "name": run.name,
        "displayName": run.display or run.name,
        "sweepName": None,
        "state": "finished",
        "config": json.dumps(run.config),
        "group": None,
        "jobType": run.job,
        "commit": None,
        "readOnly": False,
        "createdAt": CREATED,
        "heartbeatAt": CREATED,
        "description": "",
        "notes": "",
        "systemMetrics": "{}",
        "summaryMetrics": json.dumps(run.summary),
        "historyLineCount": len(run.history),
        "eventsLineCount": 0,
        "logLineCount": 0,
        "historyTail": json.dumps([json.dumps(line) for line in run.history[-1:]]),
        "eventsTail": "[]",
        "user": {"name": "me", "username": "me"},
        "historyKeys": None,
    }
