"""Kept columns are published beside id and score, in the order asked, whatever the output format."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest
from report_run import Reported, report_again
from tiny_run import ARN, CONTRACT, TinyRun, TinyShard

from contracts.arrow_files import arrow_bytes, read_arrow
from contracts.container_paths import inside
from contracts.errors import PlatformError

pytestmark = pytest.mark.functional

FIELDS = [
    *CONTRACT["fields"],
    {"name": "note", "type": "string"},
    {"name": "since", "type": "date"},
    {"name": "seen", "type": "datetime"},
]
RUN = TinyRun(
    contract={**CONTRACT, "fields": FIELDS},
    shards=[
        TinyShard(
            ids=["a", 'b"\n,'],
            labels=["Yes", None],
            answers=[("a", 0.1, None), ('b"\n,', None, "too odd")],
        )
    ],
)
NOTE = '"quoted", with a\nline break, a \\ and ü'
MOMENT = dt.datetime(2026, 11, 23, 6, tzinfo=dt.timezone.utc)
COLUMNS = {
    "note": pa.array([NOTE, None]),
    "since": pa.array([dt.date(2020, 1, 2), None]),
    "seen": pa.array([MOMENT, None], pa.timestamp("us", "UTC")),
}
NAMES = ["customer_id", "score", "error", "seen", "note", "churn", "since", "model_package_arn", "run_id"]


def reported(root: Path, output_format: str, keep_columns: str = "seen,note,churn,since") -> Reported:
    RUN.write(root)
    path = next(inside(root, "/opt/ml/processing/input/kept").iterdir())
    kept = read_arrow(path.read_bytes())
    for name, column in COLUMNS.items():
        kept = kept.append_column(name, column)
    path.write_bytes(arrow_bytes(kept))
    return report_again(root, RUN, output_format=output_format, keep_columns=keep_columns)


def test_parquet_has_the_kept_columns_with_their_types(tmp_path: Path) -> None:
    """After id, score and error, before what is the same in every record."""
    scores = reported(tmp_path, "parquet").scores

    assert scores.column_names == NAMES
    assert scores.schema.field("since").type == pa.date32()
    assert scores.select(["note", "churn", "seen"]).to_pylist() == [
        {"note": NOTE, "churn": "Yes", "seen": MOMENT},
        {"note": None, "churn": None, "seen": None},
    ]


def test_json_lines_have_one_object_a_record(tmp_path: Path) -> None:
    """Null for what is missing, ISO 8601 text for dates and moments."""
    (part,) = reported(tmp_path, "jsonlines").scores_folder.glob("part-*")
    assert part.name == "part-shard-00-00000.jsonl"
    first, second = (json.loads(line) for line in part.read_bytes().split(b"\n")[:-1])

    constants = {"model_package_arn": ARN, "run_id": "run-1"}
    assert list(first) == NAMES
    assert first == {
        "customer_id": "a",
        "score": 0.1,
        "error": None,
        "seen": "2026-11-23T06:00:00Z",
        "note": NOTE,
        "churn": "Yes",
        "since": "2020-01-02",
        **constants,
    }
    assert second == {
        **dict.fromkeys(NAMES),
        "customer_id": 'b"\n,',
        "error": "too odd",
        **constants,
    }


def test_csv_reads_back_the_same(tmp_path: Path) -> None:
    """Texts have quotes, so commas, quotes and line breaks stay inside; a missing text is no empty text."""
    (part,) = reported(tmp_path, "csv").scores_folder.glob("part-*.csv")
    table = arrow_csv.read_csv(
        part,
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False),
    )
    assert table.column_names == NAMES
    assert table.column("customer_id").to_pylist() == ["a", 'b"\n,']
    assert table.column("note").to_pylist() == [NOTE, None]
    assert table.column("since").to_pylist() == [dt.date(2020, 1, 2), None]
    assert table.column("seen").to_pylist() == [MOMENT, None]
    assert "2026-11-23T06:00:00Z" in part.read_text(encoding="utf-8")  # as contracts read it


def test_nothing_is_kept_unless_asked_for(tmp_path: Path) -> None:
    scores = reported(tmp_path, "parquet", keep_columns="").scores
    assert scores.column_names == ["customer_id", "score", "error", "model_package_arn", "run_id"]


def test_a_column_that_was_not_kept_is_named(tmp_path: Path) -> None:
    """The two steps were told different things."""
    with pytest.raises(PlatformError, match=r"lacks the columns \['tenure'\].*KeepColumns"):
        reported(tmp_path, "parquet", keep_columns="tenure")
