"""Local runs in a folder of state: two that were reported, and one that failed before its report."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path

from report_run import report
from tiny_run import TinyRun, TinyShard

from contracts.ledger import RunCounts, RunLedger, write_ledger
from emulator.run_record import RECORD_FILE, RunRecord
from runner.local_state import LocalState

OUTPUT_URI = "s3://laptop/output/"
FIRST, SECOND, FAILED = "20261116t060000-0001", "20261123t060000-0002", "20261124t060000-0003"


def reported_state(root: Path) -> LocalState:
    """Write the state below `root` and return it; the page of FIRST holds what the page of SECOND says."""
    state = LocalState(root=root / "state")
    runs = {FIRST: [0.9, 0.2, 0.4], SECOND: [0.9, 0.3, 0.4]}
    for number, (run_id, scores) in enumerate(runs.items()):
        shard = TinyShard.scored(["a", "b", "c"], scores, ["Yes", "No", None])
        done = report(root / f"ml-{number}", TinyRun(shards=[shard]), run_id=run_id)
        folder = state.store.path_of(f"{OUTPUT_URI}runs/{run_id}/report")
        folder.parent.mkdir(parents=True)
        done.paths.report.rename(folder)
        _record(state, run_id, status="Succeeded")
    _record(state, FAILED, status="Failed", reason="the input <b>is</b> empty")
    return state


def without_facts(state: LocalState, run_id: str) -> None:
    """Make the ledger of a run one of before it kept what the page shows."""
    path = state.store.path_of(f"{OUTPUT_URI}runs/{run_id}/report/run.json")
    document = json.loads(path.read_bytes())
    counts = RunCounts(**document.pop("counts"))
    write_ledger(path, RunLedger(counts=counts, **{**document, "report": {}}))


def _record(state: LocalState, run_id: str, *, status: str, reason: str = "") -> None:
    began = dt.datetime.strptime(run_id[:15], "%Y%m%dt%H%M%S").replace(tzinfo=dt.timezone.utc)
    record = RunRecord(
        run_id=run_id,
        pipeline_name="batchscore-candidate",
        parameters={"OutputUri": OUTPUT_URI},
        process_id=1,
        started_at=began.isoformat(),
        finished_at=(began + dt.timedelta(seconds=4)).isoformat(),
        status=status,
        failure_reason=reason,
    )
    folder = state.run_folder(run_id)
    folder.mkdir(parents=True)
    (folder / RECORD_FILE).write_text(json.dumps(asdict(record)))
