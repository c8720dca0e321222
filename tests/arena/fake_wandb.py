"""A wandb server of a few lines, which can also fail in the ways that servers do."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ME = {"id": "1", "name": "me"}
VIEWER = {"id": "u", "entity": "me", "username": "me", "email": "", "flags": "{}", "teams": {"edges": []}}


class FakeWandb:
    """Answers what the public API and a starting run ask. ``url`` is its address.

    fault: "" for none, "500", "429" (quota: too many requests), "403" (quota: refused), "hang" (never answers).
    runs: summaries by name, of the one project "me/p". asked: the operations that came.
    """

    def __init__(self, fault: str = "", runs: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.fault, self.runs = fault, dict(runs or {})
        self.asked: list[str] = []
        self.stopped = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                owner.answer(self, body.decode("utf-8", "replace"))

            do_GET = do_PUT = do_POST

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler, asked: str) -> None:
        if "graphql" not in handler.path:
            return _send(handler, 200, {})
        query = json.loads(asked)
        self.asked.append(query["query"].split("{")[0].split("(")[0].strip().rpartition(" ")[2])
        if self.fault == "hang":
            self.stopped.wait(60)
        if self.fault.isdecimal():
            return _send(handler, int(self.fault), {"errors": [{"message": "storage quota exceeded"}]})
        _send(handler, 200, {"data": self.data(query["query"], query.get("variables") or {})})

    def data(self, query: str, variables: Mapping[str, Any]) -> Any:
        if "query Runs(" in query:
            if variables["project"] != "p":
                return {"project": None}
            edges = [{"node": _run(name, summary), "cursor": name} for name, summary in self.runs.items()]
            page = {"endCursor": None, "hasNextPage": False}
            return {
                "project": {
                    "internalId": "1",
                    "runCount": len(edges),
                    "readOnly": False,
                    "runs": {"edges": edges, "pageInfo": page},
                }
            }
        if "query ProjectInternalId" in query:
            return {"project": {"internalId": "MTox"}}
        if "RunResumeStatus" in query:
            name = variables["name"]
            found = {**_run(name, self.runs[name]), "wandbConfig": '{"t": 1}'} if name in self.runs else None
            return {"model": {"id": "1", "name": "p", "entity": ME, "bucket": found}}
        if "mutation UpsertBucket" in query:
            name = variables["name"]
            project = {"id": "1", "name": "p", "entity": ME}
            return {"upsertBucket": {"bucket": {**_run(name, {}), "project": project}, "inserted": True}}
        if "mutation CreateRunFiles" in query:
            files = [{"name": name, "uploadUrl": f"{self.url}/upload"} for name in variables["files"]]
            return {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": files}}
        return {"viewer": VIEWER, "serverInfo": None}

    def close(self) -> None:
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()


def _run(name: str, summary: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        "id": name,
        "tags": [],
        "name": name,
        "displayName": name,
        "sweepName": None,
        "state": "finished",
        "config": "{}",
        "group": None,
        "jobType": summary.get("job"),
        "commit": None,
        "readOnly": False,
        "createdAt": "2026-01-01T00:00:00Z",
        "heartbeatAt": "2026-01-01T00:00:00Z",
        "description": "",
        "notes": "",
        "systemMetrics": "{}",
        "summaryMetrics": json.dumps(summary),
        "historyLineCount": 1,
        "eventsLineCount": 0,
        "logLineCount": 0,
        "historyTail": "[]",
        "eventsTail": "[]",
        "user": {"name": "me", "username": "me"},
        "historyKeys": None,
    }
    return {**told, "projectId": "1"}


def _send(handler: BaseHTTPRequestHandler, code: int, told: Any) -> None:
    data = json.dumps(told).encode()
    handler.send_response(code)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
