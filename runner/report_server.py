"""`batchscore serve-reports`: all local runs and their reports as web pages, for this machine only.

    /                            the runs, newest first
    /runs/<run id>/<file>        what the report folder of a run holds
    /compare/<run id>/<run id>/  two runs side by side

Nothing is served but these; names in addresses are looked up, never joined to a path unread. Requests that
name another host than this machine are refused, so that no page from elsewhere can read the reports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from contracts.errors import BatchScoreError
from contracts.ledger import COMPARISON_FILE, INDEX_FILE, REPORT_FILE
from emulator.run_record import RunRecord
from runner.local_state import LocalState
from runner.report_command import drawn, local_ledger
from runner.results import results_of
from runner.summary import headline_quality

LOOPBACK = "127.0.0.1"
_HOSTS = ("localhost", LOOPBACK)
_HTML = "text/html; charset=utf-8"
_MEDIA_TYPES = {".json": "application/json", ".csv": "text/csv; charset=utf-8", ".html": _HTML}
Page = tuple[bytes, str]
"""Content and media type."""


def index_of(state: LocalState) -> dict[str, Any]:
    """Return what the page of all runs shows."""
    records = state.runs()
    rows: list[dict[str, Any]] = []
    earlier: RunRecord | None = None
    for record in reversed(records):
        row = _row(record, state)
        if row["report"] and earlier is not None:
            row["comparison"] = f"/compare/{quote(earlier.run_id)}/{quote(record.run_id)}/"
        if row["report"]:
            earlier = record
        rows.insert(0, row)
    return {"place": str(state.root), "runs": rows}


def _row(record: RunRecord, state: LocalState) -> dict[str, Any]:
    try:
        results = results_of(record, state)
    except BatchScoreError as error:
        results, fault = None, str(error)
    else:
        fault = record.failure_reason
    facts = results.facts if results else None
    verdict = facts.report.get("verdict", {}) if facts else {}
    return {
        "run_id": record.run_id,
        "pipeline_name": record.pipeline_name,
        "started_at": record.started_at,
        "status": record.status,
        "failure_reason": fault,
        "counts": results.counts if results else {},
        "quality": headline_quality(facts) if facts else [],
        "level": verdict.get("level", ""),
        "heading": verdict.get("heading", "") if record.status == "Succeeded" else "",
        "report": f"/runs/{quote(record.run_id)}/{REPORT_FILE}" if results and results.report else "",
        "comparison": "",
    }


def page_at(address: str, state: LocalState) -> Page | None:
    """Return what is served at an address, or None if nothing is.

    Raises:
        BatchScoreError: It is there, but cannot be drawn.
    """
    parts = [unquote(part) for part in address.split("?", 1)[0].strip("/").split("/")]
    if parts == [""]:
        with drawn("index", {"runs.json": index_of(state)}) as folder:
            return (folder / INDEX_FILE).read_bytes(), _HTML
    known = state.run_ids()
    if parts[0] == "compare" and len(parts) == 3 and {parts[1], parts[2]} <= known:
        return _comparison(parts[1], parts[2], state)
    if parts[0] == "runs" and len(parts) >= 3 and parts[1] in known:
        return _file(local_ledger(parts[1], state)[1], "/".join(parts[2:]))
    return None


def _comparison(first: str, second: str, state: LocalState) -> Page:
    documents = {
        name: asdict(local_ledger(run_id, state)[0])
        for name, run_id in (("first.json", first), ("second.json", second))
    }
    with drawn("compare", documents) as folder:
        return (folder / COMPARISON_FILE).read_bytes(), _HTML


def _file(folder: Path, name: str) -> Page | None:
    """Return a file of a report folder, whose files are listed and compared by name."""
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() == name:
            return path.read_bytes(), _MEDIA_TYPES.get(path.suffix, "application/octet-stream")
    return None


class _Handler(BaseHTTPRequestHandler):
    state: LocalState
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if (self.headers.get("Host") or "").rsplit(":", 1)[0] not in _HOSTS:
            self._answer(HTTPStatus.FORBIDDEN, b"only for this machine\n", "text/plain")
            return
        try:
            page = page_at(self.path, self.state)
        except BatchScoreError as error:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error}\n".encode(), "text/plain; charset=utf-8")
            return
        if page is None:
            self._answer(HTTPStatus.NOT_FOUND, b"nothing is here; / lists all runs\n", "text/plain")
            return
        self._answer(HTTPStatus.OK, *page)

    def _answer(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server calls
        pass


def report_server(state: LocalState, port: int) -> ThreadingHTTPServer:
    """Return a server of the reports, bound to a loopback port (any free one for 0), not yet serving.

    Raises:
        OSError: The port is taken.
    """
    handler = type("_StateHandler", (_Handler,), {"state": state})
    return ThreadingHTTPServer((LOOPBACK, port), handler)


def serve_reports(state: LocalState, port: int, announce: Callable[[str], None]) -> None:
    """Serve until interrupted."""
    with report_server(state, port) as server:
        announce(f"http://{LOOPBACK}:{server.server_address[1]}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            announce("stopped")
