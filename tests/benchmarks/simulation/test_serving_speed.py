"""What the simulation's speeds are measured with."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benchmarks.simulation.serving_speed import FEATURES, make_payload


def test_every_wire_carries_the_same_records() -> None:
    """Ids beside the features in columns, features alone in CSV, as the wires have it."""
    arrow = pa.ipc.open_file(make_payload("arrow", 100)).read_all()
    parquet = pq.read_table(io.BytesIO(make_payload("parquet", 100)))
    options = pa_csv.ReadOptions(column_names=[f"f{number}" for number in range(FEATURES)])
    csv = pa_csv.read_csv(io.BytesIO(make_payload("csv", 100)), options)

    assert arrow.cast(parquet.schema).equals(parquet)
    assert arrow.drop_columns("id").cast(csv.schema).equals(csv)
    assert arrow.num_rows == 100
