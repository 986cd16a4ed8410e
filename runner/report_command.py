"""`batchscore report` and `batchscore compare`: draw pages from ledgers, with the report container's code."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.table import Table
from rich.text import Text

from contracts.atomic_files import write_bytes
from contracts.container_paths import DRAWING_INPUT, REPORT_OUTPUT, inside
from contracts.errors import CallerError
from contracts.ledger import COMPARISON_FILE, LEDGER_FILE, REPORT_FILE, RunLedger
from runner.console import PatientConsole, print_wide
from runner.container_code import ask_container
from runner.local_state import LocalState
from runner.results import results_of

MADE_BY = "What made the scores"
"""Group of facts that are texts, and too long for a column."""

DRAW_ARGV = ("python3", "-m", "reporting")


def local_ledger(run_id: str | None, state: LocalState) -> tuple[RunLedger, Path]:
    """Return the ledger of a local run, and the folder of its report.

    Raises:
        CallerError: There is no such run, or it ended before its report.
    """
    record = state.run(run_id)
    results = results_of(record, state)
    if results.facts is None or results.ledger is None:
        raise CallerError(
            f"run {record.run_id} has no ledger: it came to no report; "
            f"`batchscore results {record.run_id}` says how far it came"
        )
    return results.facts, results.ledger.parent


def draw_report(ledger: RunLedger, out: Path) -> Path:
    """Draw the page of a run, and the CSV files behind its charts, into the folder `out`; return the page.

    Raises:
        BatchScoreError: The ledger does not hold what a page shows, or the folder cannot be written.
    """
    with drawn("draw", {LEDGER_FILE: asdict(ledger)}) as folder:
        try:
            shutil.copytree(folder, out, dirs_exist_ok=True)
        except OSError as error:
            raise CallerError(f"--out {out}: cannot be written: {error}") from error
    return out / REPORT_FILE


def compare_ledgers(first: RunLedger, second: RunLedger, out: Path | None, *, as_json: bool) -> None:
    """Print two runs side by side; on request also write the page, whole or not at all."""
    documents = {"first.json": asdict(first), "second.json": asdict(second)}
    with drawn("compare", documents) as folder:
        rows = json.loads((folder / "comparison.json").read_bytes())["rows"]
        if out is not None:
            try:
                write_bytes(out, (folder / COMPARISON_FILE).read_bytes())
            except OSError as error:
                raise CallerError(f"--out {out}: cannot be written: {error.strerror or error}") from error
    console = PatientConsole(highlight=False, soft_wrap=True)
    if as_json:
        console.print_json(json.dumps({"first": first.run_id, "second": second.run_id, "rows": rows}))
        return
    print_wide(_as_table(first, second, [row for row in rows if row["group"] != MADE_BY]))
    for row in rows:
        if row["group"] == MADE_BY:
            console.print(Text(f"{row['name']}\n  {row['first']}\n  {row['second']}"))
    if out is not None:
        console.print(f"{out}: written", markup=False)


def _as_table(first: RunLedger, second: RunLedger, rows: list[dict[str, str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in (first.run_id, second.run_id, "difference"):
        table.add_column(Text(name), justify="right", overflow="fold")
    group = ""
    for row in rows:
        if row["group"] != group:
            group = row["group"]
            table.add_row(Text(group, style="bold"))
        style = "bold" if row["is_different"] else ""
        cells = (f"  {row['name']}", row["first"], row["second"], row["difference"])
        table.add_row(*(Text(cell, style=style) for cell in cells))
    return table


@contextmanager
def drawn(command: str, documents: Mapping[str, object]) -> Iterator[Path]:
    """Have the report container's code draw pages from JSON documents; yield the folder with what it drew.

    Raises:
        BatchScoreError: As that code ended.
    """
    with tempfile.TemporaryDirectory(prefix="batchscore-pages-") as temporary:
        root = Path(temporary)
        folder = inside(root, DRAWING_INPUT)
        folder.mkdir(parents=True)
        for name, document in documents.items():
            (folder / name).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        ask_container([*DRAW_ARGV, command], root)
        yield inside(root, REPORT_OUTPUT)
