"""`batchscore quarantine`: the records that a run held back, as text or as JSON, or as files to be mended."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.errors import CallerError, InternalError
from contracts.quarantine import REASON_MEANINGS, SourceForm
from contracts.visible_text import visible_text
from runner.console import PatientConsole
from runner.local_state import LocalState, state_folder
from runner.quarantine_reading import (
    DIGEST_PAGES,
    QuarantineFiles,
    QuarantineScan,
    Selection,
    quarantine_files,
    scan_quarantine,
    selected_records,
)
from runner.quarantine_view import encoding_of, print_quarantine, print_written
from runner.quarantine_writing import WrittenBack, write_back
from runner.results import RunResults, results_of


@dataclass(frozen=True, kw_only=True)
class QuarantineRequest:
    """The options of `batchscore quarantine`, as typed.

    Attributes:
        run_id: Of the run, or None for the newest.
        reason: Only records with this reason code, or None.
        source_key: Only records of this source object, or None.
        example_count: Records shown of each reason.
        write_folder: Where to write the records as source files, or None.
        as_json: Print JSON for scripts.
        state: Folder of local runs, or None for the default.
    """

    run_id: str | None = None
    reason: str | None = None
    source_key: str | None = None
    example_count: int = 3
    write_folder: Path | None = None
    as_json: bool = False
    state: Path | None = None


def quarantine_command(request: QuarantineRequest) -> None:
    """Print what a run held back, and write it out if asked to.

    Raises:
        CallerError: There is no such run, reason or source object, or the records cannot go to that folder.
    """
    local = LocalState(root=state_folder(os.environ, request.state))
    results = results_of(local.run(request.run_id), local)
    files = quarantine_files(results)
    selection = Selection(reason=request.reason, source_key=request.source_key)
    scan = scan_quarantine(files, selection, request.example_count)
    written = _write(request, results, files, scan) if request.write_folder is not None else None
    console = PatientConsole(highlight=False, soft_wrap=True)
    if request.as_json:
        console.print_json(json.dumps(_as_json(results, files, scan, written)), indent=2)
    elif not scan.total:
        console.print(nothing_held_back(results, files), markup=False)
    elif written is not None:
        print_written(console, written)
    else:
        print_quarantine(console, results, scan)


def nothing_held_back(results: RunResults, files: QuarantineFiles) -> str:
    """Say why there is nothing to show."""
    run = f"run {results.record.run_id}"
    if files.paths:
        return f"{run}: nothing was held back; every record read kept every rule of the contract"
    if results.quarantine is not None or results.facts is not None:
        return f"{run}: its quarantine is no longer where it was written"
    reason = results.record.failure_reason
    return f"{run} is {results.record.status} and did not get so far as to hold records back" + (
        f": {reason}" if reason else ""
    )


def _write(
    request: QuarantineRequest, results: RunResults, files: QuarantineFiles, scan: QuarantineScan
) -> WrittenBack | None:
    if not files.paths:
        raise CallerError(f"{nothing_held_back(results, files)}; nothing was written")
    if not scan.selected_count or request.write_folder is None:
        return None
    selection = Selection(reason=request.reason, source_key=request.source_key)
    groups = selected_records(files, selection)
    written = write_back(groups, scan.forms, request.write_folder, results.record.run_id)
    if written.record_count != scan.selected_count:
        raise InternalError(f"{scan.selected_count} records are held back, {written.record_count} came out")
    return written


def _as_json(
    results: RunResults, files: QuarantineFiles, scan: QuarantineScan, written: WrittenBack | None
) -> dict[str, Any]:
    """Return the form that scripts rely on."""
    meanings = {code.value: meaning for code, meaning in REASON_MEANINGS.items()}
    pages = sorted(results.quarantine.glob(DIGEST_PAGES)) if results.quarantine else []
    document: dict[str, Any] = {
        "run_id": results.record.run_id,
        "status": results.record.status,
        "has_quarantine": bool(files.paths),
        "total": scan.total,
        "late": scan.late_count,
        "selected": scan.selected_count,
        "counts": [
            {"reason_code": reason, "meaning": meanings.get(reason, ""), "field": field, "count": count}
            for (reason, field), count in scan.kinds.items()
        ],
        "sources": scan.source_counts,
        "examples": [_example(record, scan.forms) for record in scan.examples],
        "files": [str(path) for path in files.paths],
        "digests": [str(path) for path in pages],
    }
    if written is not None:
        document["written"] = {
            "files": [
                {
                    "path": str(file.path),
                    "reasons": str(file.reasons_path),
                    "records": file.record_count,
                    "unparsed": file.is_unparsed,
                }
                for file in written.files
            ],
            "unwritten": written.unwritten_counts,
            "unwritten_list": str(written.unwritten_path) if written.unwritten_path else None,
        }
    return document


def _example(record: Mapping[str, Any], forms: Mapping[str, SourceForm]) -> dict[str, Any]:
    return {
        "source_key": record["source_key"],
        "line_number": record["line_number"],
        "byte_offset": record["byte_offset"],
        "reason_code": record["reason_code"],
        "field": record["field"],
        "message": record["message"],
        "raw": visible_text(record["raw"], encoding=encoding_of(record["source_key"], forms)),
        "raw_byte_count": record["raw_byte_count"],
    }
