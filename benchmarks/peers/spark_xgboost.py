"""Spark on all cores of this machine: Arrow batches are encoded and scored in Python workers.

Needs Java 17 or newer (Debian: openjdk-17-jre-headless).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import xgboost
from pyspark.sql import SparkSession

from benchmarks.peers.arrow_encoding import encode
from benchmarks.peers.contract import Encoding, read_encoding

SETTINGS = {
    "spark.driver.memory": "4g",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
    "spark.sql.files.maxPartitionBytes": "64m",
    "spark.ui.enabled": "false",
}


def schema(encoding: Encoding, header: str) -> str:
    """Return the columns of the CSV in Spark's words: all that is no number is a text."""
    texts = {encoding.id_field, *encoding.categories}
    return ", ".join(f"{name} {'string' if name in texts else 'float'}" for name in header.split(","))


def main(customers_csv: str, model_file: str, contract_file: str, scores_csv: str) -> None:
    """Score one CSV file into a folder."""
    encoding = read_encoding(contract_file)
    model_bytes = Path(model_file).read_bytes()

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = xgboost.Booster({"nthread": 1}, model_file=bytearray(model_bytes))
        for batch in batches:
            scores = pa.array(model.inplace_predict(encode(batch, encoding)))
            yield pa.record_batch({encoding.id_field: batch[encoding.id_field], "score": scores})

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[*]").appName("scores")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    with Path(customers_csv).open(encoding="utf-8") as stream:
        columns = schema(encoding, stream.readline().strip())
    customers = spark.read.csv(customers_csv, schema=columns, header=True)
    scored = customers.mapInArrow(score, f"{encoding.id_field} string, score float")
    scored.write.csv(scores_csv, header=True)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
