"""Lists that are shorter, because outputs of their record are excluded, are published and reported."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from report_run import Reported, report, report_again
from tiny_run import CONTRACT, Answer, TinyRun, TinyShard

from contracts.arrow_files import arrow_bytes, read_arrow
from contracts.errors import CallerError, InternalError
from contracts.ledger import RunCounts
from reporting.request import parse_request

pytestmark = pytest.mark.functional

FIELDS = [*CONTRACT["fields"], {"name": "seen", "type": "list", "delimiter": "|"}]
SCORING = {"features": ["tenure"], "label": "churn", "outputs": ["Yes", "No", "Maybe"], "topK": 2}
EXCLUDING = CONTRACT | {"fields": FIELDS, "scoring": SCORING | {"exclude": "seen"}}
ANSWERS: list[Answer] = [
    ("a", ([0.7, 0.2], [0, 1]), None),
    ("b", None, "too odd"),
    ("c", ([0.9], [2]), None),
    ("d", ([-0.5, -0.6], [1, 2]), None),
]
LABELS = ["No", "Yes", "Maybe", "Yes"]


def reported(folder: Path, answers: list[Answer], contract: Any = EXCLUDING, **changed: str) -> Reported:
    shard = TinyShard(ids=[one[0] for one in answers], labels=LABELS[: len(answers)], answers=answers)
    return report(folder, TinyRun(shards=[shard], contract=contract), **changed)


def test_shorter_lists_are_published_in_parquet(tmp_path: Path) -> None:
    scores = reported(tmp_path, ANSWERS).scores

    assert scores["score"].to_pylist() == [[0.7, 0.2], None, [0.9], [-0.5, -0.6]]
    assert scores["top"].to_pylist() == [["Yes", "No"], None, ["Maybe"], ["No", "Maybe"]]


def test_shorter_lists_are_published_in_json_lines(tmp_path: Path) -> None:
    folder = reported(tmp_path, ANSWERS, output_format="jsonlines").scores_folder
    lines = [json.loads(line) for line in (folder / "part-shard-00-00000.jsonl").read_text().splitlines()]

    assert [(one["score"], one["top"]) for one in lines][1:3] == [(None, None), ([0.9], ["Maybe"])]


def test_cells_of_what_is_not_there_are_empty_in_csv(tmp_path: Path) -> None:
    folder = reported(tmp_path, ANSWERS, output_format="csv").scores_folder
    with (folder / "part-shard-00-00000.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))

    names = ("top_1", "score_1", "top_2", "score_2")
    assert [[row[name] for name in names] for row in rows] == [
        ["Yes", "0.7", "No", "0.2"],
        ["", "", "", ""],
        ["Maybe", "0.9", "", ""],
        ["No", "-0.5", "Maybe", "-0.6"],
    ]


def test_shorter_lists_are_counted_and_measured(tmp_path: Path) -> None:
    """Of three scored records, two have the label in their lists: one second, one first."""
    done = reported(tmp_path, ANSWERS)

    assert done.ledger.counts == RunCounts(read=4, valid=4, quarantined=0, scored=3, unscorable=1)
    assert done.ledger.quality["hit_rate"] == pytest.approx(2 / 3)
    assert done.ledger.quality["mrr"] == pytest.approx((1 / 2 + 1) / 3)
    assert "Which output is the largest" in done.html


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (([], []), "record 1 has 0 numbers under 'score'; expected 1 to 2"),
        (([3.0, 2.0, 1.0], [0, 1, 2]), "record 1 has 3 numbers under 'score'; expected 1 to 2"),
        (([3.0, 2.0], [0]), "a record has outputs without their positions under 'top'"),
        (([3.0], [0, 1]), "a record has outputs without their positions under 'top'"),
        (([3.0], [3]), "are not those of different outputs; the model has 3"),
        (([3.0], [-1]), "are not those of different outputs"),
        (([3.0], [None]), "are not those of different outputs"),
        (([3.0, 2.0], [1, 1]), "are not those of different outputs"),
    ],
)
def test_lists_that_no_exclusion_explains_are_refused(tmp_path: Path, answer: Any, expected: str) -> None:
    with pytest.raises(InternalError, match="nothing was published") as refused:
        reported(tmp_path, [("a", answer, None), ("d", ([1.0], [0]), None)])
    assert expected in str(refused.value)


def test_without_exclusion_no_list_may_be_shorter(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="record 3 has 1 numbers under 'score'; expected 2"):
        reported(tmp_path, ANSWERS, CONTRACT | {"scoring": SCORING})


def test_a_number_that_is_not_finite_makes_only_its_own_record_unscorable(tmp_path: Path) -> None:
    answers: list[Answer] = [("a", ([0.7, float("inf")], [0, 1]), None), *ANSWERS[1:]]
    done = reported(tmp_path, answers)

    assert done.ledger.counts.unscorable == 2
    assert done.scores["score"].to_pylist() == [None, None, [0.9], [-0.5, -0.6]]


def test_several_formats_have_the_same_records_each_in_its_folder(tmp_path: Path) -> None:
    done = reported(tmp_path, ANSWERS, output_format="parquet,csv,jsonlines")
    success = json.loads((done.scores_folder / "_SUCCESS").read_text())
    found = pq.read_table(done.scores_folder / "parquet" / "part-shard-00-00000.parquet", partitioning=None)
    lines = (done.scores_folder / "jsonlines" / "part-shard-00-00000.jsonl").read_text().splitlines()
    with (done.scores_folder / "csv" / "part-shard-00-00000.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))

    assert success["format"] == "parquet,csv,jsonlines"
    assert success["record_count"] == 4
    assert [file["name"].split("/")[0] for file in success["files"]] == ["parquet", "csv", "jsonlines"]
    assert found["customer_id"].to_pylist() == [row["customer_id"] for row in rows] == list("abcd")
    assert [json.loads(line)["top"] for line in lines] == found["top"].to_pylist()


@pytest.mark.parametrize("text", ["parquet,", "parquet,parquet", "parquet, csv", "orc", "parquet,orc", ""])
def test_formats_that_are_none_are_refused(text: str) -> None:
    argv = TinyRun(shards=[]).argv(output_format=text)

    with pytest.raises(CallerError, match="valid: parquet, csv, jsonlines, or several of them, each once"):
        parse_request(argv)


@pytest.mark.parametrize("output_format", ["parquet", "csv", "jsonlines"])
def test_a_kept_list_is_published_as_it_was_read(tmp_path: Path, output_format: str) -> None:
    """In CSV with its own delimiter, an empty one apart from a missing one."""
    run = TinyRun(
        shards=[TinyShard.scored(["a", "b", "c"], [0.1, 0.2, 0.3])],
        contract=CONTRACT | {"fields": FIELDS},
    )
    run.write(tmp_path)
    path = tmp_path / "processing" / "input" / "kept" / "shard-00-00000.arrow"
    lists = [["x", 'y,"z'], [], None]
    kept = read_arrow(path.read_bytes()).append_column("seen", pa.array(lists, pa.list_(pa.string())))
    path.write_bytes(arrow_bytes(kept))
    done = report_kept(tmp_path, run, output_format)

    expected = ['"x|y,""z"', '""', ""] if output_format == "csv" else lists
    assert done == expected


def report_kept(root: Path, run: TinyRun, output_format: str) -> list[Any]:
    done = report_again(root, run, output_format=output_format, keep_columns="seen")
    (part,) = done.scores_folder.glob("part-*")
    if output_format == "parquet":
        values: list[Any] = pq.read_table(part)["seen"].to_pylist()
        return values
    lines = part.read_text().splitlines()
    if output_format == "jsonlines":
        return [json.loads(line)["seen"] for line in lines]
    return [line.split(",", 3)[3].rsplit(",", 2)[0] for line in lines[1:]]
