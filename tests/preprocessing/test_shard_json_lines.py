"""A JSON Lines shard has one object a record, and its numbers are those of the other wires."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from preparation import run_prepare

from preprocessing.shard_json_lines import shard_lines

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.floats(width=32, allow_infinity=False)


@given(st.lists(st.tuples(TEXTS, NUMBERS, NUMBERS), min_size=1))
def test_every_record_is_one_line_that_reads_back(records: list[tuple[str, float, float]]) -> None:
    """Whatever the id; NaN, a missing value, is null."""
    ids, *columns = zip(*records, strict=True)
    vectors = np.array(columns, np.float32).T

    lines = shard_lines(pa.array(ids, pa.string()), vectors).split(b"\n")

    assert lines.pop() == b""
    objects = [json.loads(line) for line in lines]
    assert [one["id"] for one in objects] == list(ids)
    found = np.array([one["features"] for one in objects], np.float64).astype(np.float32)
    np.testing.assert_array_equal(found, vectors)


def test_ids_are_text_and_features_numbers_or_null() -> None:
    vectors = np.array([[0.1, np.nan], [-2e-7, 3]], np.float32)
    assert shard_lines(pa.chunked_array([[7], [8]]), vectors) == (
        b'{"id":"7","features":[0.1,null]}\n{"id":"8","features":[-2e-7,3]}\n'
    )


@pytest.mark.functional
def test_an_id_with_line_breaks_reaches_a_jsonlines_shard_but_no_csv_shard(tmp_path: Path) -> None:
    """Only CSV is split at line feeds whatever the quotes say."""
    source = {"a.csv": b'id,x,kind\n"two\nlines",1,a\nplain,,b\n'}

    done = run_prepare(tmp_path / "json", source, wire_format="jsonlines")
    held_back = run_prepare(tmp_path / "csv", source, wire_format="csv").held_back()

    shards = [(done.outputs / "shards" / shard.name).read_bytes() for shard in done.manifest.shards]
    assert {shard.name[-6:] for shard in done.manifest.shards} == {".jsonl"}
    assert [json.loads(line) for line in b"".join(shards).splitlines()] == [
        {"id": "two\nlines", "features": [1, 0]},
        {"id": "plain", "features": [None, 1]},
    ]
    assert done.plan.quarantined_count == 0
    assert [reason for _, reason, _ in held_back] == ["unsafe_id"]
