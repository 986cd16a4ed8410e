"""Draw `docs/simulation.md` and its chart from what is kept; the same records give the same page.

The newest simulation, measurement of speeds and comparison with the emulator are shown whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS
from benchmarks.simulation import serving_speed, validation
from reporting.charts import SCHEMA
from reporting.drawing_engine import render

RESULT_NAME = "simulation"
DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE_NAME = "simulation.md"
CHART_NAME = "images/simulation.svg"
CHART_INSTANCES = 16
IMPOSSIBLE = "not possible"

INTRODUCTION = """\
# Beyond one machine: a simulation

Drawn from `benchmarks/results/simulation*.jsonl` by `python -m benchmarks.simulation --page`; do not edit.
`make simulate` measures the model server's speeds, compares the model with the emulator, simulates and draws.

**No job ran in AWS for this page.** It is what a model (`runner/aws/transform_model.py`, the one that
`batchscore plan` asks; ADR 17) makes of speeds that were measured on one machine and of assumptions that are
listed below. What it shows is how the ways to lay out records differ, not what a bill will be.

*Our shards* are cut, and given to as many of 1, 4 and 16 instances, as PrepareInput would choose for the
least time. *Transform* is the time between the first and the last payload, with slow payloads and instances
and failed requests; *least busy* is the part of it for which the instance with least to do is busy in all its
slots: first with nothing left to chance, as it is planned, then with chance. *Job* has waiting and start-up,
too; *whole run* the preparation and the report, on one instance each, which the other layouts do not have:
nothing is checked, held back or reconciled there.

- One Parquet file cannot be split: above the payload limit it is not possible.
- One file of CSV can be split, but is one instance's: all others are paid for and idle. On one instance it is
  the fastest, since it pays an object's own time once.
- Small files pay an object's own time for each.
- With a model as light as this one, a million records are not worth a second instance: start-up is all.
- Filters and the join of ids, which the service does for CSV, are not in the model: CSV looks better than it
  is.
"""


def newest(name: str) -> dict[str, Any] | None:
    """Return the newest kept result of a name, or None."""
    path = RESULTS / f"{name}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return max((json.loads(line) for line in lines), key=lambda one: str(one["measured_at"]), default=None)


def row(outcome: Mapping[str, Any]) -> str:
    """Return an outcome as a row of the table."""
    first = [outcome["layout"], f"{outcome['instances']}", f"{outcome['objects']:,}"]
    if not outcome["is_possible"]:
        return f"| {' | '.join([*first, IMPOSSIBLE, '', '', '', '', '', ''])} |"
    cells = [
        *first,
        _duration(outcome["span_seconds"]),
        f"{outcome['least_busy_without_chance']:.1%}",
        f"{outcome['least_busy']:.1%}",
        _duration(outcome["makespan_seconds"]),
        f"{outcome['instance_hours']:,.2f}",
        f"{outcome['cost_usd']:,.2f}",
        _run_cell(outcome),
    ]
    return f"| {' | '.join(cells)} |"


def _run_cell(outcome: Mapping[str, Any]) -> str:
    if "run_seconds" not in outcome:
        return ""
    usd = outcome["cost_usd"] + outcome["prepare_and_report_usd"]
    return f"{_duration(outcome['run_seconds'])}, USD {usd:,.2f}"


def page_text(simulated: Mapping[str, Any], measured: Mapping[str, Any], validated: Mapping[str, Any]) -> str:
    """Return the page as Markdown."""
    sections = _sections(simulated["outcomes"])
    words = f"Time of the transform by layout and number of records, {CHART_INSTANCES} instances"
    chart = f"![{words}]({CHART_NAME})\n"
    parts = [
        INTRODUCTION,
        chart,
        *sections,
        _assumptions(simulated),
        _speeds(measured),
        _validation(validated),
    ]
    return "\n".join(parts)


def _sections(outcomes: Sequence[Mapping[str, Any]]) -> list[str]:
    head = (
        "| layout | instances | objects | transform | least busy, planned | least busy, with chance | job "
        "| instance-hours | USD | whole run |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    found = []
    for records in dict.fromkeys(one["records"] for one in outcomes):
        found.append(f"## {records:,} records\n")
        rows = [row(one) for one in outcomes if one["records"] == records]
        found.append("\n".join([head, *rows]) + "\n")
    return found


def _assumptions(simulated: Mapping[str, Any]) -> str:
    rows = [f"| {one['name']} | {one['value']} | {one['source']} |" for one in simulated["assumptions"]]
    return "\n".join(["## Assumed\n", "| what | how much | why |", "|---|---|---|", *rows]) + "\n"


def _speeds(measured: Mapping[str, Any]) -> str:
    speeds = serving_speed.speeds_of(dict(measured))
    rows = [
        f"| {wire} | {1 / speed.seconds_per_record / 1e6:.2f} | {speed.payload_seconds * 1000:.1f} "
        f"| {speed.bytes_per_record:.0f} |"
        for wire, speed in speeds.items()
    ]
    words = (
        f"The model server, a model of {measured['trees']} trees, {measured['features']} features; payloads "
        f"of {measured['few']:,} and {measured['many']:,} records: {measured['how']}. {_where(measured)}\n"
    )
    head = "| wire | million records/s of a slot | ms a request beside that | bytes a record |"
    return "\n".join(["## Measured\n", words, head, "|---|--:|--:|--:|", *rows]) + "\n"


def _validation(validated: Mapping[str, Any]) -> str:
    rows = [
        f"| {job['instances']} | {job['emulated_span_seconds']:.2f} | {job['modelled_span_seconds']:.2f} "
        f"| {job['span_error_fraction']:+.1%} | {job['largest_busy_error_fraction']:.1%} |"
        for job in validated["jobs"]
    ]
    words = (
        f"Transform jobs by the emulator, {validated['objects']} uneven objects, {validated['slots']} slots "
        "an instance, with servers that sleep for as long as a payload is large, so that four of them are as "
        f"fast as four machines. {_where(validated)}\n"
    )
    head = "| instances | emulator, s | model, s | error | largest error of an instance's busy time |"
    return "\n".join(["## Compared with the emulator\n", words, head, "|--:|--:|--:|--:|--:|", *rows]) + "\n"


def _where(record: Mapping[str, Any]) -> str:
    machine = record["machine"]
    return f"{record['measured_at'][:10]}, {machine['processor']}, {machine['cores']} cores."


def chart_svg(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """Return the time of the transform by number of records, a line for each layout."""
    shown = [
        {"records": one["records"], "minutes": one["span_seconds"] / 60, "layout": one["layout"]}
        for one in outcomes
        if one["instances_allowed"] == CHART_INSTANCES and one["is_possible"]
    ]
    layouts = list(dict.fromkeys(one["layout"] for one in outcomes))
    return render(_lines(shown, layouts)) + "\n"


def _lines(shown: list[dict[str, Any]], layouts: list[str]) -> dict[str, Any]:
    """Return what to draw, in the words of Vega-Lite."""
    scale = {"type": "log"}
    records = {"field": "records", "title": "records", "axis": {"format": "~s"}}
    minutes = {"field": "minutes", "title": "transform, minutes", "axis": {"format": "~g"}}
    layout = {"field": "layout", "type": "nominal", "title": None, "sort": layouts}
    return {
        "$schema": SCHEMA,
        "data": {"values": shown},
        "width": 480,
        "height": 320,
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {**records, "type": "quantitative", "scale": scale},
            "y": {**minutes, "type": "quantitative", "scale": scale},
            "color": {**layout, "legend": {"labelLimit": 300}},
        },
        "config": {"background": "white", "font": "sans-serif"},
    }


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:,.1f} h"


def draw(docs: Path = DOCS) -> None:
    """Write page and chart.

    Raises:
        SystemExit: Something was not measured yet.
    """
    names = (RESULT_NAME, serving_speed.RESULT_NAME, validation.RESULT_NAME)
    simulated, measured, validated = (newest(name) for name in names)
    if simulated is None or measured is None or validated is None:
        raise SystemExit("`make simulate` makes what the page is drawn from; not all of it is there")
    (docs / CHART_NAME).parent.mkdir(parents=True, exist_ok=True)
    (docs / CHART_NAME).write_text(chart_svg(simulated["outcomes"]), encoding="utf-8")
    (docs / PAGE_NAME).write_text(page_text(simulated, measured, validated), encoding="utf-8")
