"""The headline numbers of the last published runs, which travel from run to run below `history/published/`.

    last_runs.json   {"version": 1, "runs": [a RunHeadline each, in the order of publication]}

At most MAX_LAST_RUNS are kept, this run among them. What cannot be read is a note in the report, and never a
reason to fail a run; a history of before they were kept has the last run's numbers in its digest.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.atomic_files import write_json
from contracts.errors import bounded
from reporting.history import RunDigest

LAST_RUNS_FILE = "last_runs.json"
LAST_RUNS_VERSION = 1
MAX_LAST_RUNS = 60
MAX_LAST_RUNS_BYTES = 1024 * 1024
"""Sixty runs take a twentieth of it; a larger file is not ours, and is not read."""

MAX_NAME_CHARACTERS = 200
"""Of a run, a metric or a field, so that no name can fill the page."""

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What a file can raise that another program wrote, or spoilt."""


@dataclass(frozen=True, kw_only=True)
class RunHeadline:
    """A published run in a few numbers.

    Attributes:
        run_id: Its id.
        run_date: Its ISO date.
        record_count: Records read.
        quarantined_fraction: Of the records read.
        mean_score: Of its scores (of several outputs, of the number that the distribution shows), or None.
        quality: Metrics by name; empty where no outcome was known.
        training_psi: The largest PSI beside the training data, or None if nothing could be compared.
        training_mover: The field that has it, or None.
        last_run_psi: The largest PSI beside the run before it, or None.
        last_run_mover: The field that has it, or None.
    """

    run_id: str
    run_date: str
    record_count: int
    quarantined_fraction: float
    mean_score: float | None
    quality: Mapping[str, float]
    training_psi: float | None = None
    training_mover: str | None = None
    last_run_psi: float | None = None
    last_run_mover: str | None = None

    def __post_init__(self) -> None:
        if dt.date.fromisoformat(self.run_date).isoformat() != self.run_date:
            raise ValueError(f"{self.run_date!r} is no date as YYYY-MM-DD")
        movers = (name for name in (self.training_mover, self.last_run_mover) if name is not None)
        if not all(map(_is_name, (self.run_id, *movers, *self.quality))):
            raise ValueError(f"a name of run {str(self.run_id)[:40]!r} is no text of ordinary length")
        known = [one for one in (self.mean_score, self.training_psi, self.last_run_psi) if one is not None]
        required = (self.record_count, self.quarantined_fraction, *self.quality.values())
        if not all(map(_is_number, (*required, *known))):
            raise ValueError(f"a number of run {self.run_id} is none")
        is_count = isinstance(self.record_count, int) and self.record_count >= 0
        if not is_count or not 0 <= self.quarantined_fraction <= 1:
            raise ValueError(f"a count or fraction of run {self.run_id} is outside its bounds")


@dataclass(frozen=True, kw_only=True)
class EarlierRuns:
    """The runs published before this one, as far as they are known.

    Attributes:
        runs: In the order of publication, the last one at the end.
        note: Why those before the last are not known; empty if they are, or if there are none.
    """

    runs: tuple[RunHeadline, ...] = ()
    note: str = ""

    def followed_by(self, run: RunHeadline) -> tuple[RunHeadline, ...]:
        """Return the last runs, `run` at the end; what was left of it before gives way."""
        others = [one for one in self.runs if one.run_id != run.run_id]
        return (*others, run)[-MAX_LAST_RUNS:]


def write_last_runs(folder: Path, runs: Sequence[RunHeadline]) -> None:
    """Write the headlines of the last runs, the newest at the end."""
    documents = [dataclasses.asdict(run) for run in runs]
    write_json(folder / LAST_RUNS_FILE, {"version": LAST_RUNS_VERSION, "runs": documents})


def read_earlier_runs(folder: Path, last_run: RunDigest | None) -> EarlierRuns:
    """Return what is known of the runs before this one.

    Args:
        folder: Holds what the last published run left, if there was one.
        last_run: Its digest, which stands in where it left no headlines, as older versions do.
    """
    runs: tuple[RunHeadline, ...] = ()
    note = ""
    try:
        runs = _kept_runs(folder)
        if last_run is not None and all(run.run_id != last_run.run_id for run in runs):
            runs = (*runs, _headline_of_digest(last_run))
    except _UNREADABLE as error:
        told = bounded(str(error), MAX_NAME_CHARACTERS)
        note = f"What the last runs left of their numbers ({LAST_RUNS_FILE}) cannot be read: {told}."
    return EarlierRuns(runs=runs[-MAX_LAST_RUNS:], note=note)


def _kept_runs(folder: Path) -> tuple[RunHeadline, ...]:
    path = next(iter(sorted(folder.rglob(LAST_RUNS_FILE))), None)
    if path is None:
        return ()
    if path.stat().st_size > MAX_LAST_RUNS_BYTES:
        raise ValueError(f"it has more than {MAX_LAST_RUNS_BYTES:,} bytes")
    document = json.loads(path.read_bytes())
    if document["version"] != LAST_RUNS_VERSION:
        raise ValueError(f"it is of version {str(document['version'])[:20]}, which is not read")
    return tuple(RunHeadline(**run) for run in document["runs"])


def _headline_of_digest(digest: RunDigest) -> RunHeadline:
    read = digest.counts["read"]
    return RunHeadline(
        run_id=digest.run_id,
        run_date=digest.run_date,
        record_count=read,
        quarantined_fraction=digest.counts["quarantined"] / max(1, read),
        mean_score=None,
        quality=digest.quality,
    )


def _is_name(value: Any) -> bool:
    """Return whether a value is a text of ordinary length; half a surrogate pair could not be written."""
    is_short = isinstance(value, str) and len(value) <= MAX_NAME_CHARACTERS
    return is_short and not any("\ud800" <= character <= "\udfff" for character in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
