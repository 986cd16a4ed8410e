"""Describe the machine that a measurement was made on, and keep measurements."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


def describe_machine() -> dict[str, Any]:
    """Return processor, cores, memory and Python version."""
    processor = platform.processor() or platform.machine()
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "memory_gib": round(memory_bytes / 1024**3, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def keep_result(name: str, result: dict[str, Any]) -> Path:
    """Append one measurement as a line of JSON to `results/<name>.jsonl`, and return the file."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.jsonl"
    line = {"measured_at": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"), **result}
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
    return path


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
