"""Which reader a source object gets: by what is declared, by its name, or by its first bytes."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from preparation import run_prepare
from record_messages import framed, named_record

pytestmark = pytest.mark.functional


def parquet_bytes(columns: dict[str, list[object]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


UNNAMED = {
    "csv": b"id,x,kind\n1,2,a\n",
    "jsonlines": b'\xef\xbb\xbf{ "id": "1", "x": 2, "kind": "a"}\n',
    "json": b' \n[\n {"id": "1", "x": 2, "kind": "a"}]',
    "parquet": parquet_bytes({"id": ["1"], "x": [2.0], "kind": ["a"]}),
    "recordio": framed(named_record({"x": [2.0], "kind": b"a"}, uid="1")),
}


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("name", UNNAMED)
def test_a_name_that_says_nothing_leaves_it_to_the_first_bytes(
    name: str, is_compressed: bool, tmp_path: Path
) -> None:
    """Spark and Firehose write objects without an ending, also compressed ones."""
    content = gzip.compress(UNNAMED[name]) if is_compressed else UNNAMED[name]
    done = run_prepare(tmp_path, {"2026/11/part-00000": content})
    assert (done.exit_code, done.ids()) == (0, ["1"]), done.message


def test_a_declared_format_wins_over_name_and_bytes(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.csv": UNNAMED["jsonlines"]}, input_format="jsonlines")
    assert done.ids() == ["1"]


def test_what_begins_like_json_but_is_none_is_csv(tmp_path: Path) -> None:
    """A header may begin with a bracket."""
    done = run_prepare(tmp_path, {"part-0": b"[id],id,x,kind\n0,1,2,a\n"})
    assert done.ids() == ["1"]
