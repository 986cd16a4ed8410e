"""`batchscore results`: what came of a run, as text or as JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
from rich.table import Table
from rich.text import Text

from runner.console import PatientConsole, print_wide
from runner.local_state import LocalState, state_folder
from runner.results import results_of
from runner.scores_head import head
from runner.summary import print_summary

SHOWN_NUMBERS = 12
"""Of a list in a line, at most; of a longer one, half of them."""


def results_command(run_id: str | None, *, as_json: bool, head_count: int, state: Path | None) -> None:
    """Print the results of one run, the newest if none is named."""
    local = LocalState(root=state_folder(os.environ, state))
    results = results_of(local.run(run_id), local)
    console = PatientConsole(highlight=False, soft_wrap=True)
    first = head(results, head_count) if head_count else None
    if as_json:
        document = results.as_json()
        if first is not None:
            document["head"] = first.to_pylist()
        console.print_json(json.dumps(document, default=str), indent=2)
        return
    print_summary(results)
    if first is not None:
        print_wide(_as_table(first))


def _as_table(records: pa.Table) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in records.column_names:
        table.add_column(name)
    for record in records.to_pylist():
        table.add_row(*(Text(_shown(value)) for value in record.values()))
    return table


def _shortened(values: list[object]) -> str:
    """Return a list as text, of a long one its start and how many it has."""
    if len(values) <= SHOWN_NUMBERS:
        return str(values)
    start = ", ".join(str(value) for value in values[: SHOWN_NUMBERS // 2])
    return f"[{start}, … {len(values)} in all]"


def _shown(value: object) -> str:
    """Return a value as one line: control characters are spelt out."""
    text = "" if value is None else _shortened(value) if isinstance(value, list) else str(value)
    return text if text.isprintable() else repr(text)[1:-1]
