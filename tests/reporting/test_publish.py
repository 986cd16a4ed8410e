"""A published file reads the same with whatever reads Parquet, and costs what its columns are worth."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from report_run import Reported, report
from tiny_run import ARN, TinyRun, TinyShard

pytestmark = pytest.mark.functional

COUNT = 3000
IDS = [f"C{number:08d}" for number in range(COUNT)]
SCORES = np.random.default_rng(7).random(COUNT).astype(np.float32).astype(np.float64).tolist()
ANSWERS = [(name, score, None) for name, score in zip(IDS, SCORES, strict=True)]
RUN = TinyRun(
    shards=[TinyShard(ids=IDS, labels=[None] * COUNT, answers=[*ANSWERS[:-1], (IDS[-1], None, "odd")])]
)


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    return report(tmp_path_factory.mktemp("published"), RUN)


def _part(reported: Reported) -> Path:
    (part,) = reported.scores_folder.glob("part-*")
    return part


def test_duckdb_and_pandas_read_what_pyarrow_reads(reported: Reported) -> None:
    expected = pq.read_table(_part(reported), partitioning=None).to_pydict()
    assert expected == {
        "customer_id": IDS,
        "score": [*SCORES[:-1], None],
        "error": [None] * (COUNT - 1) + ["odd"],
        "model_package_arn": [ARN] * COUNT,
        "run_id": ["run-1"] * COUNT,
    }
    assert duckdb.read_parquet(str(_part(reported))).to_arrow_table().to_pydict() == expected
    frame = pd.read_parquet(_part(reported), partitioning=None)
    assert pa.Table.from_pandas(frame, preserve_index=False).to_pydict() == expected


def test_readers_know_the_bounds_of_the_scores_and_whether_there_are_errors(reported: Reported) -> None:
    columns = pq.read_metadata(_part(reported)).row_group(0)
    bounds = columns.column(1).statistics
    assert (bounds.min, bounds.max, bounds.null_count) == (min(SCORES[:-1]), max(SCORES[:-1]), 1)
    assert columns.column(2).statistics.null_count == COUNT - 1


def test_only_what_becomes_smaller_is_compressed_and_a_repeated_text_stands_there_once(
    reported: Reported,
) -> None:
    columns = [pq.read_metadata(_part(reported)).row_group(0).column(at) for at in range(5)]
    assert [column.compression for column in columns] == [
        "SNAPPY",
        "UNCOMPRESSED",
        "SNAPPY",
        "SNAPPY",
        "SNAPPY",
    ]
    assert [column.has_dictionary_page for column in columns] == [False, False, False, True, True]
    assert max(column.total_compressed_size for column in columns[3:]) < 300


def test_what_every_record_has_is_declared_so(reported: Reported) -> None:
    schema = pq.read_schema(_part(reported))
    assert [entry.name for entry in schema if not entry.nullable] == [
        "customer_id",
        "model_package_arn",
        "run_id",
    ]


@pytest.mark.parametrize("output_format", ["parquet", "csv", "jsonlines"])
def test_success_states_size_and_checksum_of_each_file(tmp_path: Path, output_format: str) -> None:
    done = report(tmp_path, RUN, output_format=output_format)
    (listed,) = json.loads((done.scores_folder / "_SUCCESS").read_bytes())["files"]
    content = (done.scores_folder / listed["name"]).read_bytes()
    assert (listed["byte_count"], listed["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
