"""All wires are read into the same table of ids, scores and errors."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import InternalError
from reporting.answers import NOT_FINITE_ERROR, read_answers, with_ids

pytestmark = pytest.mark.functional


def _csv(folder: Path, text: str) -> list[dict[str, object]]:
    path = folder / "shard-00-00000.csv.out"
    path.write_bytes(text.encode())
    return read_answers(path, wire_format="csv").to_pylist()


def test_csv_answers_may_quote_ids_and_errors(tmp_path: Path) -> None:
    found = _csv(tmp_path, '"Smith, ""J""",0.25\nb,"error: too long, refused"\nc,error: no\n')
    assert found == [
        {"id": 'Smith, "J"', "score": 0.25, "error": None},
        {"id": "b", "score": None, "error": "too long, refused"},
        {"id": "c", "score": None, "error": "no"},
    ]


def test_ids_that_look_like_numbers_or_nothing_stay_text(tmp_path: Path) -> None:
    found = _csv(tmp_path, "007,1\nNA,2\n,3\n")
    assert [record["id"] for record in found] == ["007", "NA", ""]


def test_an_empty_csv_output_has_no_answers(tmp_path: Path) -> None:
    assert _csv(tmp_path, "") == []


def test_a_csv_score_is_the_exact_float(tmp_path: Path) -> None:
    assert _csv(tmp_path, "a,0.1\nb,4.9e-324\n")[1]["score"] == 5e-324


@pytest.mark.parametrize("text", ["a,\n", "a,half\n", "a\n", "a,1,2\n"])
def test_a_csv_answer_that_is_no_answer_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InternalError, match=r"shard-00-00000\.csv\.out: cannot be read as the csv answers"):
        _csv(tmp_path, text)


@pytest.mark.parametrize(("text", "score"), [("0.123456", 0.123456), ("1.2e-05", 1.2e-05), ("1E3", 1000.0)])
def test_a_number_may_be_written_as_other_containers_do(tmp_path: Path, text: str, score: float) -> None:
    assert _csv(tmp_path, f"a,{text}\n")[0]["score"] == score


@pytest.mark.parametrize("text", ["[0.1]", " 0.7]", '"[0.1, 0.9]"', "None", "{}"])
def test_what_other_containers_answer_instead_of_a_number_is_quoted(tmp_path: Path, text: str) -> None:
    """A list comes back as its last number and a bracket: OutputFilter takes what stands last in the row."""
    quoted = re.escape(repr(text.strip('"')))
    expected = rf"shard-00-00000\.csv\.out: .*Failed to parse string: {quoted} as a scalar of type double"
    with pytest.raises(InternalError, match=expected):
        _csv(tmp_path, f"a,{text}\n")


def test_a_score_that_is_not_finite_becomes_an_error(tmp_path: Path) -> None:
    found = _csv(tmp_path, "a,nan\nb,inf\nc,0.5\n")
    assert [(record["score"], record["error"]) for record in found] == [
        (None, NOT_FINITE_ERROR),
        (None, NOT_FINITE_ERROR),
        (0.5, None),
    ]


def _lines(folder: Path, text: str) -> pa.Table:
    path = folder / "shard-00-00000.recordio.out"
    path.write_bytes(text.encode())
    return read_answers(path, wire_format="recordio")


def test_recordio_answers_are_lines_without_ids(tmp_path: Path) -> None:
    """Blank lines, which stand between payloads, mean nothing; quotes are text."""
    found = _lines(tmp_path, '0.5\n\nerror: too "long\n\r\n1e3\n\n')
    assert found.to_pylist() == [
        {"score": 0.5, "error": None},
        {"score": None, "error": 'too "long'},
        {"score": 1000.0, "error": None},
    ]


@pytest.mark.parametrize("text", ["", "\n", "\n\n\r\n"])
def test_an_empty_recordio_output_has_no_answers(tmp_path: Path, text: str) -> None:
    assert len(_lines(tmp_path, text)) == 0


@pytest.mark.parametrize("text", ["a,1\n", "half\n", "1\n2,3\n"])
def test_a_recordio_answer_that_is_no_answer_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InternalError, match=r"cannot be read as the recordio answers"):
        _lines(tmp_path, text)


def test_answers_without_ids_get_those_kept_if_they_are_as_many(tmp_path: Path) -> None:
    """Otherwise nobody knows whose they are."""
    answers = _lines(tmp_path, "1\n2\n")
    kept = pa.chunked_array([["a", "b"]])

    assert with_ids(answers, kept).column("id").to_pylist() == ["a", "b"]
    assert with_ids(answers, kept.slice(1)).column("id").to_pylist() == [None, None]
    own = with_ids(answers, kept)
    assert with_ids(own, pa.chunked_array([["x", "y"]])) is own


def _parquet(folder: Path, **columns: pa.Array) -> pa.Table:
    path = folder / "shard-00-00000.parquet.out"
    pq.write_table(pa.table(columns), path)
    return read_answers(path, wire_format="parquet")


def test_parquet_answers_name_the_id_as_they_like(tmp_path: Path) -> None:
    errors = pa.array([None, "refused"])
    found = _parquet(tmp_path, customer=pa.array([1, 2]), score=pa.array([0.5, 0.75]), error=errors)
    assert found.to_pylist() == [
        {"id": 1, "score": 0.5, "error": None},
        {"id": 2, "score": None, "error": "refused"},
    ]


def test_a_record_without_score_and_error_is_named(tmp_path: Path) -> None:
    scores = pa.array([0.5, None], pa.float64())
    with pytest.raises(InternalError, match="record 2 has neither a score nor an error"):
        _parquet(tmp_path, id=pa.array([1, 2]), score=scores, error=pa.array([None, None], pa.string()))


def test_parquet_answers_without_an_error_column_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="found the columns"):
        _parquet(tmp_path, id=pa.array([1]), score=pa.array([0.5]))


def test_a_byte_order_mark_is_part_of_the_first_id(tmp_path: Path) -> None:
    """It came from the source, where it stood inside the file."""
    found = _csv(tmp_path, "\ufeffa,1\n\ufeffb,2\n")
    assert [record["id"] for record in found] == ["\ufeffa", "\ufeffb"]


def _damaged(folder: Path, at: int) -> Path:
    """Overwrite 16 bytes of a sound output."""
    path = folder / "shard-00-00000.parquet.out"
    columns = {"id": ["a", "b"], "score": [0.5, None], "error": [None, "refused"]}
    pq.write_table(pa.table(columns), path)
    content = bytearray(path.read_bytes())
    content[at : at + 16] = b"\xff" * 16
    path.write_bytes(content)
    return path


def test_an_overwritten_page_header_is_an_unreadable_answer(tmp_path: Path) -> None:
    """The disk has done its duty: pyarrow's error has no error number."""
    expected = r"shard-00-00000\.parquet\.out: cannot be read as the parquet answers"
    with pytest.raises(InternalError, match=expected):
        read_answers(_damaged(tmp_path, 4), wire_format="parquet")


def test_wherever_an_output_is_damaged_it_is_read_or_refused(tmp_path: Path) -> None:
    """No other error gets out, and no text that is none gets in."""
    size = _damaged(tmp_path, 4).stat().st_size
    for at in range(0, size, 7):
        try:
            found = read_answers(_damaged(tmp_path, at), wire_format="parquet")
        except InternalError:
            continue
        assert all(error is None or error.encode() for error in found.column("error").to_pylist())


def test_a_disk_that_cannot_be_read_is_no_damage(tmp_path: Path) -> None:
    """That error keeps its number, and another run may do better."""
    with pytest.raises(FileNotFoundError):
        read_answers(tmp_path / "gone.parquet.out", wire_format="parquet")


def test_an_id_may_be_longer_than_a_block(tmp_path: Path) -> None:
    """Pyarrow reads CSV a megabyte at a time unless it is told otherwise."""
    long_id = "x" * (3 * 1024 * 1024)
    (found,) = _csv(tmp_path, f"{long_id},0.5\n")
    assert (found["id"], found["score"]) == (long_id, 0.5)
