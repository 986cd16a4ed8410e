"""A local run that held records back, laid out as the runner finds it, without running anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.quarantine import ReasonCode, SourceForm
from emulator.run_record import RunRecord, write_record
from preprocessing.quarantine_file import QuarantineFile
from preprocessing.records import QuarantinedRecord, RecordPlace
from runner.local_state import LocalState

RUN_ID = "20261123t094512-3fa9"

Held = tuple[str, SourceForm | None, QuarantinedRecord]


def held(
    raw: bytes,
    reason: str = "wrong_type",
    *,
    form: SourceForm | None,
    source_key: str = "a.csv",
    **facts: Any,
) -> Held:
    """Return one record held back, with its source.

    Args:
        raw: Its bytes that are kept.
        reason: Its reason code.
        form: How its source is written.
        source_key: Of its source.
        **facts: `line_number`, `field`, `message`, `raw_byte_count`, where they matter.
    """
    place = RecordPlace(
        line_number=facts.pop("line_number", 2),
        byte_offset=None,
        raw=raw,
        raw_byte_count=facts.pop("raw_byte_count", len(raw)),
    )
    stated = {"field": "age", "message": "age: 'x' is not a number"} | facts
    return source_key, form, QuarantinedRecord(place=place, reason=ReasonCode(reason), **stated)


class HeldBackRun:
    """A run in a state folder, and its quarantine.

    Attributes:
        state: The local state.
        folder: Of the run's outputs.
    """

    def __init__(self, root: Path, status: str = "Succeeded", failure_reason: str = "") -> None:
        self.state = LocalState(root=root / "state")
        self.folder = self.state.store.path_of(f"s3://laptop/out/runs/{RUN_ID}")
        record = RunRecord(
            run_id=RUN_ID,
            pipeline_name="candidate",
            parameters={"OutputUri": "s3://laptop/out/"},
            process_id=1,
            started_at="2026-11-23T09:45:12Z",
            status=status,
            failure_reason=failure_reason,
        )
        write_record(self.state.run_folder(RUN_ID), record)

    def hold_back(
        self, records: Sequence[Held], host: str = "algo-1", folder: str = "quarantine"
    ) -> HeldBackRun:
        """Write the quarantine of one instance."""
        with QuarantineFile(self.folder / folder, host) as quarantine:
            for source_key, form, record in records:
                quarantine.add(source_key, form, record)
        return self
