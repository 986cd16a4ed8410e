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

from contracts.progress import parse_progress

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


def test_what_tools_keep_beside_data_is_not_scored(tmp_path: Path) -> None:
    """A stale copy in a hidden folder must not win over the record itself."""
    row = UNNAMED["csv"]
    hidden = [".ipynb_checkpoints/a.csv", "_temporary/0/a.csv", "x/_delta_log/0.json", "x/.a.csv", "_SUCCESS"]
    hidden += ["_READY", "2026-11-23/_READY"]
    done = run_prepare(tmp_path, {"a.csv": row, **dict.fromkeys(hidden, row)})
    assert [source.source_key for source in done.manifest.sources] == ["a.csv"]
    assert done.ids() == ["1"]


def test_a_name_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    done = run_prepare(
        tmp_path, {"a.csv": UNNAMED["csv"], b"lat\xff.csv".decode(errors="surrogateescape"): b""}
    )
    assert done.exit_code == 2
    assert done.message == "lat\\udcff.csv: the name is not UTF-8; rename the file"


def test_every_name_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.orc": b"", "b.zip": b"", "c.csv": UNNAMED["csv"]})
    assert done.exit_code == 2
    assert "a.orc: looks like orc" in done.message
    assert "b.zip: looks like images or an archive of them" in done.message


def test_an_array_that_is_named_like_lines_is_read_as_an_array(tmp_path: Path) -> None:
    assert run_prepare(tmp_path, {"a.jsonl": UNNAMED["json"]}).ids() == ["1"]


def test_values_in_names_of_folders_are_said_not_to_be_read(tmp_path: Path) -> None:
    source = parquet_bytes({"id": ["1"], "x": [2.0]})
    done = run_prepare(tmp_path, {"kind=a/part.parquet": source})
    assert done.exit_code == 2
    assert "values in the names of folders are not read: write the field into the file" in done.message


def test_the_last_progress_tells_all_records(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever the format: the runner shows it as what the step has done."""
    count = 70_000  # more than one batch of rows
    source = parquet_bytes({"id": [str(n) for n in range(count)], "x": [1.0] * count, "kind": ["a"] * count})
    run_prepare(tmp_path, {"a.parquet": source})
    *_, progress, _timings = capfd.readouterr().out.splitlines()
    last = parse_progress(progress)
    assert last is not None
    assert (last.records, last.bytes_done) == (count, last.bytes_total)
