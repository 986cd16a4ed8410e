"""What a reader of CSV leaves behind of its reading and checking, for `compare_readers` to look at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FINDINGS_FILE = "findings.json"


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a reader says of a source.

    Attributes:
        valid_count: Records that were read and keep the rules.
        held_back: How many of the others it names, by what it calls the reason.
        example: What it knows of the first one that it names; empty if it names none.
    """

    valid_count: int
    held_back: Mapping[str, int]
    example: Mapping[str, Any]


def leave(findings: Findings, folder: str) -> None:
    """Write the findings below `folder`."""
    text = json.dumps(asdict(findings), default=str)
    (Path(folder) / FINDINGS_FILE).write_text(text, encoding="utf-8")


def found_below(folder: Path) -> Findings:
    """Return the findings that a reader left below `folder`."""
    return Findings(**json.loads((folder / FINDINGS_FILE).read_text(encoding="utf-8")))
