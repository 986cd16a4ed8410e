"""The valid customers of `tiny_customers` in every source format, and their published scores read back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from recordio_oracle import framed, record_message
from tiny_customers import CUSTOMERS, SCORES

from runner.results import RunResults

Customer = dict[str, Any]


def valid_customers() -> list[Customer]:
    """Return the customers that have a score, with typed values, in order."""
    rows = [row for row in csv.DictReader(io.StringIO(CUSTOMERS)) if row["customer_id"] in SCORES]
    return [
        {
            "customer_id": row["customer_id"],
            "age": int(row["age"]) if row["age"] else None,
            "plan": row["plan"] or None,
            "active": row["active"] == "true" if row["active"] else None,
        }
        for row in rows
    ]


def _csv(customers: list[Customer]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(customers[0]), delimiter=";")
    writer.writeheader()
    for customer in customers:
        active = {None: "", True: "true", False: "false"}[customer["active"]]
        writer.writerow({**customer, "active": active})
    return text.getvalue().encode()


def _json_lines(customers: list[Customer]) -> bytes:
    return "".join(json.dumps(customer) + "\n" for customer in customers).encode()


def _parquet(customers: list[Customer]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(customers), sink, row_group_size=4)
    return sink.getvalue()


def _recordio(customers: list[Customer]) -> bytes:
    """Return one `values` vector for each customer, as a built-in algorithm would be given it."""
    codes = {None: float("nan"), "basic": 0.0, "plus": 1.0, "pro": 2.0}
    frames = []
    for customer in customers:
        numbers = [
            float("nan") if customer[name] is None else float(customer[name]) for name in ("age", "active")
        ]
        vector = [numbers[0], codes[customer["plan"]], numbers[1]]
        message = record_message({"values": vector}, uid=customer["customer_id"], kind="float32_tensor")
        frames.append(framed(message))
    return b"".join(frames)


SOURCES: dict[str, tuple[str, Callable[[list[Customer]], bytes]]] = {
    "csv": ("customers.csv", _csv),
    "jsonlines": ("customers.jsonl", _json_lines),
    "parquet": ("customers.parquet", _parquet),
    "recordio": ("customers.recordio", _recordio),
}
"""File name and writer by source format."""


def published_rows(results: RunResults, output_format: str) -> list[dict[str, Any]]:
    """Return every published record of a run as typed values, read as a user of that format would."""
    assert results.scores is not None
    rows: list[dict[str, Any]] = []
    for path in sorted(results.scores.glob("part-*")):
        rows += _READERS[output_format](path)
    return rows


def _read_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            {**row, "score": float(row["score"]), "error": row["error"] or None, "plan": row["plan"] or None}
            for row in csv.DictReader(stream)
        ]


def _read_json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _read_parquet(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


_READERS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    "csv": _read_csv,
    "jsonlines": _read_json_lines,
    "parquet": _read_parquet,
}
