"""`python3 -m reporting draw|compare|index`: draw pages from ledgers that are there already.

Each reads what it needs below the container's input folder `drawing` and writes below the output `report`:

    draw      run.json               -> report.html, tables/*.csv
    compare   first.json second.json -> comparison.html, comparison.json
    index     runs.json              -> index.html
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from contracts.atomic_files import write_bytes, write_json
from contracts.container_paths import DRAWING_INPUT, REPORT_OUTPUT, inside
from contracts.errors import PlatformError
from contracts.ledger import COMPARISON_FILE, INDEX_FILE, LEDGER_FILE, read_ledger


def _draw(source: Path, target: Path) -> None:
    from reporting.report_files import write_page  # noqa: PLC0415 - half a second, not needed for the others

    write_page(target, read_ledger(source / LEDGER_FILE))


def _compare(source: Path, target: Path) -> None:
    from reporting.comparison import compare_runs, comparison_page  # noqa: PLC0415 - as above

    first, second = read_ledger(source / "first.json"), read_ledger(source / "second.json")
    write_bytes(target / COMPARISON_FILE, comparison_page(first, second).encode())
    rows = [dataclasses.asdict(row) for row in compare_runs(first, second)]
    write_json(target / "comparison.json", {"rows": rows})


def _index(source: Path, target: Path) -> None:
    from reporting.page_engine import page_environment  # noqa: PLC0415 - as above

    path = source / "runs.json"
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise PlatformError(f"{path}: cannot be read as a list of runs: {error}") from error
    page = page_environment().get_template("index.html").render(**document)
    write_bytes(target / INDEX_FILE, page.encode())


DRAWINGS: Mapping[str, Callable[[Path, Path], None]] = MappingProxyType(
    {"draw": _draw, "compare": _compare, "index": _index}
)


def draw_page(command: str, root: Path) -> None:
    """Run one of DRAWINGS with `root` in the place of `/opt/ml`.

    Raises:
        BatchScoreError: A ledger cannot be read, or does not hold what a page shows.
    """
    target = inside(root, REPORT_OUTPUT)
    target.mkdir(parents=True, exist_ok=True)
    DRAWINGS[command](inside(root, DRAWING_INPUT), target)
