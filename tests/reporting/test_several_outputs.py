"""A run of a model with several outputs is published and reported, with what can be said of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from report_run import Reported, report, report_again
from tiny_run import ARN, CONTRACT, Answer, TinyRun, TinyShard

from contracts.dataset import ModelOutputs
from contracts.ledger import RunCounts
from reporting.outputs import record_numbers
from reporting.request import ReportPaths

pytestmark = pytest.mark.functional

CLASSES = ["setosa", "=1+1", "c, d"]
FIRST: list[Answer] = [("a", [0.7, 0.2, 0.1], None), ("b", None, "too odd"), ("c", [0.4, 0.5, 0.1], None)]
SECOND: list[Answer] = [("d", [0.4, 0.4, 0.2], None)]
RANKED: list[Answer] = [
    ("a", ([0.7, 0.2], [0, 1]), None),
    ("b", None, "too odd"),
    ("c", ([0.9, 0.1], [2, 0]), None),
]
CONSTANTS = {"model_package_arn": ARN, "run_id": "run-1"}


def contract(**scoring: Any) -> dict[str, Any]:
    return CONTRACT | {"scoring": {"features": ["tenure"], "label": "churn", **scoring}}


def shard(answers: list[Answer]) -> TinyShard:
    return TinyShard(ids=[one[0] for one in answers], labels=["Yes"] * len(answers), answers=answers)


def reported(folder: Path, *shards: list[Answer], output_format: str = "parquet", **scoring: Any) -> Reported:
    run = TinyRun(shards=[shard(answers) for answers in shards], contract=contract(**scoring))
    return report(folder, run, output_format=output_format)


def csv_rows(done: Reported) -> list[dict[str, str]]:
    (part,) = done.scores_folder.glob("part-*.csv")
    with part.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def table(done: Reported, name: str) -> list[dict[str, str]]:
    with (done.paths.report / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_parquet_has_a_list_a_record(tmp_path: Path) -> None:
    done = reported(tmp_path, FIRST, SECOND, outputs=CLASSES)

    assert done.scores.column_names == ["customer_id", "score", "error", *CONSTANTS]
    assert done.scores.schema.field("score").type == pa.list_(pa.field("element", pa.float64()))
    assert done.scores.to_pylist() == [
        {"customer_id": record_id, "score": score, "error": error, **CONSTANTS}
        for record_id, score, error in FIRST + SECOND
    ]
    assert done.ledger.counts == RunCounts(read=4, valid=4, quarantined=0, scored=3, unscorable=1)


VECTORS: list[Answer] = [("a", [3.0, 4.0], None), ("b", None, "too odd"), ("c", [0.1, -1.0], None)]


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
def test_a_vector_is_a_list_of_fixed_size_for_every_reader(tmp_path: Path, kind: pa.DataType) -> None:
    """A record with an error has a list of nulls: a list that is null itself, pyarrow does not read back."""
    outputs = {"count": 2, "type": "float32" if kind == pa.float32() else "float64"}
    done = reported(tmp_path, VECTORS, [("d", [0.0, 2.0], None)], outputs=outputs)
    paths = [str(path) for path in sorted(done.scores_folder.glob("part-*"))]

    assert done.scores.schema.field("score").type == pa.list_(pa.field("element", kind), 2)
    tenth = float(np.float32(0.1)) if kind == pa.float32() else 0.1
    expected = [[3.0, 4.0], [None, None], [tenth, -1.0], [0.0, 2.0]]
    assert done.scores.column("score").to_pylist() == expected
    with duckdb.connect() as database:
        found = database.execute(
            "SELECT score FROM read_parquet($1) ORDER BY customer_id", [paths]
        ).fetchall()
    assert [list(row[0]) for row in found] == expected
    frame = pd.concat([pd.read_parquet(path) for path in paths])
    np.testing.assert_array_equal(np.stack(frame["score"]), np.array(expected, dtype=float))
    assert done.ledger.counts == RunCounts(read=4, valid=4, quarantined=0, scored=3, unscorable=1)


@pytest.mark.parametrize(("outputs", "names"), [(CLASSES, CLASSES), (3, [0, 1, 2])])
def test_the_largest_stand_beside_their_names_or_positions(
    tmp_path: Path, outputs: object, names: list[Any]
) -> None:
    found = reported(tmp_path, RANKED, outputs=outputs, topK=2).scores

    assert found.column_names == ["customer_id", "score", "top", "error", *CONSTANTS]
    assert found.column("score").to_pylist() == [[0.7, 0.2], None, [0.9, 0.1]]
    assert found.column("top").to_pylist() == [[names[0], names[1]], None, [names[2], names[0]]]


def test_repeated_names_are_stored_once(tmp_path: Path) -> None:
    done = reported(tmp_path, RANKED, outputs=CLASSES, topK=2)
    (part,) = done.scores_folder.glob("part-*")
    columns = pq.ParquetFile(part).metadata.row_group(0)
    found = {columns.column(at).path_in_schema: columns.column(at) for at in range(columns.num_columns)}

    assert found["top.list.element"].has_dictionary_page
    assert not found["score.list.element"].has_dictionary_page


def test_csv_has_a_column_for_each_output(tmp_path: Path) -> None:
    done = reported(tmp_path, FIRST, output_format="csv", outputs=CLASSES)

    assert csv_rows(done)[:2] == [
        {
            "customer_id": "a",
            "score_setosa": "0.7",
            "score_=1+1": "0.2",
            "score_c, d": "0.1",
            "error": "",
            **CONSTANTS,
        },
        {
            "customer_id": "b",
            "score_setosa": "",
            "score_=1+1": "",
            "score_c, d": "",
            "error": "too odd",
            **CONSTANTS,
        },
    ]


def test_csv_of_the_largest_has_pairs_of_columns(tmp_path: Path) -> None:
    done = reported(tmp_path, RANKED, output_format="csv", outputs=CLASSES, topK=2)
    rows = csv_rows(done)

    assert list(rows[0]) == ["customer_id", "top_1", "score_1", "top_2", "score_2", "error", *CONSTANTS]
    assert [list(row.values())[1:6] for row in rows] == [
        ["setosa", "0.7", "=1+1", "0.2", ""],
        ["", "", "", "", "too odd"],
        ["c, d", "0.9", "setosa", "0.1", ""],
    ]


def test_csv_of_outputs_without_names_has_positions(tmp_path: Path) -> None:
    rows = csv_rows(reported(tmp_path, RANKED, output_format="csv", outputs=3, topK=2))

    assert [row["top_1"] for row in rows] == ["0", "", "2"]


def test_json_lines_have_arrays(tmp_path: Path) -> None:
    done = reported(tmp_path, RANKED, output_format="jsonlines", outputs=CLASSES, topK=2)
    (part,) = done.scores_folder.glob("part-*.jsonl")

    assert [json.loads(line) for line in part.read_bytes().splitlines()] == [
        {"customer_id": "a", "score": [0.7, 0.2], "top": CLASSES[:2], "error": None, **CONSTANTS},
        {"customer_id": "b", "score": None, "top": None, "error": "too odd", **CONSTANTS},
        {"customer_id": "c", "score": [0.9, 0.1], "top": [CLASSES[2], "setosa"], "error": None, **CONSTANTS},
    ]


def test_classes_are_counted_and_have_means(tmp_path: Path) -> None:
    """Of equal outputs the first is counted; the table can be opened with a spreadsheet."""
    done = reported(tmp_path, FIRST, SECOND, outputs=CLASSES)

    assert [figure["id"] for figure in done.page.find_all("figure")] == [
        "largest_output_distribution",
        "outputs",
    ]
    rows = table(done, "outputs")
    assert [(row["output"], row["record_count"]) for row in rows] == [
        ("setosa", "2"),
        ("'=1+1", "1"),
        ("c, d", "0"),
    ]
    np.testing.assert_allclose([float(row["mean_output"]) for row in rows], [0.5, 1.1 / 3, 0.4 / 3])
    assert done.shown["output-count"] == "3"
    assert (done.shown["score-minimum"], done.shown["score-maximum"]) == ("0.4", "0.7")
    assert "Mean largest output" in done.html


def test_under_topk_the_first_is_counted_and_there_is_no_mean(tmp_path: Path) -> None:
    """Nobody knows the outputs that were not kept."""
    done = reported(tmp_path, RANKED, outputs=CLASSES, topK=2)

    assert table(done, "outputs") == [
        {"output": "setosa", "record_count": "1"},
        {"output": "'=1+1", "record_count": "0"},
        {"output": "c, d", "record_count": "1"},
    ]
    assert done.shown["output-top-k"] == "2"


def test_of_very_many_outputs_the_most_frequent_are_shown(tmp_path: Path) -> None:
    answers: list[Answer] = [(f"r{at}", ([1.0], [at % 30 + 70]), None) for at in range(60)]
    done = reported(tmp_path, answers, [("z", ([1.0], [99]), None)], outputs=100, topK=1)

    rows = table(done, "outputs")
    assert len(rows) == 20
    assert rows[-1] == {"output": "99", "record_count": "3"}
    assert "100 outputs is the largest, the 20 most frequent ones" in done.html


def test_a_vector_has_the_statistics_of_its_norm(tmp_path: Path) -> None:
    answers: list[Answer] = [("a", [3.0, 4.0], None), ("b", [0.0, -1.0], None), ("c", None, "no")]
    done = reported(tmp_path, answers, outputs=2)

    assert [figure["id"] for figure in done.page.find_all("figure")] == ["norm_distribution"]
    assert (done.shown["score-minimum"], done.shown["score-mean"], done.shown["score-maximum"]) == (
        "1.0",
        "3.0",
        "5.0",
    )
    assert done.shown["output-count"] == "2"


def test_the_quality_section_says_why_there_is_none(tmp_path: Path) -> None:
    """And the ledger and the evaluation have no number that was made up."""
    done = reported(tmp_path, FIRST, outputs=CLASSES)

    (note,) = done.evaluation["notes"]
    assert note.startswith("None of the 2 values of the label field “churn” is one of the model's outputs")
    assert note in done.page.find("section", attrs={"aria-labelledby": "quality"}).text
    assert "metrics" not in " ".join(done.evaluation)
    assert (done.ledger.quality, done.ledger.labelled_count) == ({}, 0)


def test_vectors_of_one_length_have_a_sentence_and_no_chart(tmp_path: Path) -> None:
    """And that all have the norm 1 is no reason not to use them."""
    tenth = float(np.sqrt(0.99))
    answers: list[Answer] = [("a", [1.0, 0.0], None), ("b", [0.1, tenth + 4e-6], None)]
    done = reported(tmp_path, answers, outputs=2)

    assert done.page.find_all("figure") == []
    section = done.page.find("section", attrs={"aria-labelledby": "scores"}).text
    assert "All 2 vectors have a norm of 1." in section
    assert "There are no scores to show." not in section
    assert done.shown["output-count"] == "2"


def test_vectors_of_exactly_one_length_are_no_reason_to_stop(tmp_path: Path) -> None:
    done = reported(tmp_path, [("a", [1.0, 0.0], None), ("b", [0.0, 1.0], None)], outputs=2)

    assert done.ledger.report["verdict"]["level"] != "stop"


def test_vectors_of_different_length_have_a_chart_and_no_sentence(tmp_path: Path) -> None:
    done = reported(tmp_path, [("a", [1.0, 0.0], None), ("b", [0.0, 1.001], None)], outputs=2)

    assert len(done.page.find_all("figure")) == 1
    assert "vectors have a norm" not in done.html


def test_why_nobody_is_listed_is_said_with_what_a_list_needs(tmp_path: Path) -> None:
    done = reported(tmp_path, FIRST, outputs=CLASSES)

    assert (
        "An action list needs a model with one score for each record; this one has 3 outputs."
        in done.page.find("section", attrs={"aria-labelledby": "actions"}).text
    )


def test_the_hit_rate_says_among_how_many(tmp_path: Path) -> None:
    answers: list[Answer] = [("a", ([0.7, 0.2], [0, 1]), None), ("b", ([0.9, 0.1], [2, 0]), None)]
    run = TinyRun(
        shards=[TinyShard(ids=["a", "b"], labels=["Yes", "No"], answers=answers)],
        contract=contract(outputs=["Yes", "No", "so"], topK=2),
    )
    done = report(tmp_path, run)

    assert done.shown["headline-hit_rate"] == "0.5"
    assert "Hit rate at 2" in [term.text for term in done.page.find_all("dt")]
    quality = done.page.find("section", attrs={"aria-labelledby": "quality"}).text
    assert "Hit rate at 2: the label is among the outputs kept" in quality


@pytest.mark.parametrize("scoring", [{"outputs": CLASSES}, {"outputs": 3}, {"outputs": 3, "topK": 1}])
@pytest.mark.parametrize("output_format", ["parquet", "csv", "jsonlines"])
def test_a_run_without_a_score_is_reported(
    tmp_path: Path, scoring: dict[str, Any], output_format: str
) -> None:
    """The model answered with errors only."""
    kind = ([1.0], [0]) if "topK" in scoring else [1.0, 2.0, 3.0]
    shards = [shard([("a", kind, None)])]
    run = TinyRun(shards=shards, contract=contract(**scoring))
    paths = ReportPaths.below(run.write(tmp_path))
    (output,) = paths.transform.iterdir()
    answers = pq.read_table(output)
    nothing = [pa.nulls(1, field.type) for field in answers.schema][1:-1]
    names = answers.column_names
    pq.write_table(pa.table([answers.column(0), *nothing, pa.array(["no"])], names=names), output)

    done = report_again(tmp_path, run, output_format=output_format)

    assert done.ledger.counts.unscorable == 1
    assert done.page.find_all("figure") == []
    assert "There are no scores to show." in done.html


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_norms_of_very_large_and_small_numbers_are_exact_enough(scale: float) -> None:
    lists = pa.chunked_array([pa.array([[3 * scale, 4 * scale], None, [0.0, 0.0]], pa.list_(pa.float64()))])

    np.testing.assert_allclose(record_numbers(lists, ModelOutputs(count=2)), [5 * scale, 0.0])


def test_a_norm_beyond_64_bits_is_the_largest_number() -> None:
    largest = float(np.finfo(np.float64).max)
    lists = pa.chunked_array([pa.array([[largest, largest]], pa.list_(pa.float64()))])

    assert record_numbers(lists, ModelOutputs(count=2)).tolist() == [largest]
