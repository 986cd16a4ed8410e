"""The quality gate of a candidate: what ReportRun writes, and the pipeline's condition and doors read.

gate.json    {"is_passed": "yes" | "no", "reason": "…"}
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from contracts.atomic_files import write_json
from contracts.errors import PlatformError, bounded

GATE_FILE = "gate.json"
PASSED, NOT_PASSED = "yes", "no"
MAX_REASON_CHARACTERS = 500
"""Of a failure reason of 1,024 characters, which also says where the report is."""


@dataclass(frozen=True, kw_only=True)
class QualityGate:
    """What came of the gate.

    Attributes:
        is_passed: Whether nothing that was asked for is missed; also where nothing was asked for.
        reason: Why it was not passed, or what was asked for, in sentences; empty if nothing was.
    """

    is_passed: bool
    reason: str


def write_gate(folder: Path, gate: QualityGate) -> None:
    """Write `gate.json` into a folder."""
    document = {
        "is_passed": PASSED if gate.is_passed else NOT_PASSED,
        "reason": bounded(gate.reason, MAX_REASON_CHARACTERS),
    }
    write_json(folder / GATE_FILE, document)


def parse_gate(content: bytes, *, name: str) -> QualityGate:
    """Return the gate that the bytes of its file say; `name` is for the message.

    Raises:
        PlatformError: It is not ours.
    """
    try:
        document = json.loads(content)
        return QualityGate(is_passed=document["is_passed"] == PASSED, reason=str(document["reason"]))
    except (ValueError, TypeError, KeyError) as error:
        raise PlatformError(f"{name}: cannot be read as a quality gate: {error!r}") from error
