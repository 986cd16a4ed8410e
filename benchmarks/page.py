"""Draw `docs/benchmarks.md` and its chart from the recorded comparisons.

    python -m benchmarks.page

Of each size, the newest recorded comparison is shown whole, and nothing is left out: a peer that failed is
named with its reason. The same records give the same page, byte for byte; in the
chart, where things stand depends on the fonts that the machine has.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.comparison import OURS
from reporting.charts import SCHEMA
from reporting.drawing_engine import render

RECORDS_PATH = Path(__file__).with_name("results") / "compare.jsonl"
DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE_NAME = "benchmarks.md"
CHART_NAME = "images/benchmarks.svg"

NAMES = {
    OURS: "this project: the whole pipeline",
    "pandas_whole": "pandas",
    "pandas_chunks": "pandas in chunks",
    "polars_xgboost": "Polars + XGBoost",
    "dask_xgboost": "Dask",
    "spark_xgboost": "Spark",
    "ray_data": "Ray Data",
}

INTRODUCTION = """\
# Benchmarks

Drawn from `benchmarks/results/compare.jsonl` by `python -m benchmarks.page`; do not edit. `make bench`
measures beside pandas, Polars and Dask, `make bench-all` beside Spark and Ray Data too; `ROWS=` and `ROUNDS=`
choose how much.

All score the same CSV of made-up customers (20 columns, 111 bytes a line: `benchmarks/customers.yaml`) with
the same XGBoost model of 300 trees of depth 6. Each starts as a process of its own, timed from start to end,
imports included, in turn; what is given is the median of the rounds. Free memory is touched before each
(`benchmarks/warm_memory.py`), in measurements since 2026-11-30. The peers (`benchmarks/peers/`) read,
encode, predict on all cores and write id and score as CSV; the pipeline writes Parquet. The whole pipeline
does more: it checks every record against the contract, keeps what it holds back with the reason, balances its
books and writes the report. Its definition was compiled before, as it is after the first run on any machine.
The scores of every peer that is shown were equal to ours within 0.000001.

Spark and Ray Data were hardly tuned, and at a million records their start weighs much.

*Largest process* is the most memory that one process had resident. *All processes* is the most that all of
them together had (sum of proportional set sizes, read from `/proc` up to ten times a second).
"""


def newest_by_size(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Return the newest comparison of each size without damage, the smallest size first."""
    records = sorted((json.loads(line) for line in lines), key=lambda record: str(record["measured_at"]))
    newest = {record["rows"]: record for record in records if not record["damage_fraction"]}
    return [newest[rows] for rows in sorted(newest)]


def rates(record: dict[str, Any]) -> dict[str, float]:
    """Return the records a second of each program, by its median, the fastest first."""
    of_names = {
        name: record["rows"] / statistics.median(seconds) for name, seconds in record["seconds"].items()
    }
    return dict(sorted(of_names.items(), key=lambda item: -item[1]))


def page_text(records: Sequence[dict[str, Any]]) -> str:
    """Return the page as Markdown."""
    parts = [INTRODUCTION, f"![Records a second of each program, by size]({CHART_NAME})\n"]
    return "\n".join([*parts, *(_section(record) for record in records)])


def _section(record: dict[str, Any]) -> str:
    machine = record["machine"]
    where = (
        f"{record['megabytes']:,.1f} MB, {record['measured_at'][:10]}, {machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}."
    )
    lines = [
        f"## {record['rows']:,} records\n",
        f"{where}\n",
        "| program | seconds | records/s | time over ours | largest process, MB | all processes, MB |",
        "|---|--:|--:|--:|--:|--:|",
        *(_row(record, name, rate) for name, rate in rates(record).items()),
    ]
    lines += [f"\n{NAMES[name]} could not do it: {reason}" for name, reason in record["failures"].items()]
    return "\n".join(lines) + "\n"


def _row(record: dict[str, Any], name: str, rate: float) -> str:
    over_ours = 1 if name == OURS else record["ratios"].get(name)
    cells = [
        f"**{NAMES[name]}**" if name == OURS else NAMES[name],
        f"{record['rows'] / rate:,.2f}",
        f"{rate:,.0f}",
        "" if over_ours is None else f"{over_ours:.2f}",
        f"{record['largest_process_bytes'][name] / 1e6:,.0f}",
        f"{record['all_processes_bytes'][name] / 1e6:,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def chart_svg(records: Sequence[dict[str, Any]]) -> str:
    """Return the rates as bars, a panel for each size, on white so that it is read in dark mode as well."""
    found = [
        {
            "size": f"{record['rows']:,} records",
            "program": NAMES[name],
            "rate": rate / 1e6,
            "ours": name == OURS,
        }
        for record in records
        for name, rate in rates(record).items()
    ]
    sizes = [f"{record['rows']:,} records" for record in records]
    return render(_panels(found, sizes)) + "\n"


def _panels(found: list[dict[str, Any]], sizes: list[str]) -> dict[str, Any]:
    """Return what to draw, in the words of Vega-Lite."""
    header = {"labelAngle": 0, "labelOrient": "top"}
    programs = {
        "field": "program",
        "type": "nominal",
        "title": None,
        "sort": "-x",
        "axis": {"labelLimit": 300},
    }
    bars = {
        "x": {"field": "rate", "type": "quantitative", "title": "million records a second"},
        "y": programs,
        "color": {"condition": {"test": "datum.ours", "value": "#1f5fa8"}, "value": "#9aa7b4"},
    }
    return {
        "$schema": SCHEMA,
        "data": {"values": found},
        "facet": {
            "row": {"field": "size", "type": "nominal", "title": None, "sort": sizes, "header": header}
        },
        "spec": {"width": 420, "mark": {"type": "bar"}, "encoding": bars},
        "resolve": {"scale": {"y": "independent"}},
        "config": {"background": "white", "font": "sans-serif"},
    }


def main(records_path: Path = RECORDS_PATH, docs: Path = DOCS) -> None:
    """Write page and chart."""
    records = newest_by_size(records_path.read_text(encoding="utf-8").splitlines())
    if not records:
        sys.exit(f"{records_path} has no comparison without damage; `make bench` makes one")
    (docs / CHART_NAME).parent.mkdir(parents=True, exist_ok=True)
    (docs / CHART_NAME).write_text(chart_svg(records), encoding="utf-8")
    (docs / PAGE_NAME).write_text(page_text(records), encoding="utf-8")


if __name__ == "__main__":
    main()
