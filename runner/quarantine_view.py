"""Print a quarantine for people: what broke how often, a few records of each reason, where to look further.

Text from the data cannot steer the terminal: it is printed as plain text, its control characters spelt out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.quarantine import REASON_MEANINGS, SourceForm
from contracts.visible_text import visible_text
from runner.console import PatientConsole, print_wide
from runner.quarantine_reading import QuarantineScan
from runner.quarantine_writing import WrittenBack
from runner.results import RunResults

MAX_NAME_CHARS = 200
MAX_MESSAGE_CHARS = 600


def print_quarantine(console: Console, results: RunResults, scan: QuarantineScan) -> None:
    """Print counts, examples and places to the console; the scan must have a record."""
    console.print(_heading(results, scan), markup=False)
    if not scan.selected_count:
        console.print("none of them is what --reason and --source ask for", markup=False)
        return
    _print_table(_table(scan), is_wide=not console.is_terminal)
    reason = None
    for record in scan.examples:
        if record["reason_code"] != reason:
            reason = record["reason_code"]
            console.print(Text.assemble("\n", (reason, "bold")))
        _print_example(console, record, scan.forms)
    console.print()
    for name, text in _places(results).items():
        console.print(Text.assemble((f"{name:<8}", "dim"), text))


def print_written(console: Console, written: WrittenBack) -> None:
    """Print which files were written, and which records are not in them."""
    for file in written.files:
        note = " that could not be parsed: mend these with care, one may swallow the next"
        records = f"{file.record_count:,} record{'s' if file.record_count != 1 else ''}"
        console.print(f"{file.path}: {records}{note if file.is_unparsed else ''}", markup=False)
        console.print(f"  what is wrong with which line: {file.reasons_path}", markup=False)
    for cause, count in written.unwritten_counts.items():
        console.print(f"not written: {count:,} record{'s' if count != 1 else ''}: {cause}", markup=False)
    if written.unwritten_path is not None:
        console.print(f"  which ones: {written.unwritten_path}", markup=False)
    if written.files:
        first = written.files[0].path
        place = first if len(written.files) == 1 else first.parent
        console.print(f"mend, then: batchscore run … --input {place}", markup=False)


def encoding_of(source_key: str, forms: Mapping[str, SourceForm]) -> str:
    """Return the encoding of a source object's records, as far as it is known."""
    form = forms.get(source_key)
    return form.record_encoding if form is not None else "utf-8"


def _heading(results: RunResults, scan: QuarantineScan) -> str:
    read = results.counts.get("read", 0)
    share = f" of {read:,} read ({scan.total / read:.2%})" if read else ""
    late = f", {scan.late_count:,} of them found after preparation" if scan.late_count else ""
    return f"Run {results.record.run_id}: {scan.total:,} held back{share}{late}"


def _table(scan: QuarantineScan) -> Table:
    meanings = {code.value: meaning for code, meaning in REASON_MEANINGS.items()}
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("reason", no_wrap=True)
    table.add_column("a record with it …")
    table.add_column("field", overflow="fold")
    table.add_column("records", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    for (reason, field), count in scan.kinds.items():
        cells = [reason, meanings.get(reason, ""), _shown(field or "", MAX_NAME_CHARS)]
        cells += [f"{count:,}", f"{count / scan.total:.1%}"]
        table.add_row(*map(Text, cells))
    return table


def _print_table(table: Table, *, is_wide: bool) -> None:
    if is_wide:
        print_wide(table)
    else:
        PatientConsole(highlight=False).print(table)


def _print_example(console: Console, record: Mapping[str, Any], forms: Mapping[str, SourceForm]) -> None:
    source_key = record["source_key"]
    place = f"{_shown(source_key, MAX_NAME_CHARS)}:{record['line_number']}"
    parts: list[str | tuple[str, str]] = ["  ", (place, "cyan")]
    if record["field"]:
        parts += ["  ", (_shown(record["field"], MAX_NAME_CHARS), "yellow")]
    console.print(Text.assemble(*parts, "  ", _shown(record["message"], MAX_MESSAGE_CHARS)))
    raw = visible_text(record["raw"], encoding=encoding_of(source_key, forms))
    if raw:
        console.print(Text.assemble("    ", (raw, "dim")))


def _shown(text: str, max_chars: int) -> str:
    return visible_text(text, max_chars)


def _places(results: RunResults) -> dict[str, str]:
    run_id = results.record.run_id
    places = {"files": str(results.quarantine), "page": str(results.quarantine_digest or "")}
    places["mend"] = f"batchscore quarantine {run_id} --write FOLDER"
    return {name: text for name, text in places.items() if text}
