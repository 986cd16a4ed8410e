"""Several outputs are read exactly from every wire, or refused with the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.dataset import ModelOutputs
from contracts.errors import InternalError
from reporting import output_answers
from reporting.answers import NOT_FINITE_ERROR, read_answers

pytestmark = pytest.mark.functional

THREE = ModelOutputs(count=3)
TOP = ModelOutputs(count=9, top_k=2)
WIRES = ["parquet", "csv", "jsonlines", "recordio"]

Answer = tuple[list[float] | None, list[int] | None, str | None]


def write(folder: Path, wire: str, answers: list[Answer], *, has_top: bool) -> Path:
    """Write one output as Batch Transform would leave it, with the ids `c0`, `c1` and so on."""
    path = folder / f"shard-00-00000.{wire}.out"
    ids = [f"c{number}" for number in range(len(answers))]
    if wire == "parquet":
        columns = {
            "id": pa.array(ids, pa.string()),
            "score": pa.array([scores for scores, _, _ in answers], pa.list_(pa.float64())),
            "top": pa.array([top for _, top, _ in answers], pa.list_(pa.int32())),
            "error": pa.array([error for _, _, error in answers], pa.string()),
        }
        if not has_top:
            del columns["top"]
        pq.write_table(pa.table(columns), path)
        return path
    path.write_text("".join(_line(wire, *pair) + "\n" for pair in zip(ids, answers, strict=True)))
    return path


def _line(wire: str, record_id: str, answer: Answer) -> str:
    scores, top, error = answer
    if wire == "jsonlines":
        parts: dict[str, Any] = {"error": error} if scores is None else {"score": scores}
        return json.dumps(
            {"id": record_id, "SageMakerOutput": parts if top is None else {**parts, "top": top}}
        )
    texts = [repr(score) for score in scores or []]
    if top is not None:
        texts = [f"{position}:{text}" for position, text in zip(top, texts, strict=True)]
    field = f"error: {error}" if scores is None else " ".join(texts)
    return field if wire == "recordio" else f"{record_id},{field}"


def read(folder: Path, wire: str, answers: list[Answer], outputs: ModelOutputs) -> list[dict[str, Any]]:
    path = write(folder, wire, answers, has_top=outputs.top_k is not None)
    return read_answers(path, wire_format=wire, outputs=outputs).to_pylist()


@pytest.mark.parametrize("at_once", [1, 1000])
@pytest.mark.parametrize("wire", WIRES)
def test_outputs_and_errors_are_read_in_order(
    tmp_path: Path, wire: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_answers, "NUMBERS_AT_ONCE", at_once)
    found = read(
        tmp_path,
        wire,
        [([0.1, 1e-300, 3.0], None, None), (None, None, "no"), ([1.0, 2.0, 3.0], None, None)],
        THREE,
    )

    assert [(one["score"], one["error"]) for one in found] == [
        ([0.1, 1e-300, 3], None),
        (None, "no"),
        ([1, 2, 3], None),
    ]
    assert all("top" not in one for one in found)


@pytest.mark.parametrize("wire", WIRES)
def test_the_largest_are_read_with_their_positions(tmp_path: Path, wire: str) -> None:
    found = read(tmp_path, wire, [([0.1, 0.05], [8, 0], None), (None, None, "no")], TOP)

    assert [(one["score"], one["top"], one["error"]) for one in found] == [
        ([0.1, 0.05], [8, 0], None),
        (None, None, "no"),
    ]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("outputs", [THREE, TOP])
def test_an_output_without_records_has_no_answers(tmp_path: Path, wire: str, outputs: ModelOutputs) -> None:
    assert read(tmp_path, wire, [], outputs) == []


@pytest.mark.parametrize("wire", WIRES)
def test_another_number_of_outputs_is_refused(tmp_path: Path, wire: str) -> None:
    """Nobody knows which they are."""
    answers: list[Answer] = [([1.0, 2.0, 3.0], None, None), ([1.0, 2.0], None, None)]

    with pytest.raises(
        InternalError, match=r"record 2 has 2 numbers under 'score'; expected 3, as the contract"
    ):
        read(tmp_path, wire, answers, THREE)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("top", [[8, 8], [9, 0]])
def test_positions_that_are_not_of_different_outputs_are_refused(
    tmp_path: Path, wire: str, top: list[int]
) -> None:
    with pytest.raises(InternalError, match="positions under 'top' that are not those of different outputs"):
        read(tmp_path, wire, [([0.2, 0.1], top, None)], TOP)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_one_output_that_is_not_finite_makes_an_error_of_its_record(
    tmp_path: Path, wire: str, number: float
) -> None:
    answers: list[Answer] = [([0.2, number], [1, 0], None), (None, None, "no"), ([0.3, 0.1], [1, 0], None)]
    found = read(tmp_path, wire, answers, TOP)

    assert [(one["score"], one["top"], one["error"]) for one in found] == [
        (None, None, NOT_FINITE_ERROR),
        (None, None, "no"),
        ([0.3, 0.1], [1, 0], None),
    ]


@pytest.mark.parametrize("field", ["0.1,0.2,0.3", "0.1;0.2;0.3", "0.1 half 0.3", "1:0.1 2:0.2 0:0.3", ""])
def test_a_field_that_is_no_list_is_refused(tmp_path: Path, field: str) -> None:
    path = tmp_path / "shard-00-00000.csv.out"
    path.write_text(f"a,{field}\n")

    with pytest.raises(InternalError, match=r"cannot be read as the csv answers"):
        read_answers(path, wire_format="csv", outputs=THREE)


@pytest.mark.parametrize("field", ["0.1 0.2", "1:0.1 0.2", "1:0.1 -2:0.2", "1:0.1 2:0.2:3", "1:0.1 2:x"])
def test_a_field_without_positions_is_refused_under_topk(tmp_path: Path, field: str) -> None:
    path = tmp_path / "shard-00-00000.csv.out"
    path.write_text(f"a,{field}\n")

    with pytest.raises(InternalError, match=r"cannot be read as the csv answers"):
        read_answers(path, wire_format="csv", outputs=TOP)


def json_answer(answer: str) -> str:
    return f'{{"id":"a","SageMakerOutput":{answer}}}\n'


@pytest.mark.parametrize(
    ("content", "score"),
    [
        (json_answer("[1, 2, 3]"), [1, 2, 3]),
        (json_answer('{"score":[1,2,3],"more":[1]}'), [1, 2, 3]),
        (json_answer('{"score":[1,2,3]}') + json_answer("[4,5,6]"), [1, 2, 3]),
        (json_answer('{"score":[1,null,3]}'), None),
        (json_answer('{"score":[1,NaN,3]}'), None),
    ],
)
def test_other_containers_may_answer_with_bare_arrays(
    tmp_path: Path, content: str, score: list[float] | None
) -> None:
    """All alike or not; a number that is missing is none that is finite."""
    path = tmp_path / "shard-00-00000.jsonl.out"
    path.write_text(content)

    first = read_answers(path, wire_format="jsonlines", outputs=THREE).to_pylist()[0]

    assert (first["score"], first["error"]) == (score, None if score else NOT_FINITE_ERROR)


@pytest.mark.parametrize(
    "answer", ['{"score":1}', '{"score":["1",2,3]}', '{"score":{"a":1}}', '{"score":[[1],2,3]}', "0.5"]
)
def test_a_json_answer_that_is_no_array_of_numbers_is_refused(tmp_path: Path, answer: str) -> None:
    path = tmp_path / "shard-00-00000.jsonl.out"
    path.write_text(json_answer(answer))

    with pytest.raises(
        InternalError, match="'SageMakerOutput' an array of numbers or an object with 'score'"
    ):
        read_answers(path, wire_format="jsonlines", outputs=THREE)


@pytest.mark.parametrize("top", ["null", "[1.5,2]", "[true,2]", "[99999999999,2]"])
def test_json_positions_that_are_none_are_refused(tmp_path: Path, top: str) -> None:
    path = tmp_path / "shard-00-00000.jsonl.out"
    path.write_text(json_answer(f'{{"score":[2,1],"top":{top}}}'))

    with pytest.raises(InternalError):
        read_answers(path, wire_format="jsonlines", outputs=TOP)


def test_a_parquet_answer_with_one_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shard-00-00000.parquet.out"
    pq.write_table(pa.table({"id": ["a"], "score": [0.5], "error": pa.array([None], pa.string())}), path)

    with pytest.raises(InternalError, match="cannot be read as the parquet answers"):
        read_answers(path, wire_format="parquet", outputs=THREE)
    with pytest.raises(InternalError, match=r"expected an id, 'score', 'top' and 'error'"):
        read_answers(path, wire_format="parquet", outputs=TOP)


@pytest.mark.parametrize("wire", WIRES)
def test_outputs_of_32_bits_are_read_to_the_same_bits(tmp_path: Path, wire: str) -> None:
    """From the shortest text of each, as the server writes it."""
    bits = np.random.default_rng(7).integers(0, 2**32, 3000, dtype=np.uint32)
    numbers = bits.view(np.float32)
    rows = numbers[np.isfinite(numbers)][:2700].reshape(-1, 3)
    texts = [[float(text) for text in map(str, row)] for row in rows]
    outputs = ModelOutputs(count=3, number_type="float32")
    path = write(tmp_path, wire, [(row, None, None) for row in texts], has_top=False)

    lists = read_answers(path, wire_format=wire, outputs=outputs).column("score")

    assert lists.type == pa.list_(pa.float32())
    np.testing.assert_array_equal(lists.combine_chunks().flatten().to_numpy().reshape(-1, 3), rows)
