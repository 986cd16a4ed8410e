"""A binary field holds the same bytes whatever it is read from: base64 in text, bytes in Parquet."""

from __future__ import annotations

import base64
import binascii
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_images import CONTRACT, encoded, gradient
from preparation import Preparation, run_prepare

from contracts.contract_file import parse_contract
from preprocessing.base64_values import base64_bytes
from preprocessing.parquet_blocks import read_parquet_blocks
from preprocessing.source_objects import find_source_files

pytestmark = pytest.mark.functional

SHORT = CONTRACT.replace(
    "{required: true}}\nprimaryKey", "{required: true, minLength: 3, maxLength: 900}}\nprimaryKey"
)
GOOD, OTHER = encoded(gradient()), encoded(gradient(8, 8), "GIF")


def base64_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def parquet(columns: dict[str, pa.Array]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def csv_source(values: dict[str, str]) -> bytes:
    return "".join(f"{key},{value}\n" for key, value in {"id": "image", **values}.items()).encode()


def json_source(values: dict[str, str]) -> bytes:
    return "".join(json.dumps({"id": key, "image": value}) + "\n" for key, value in values.items()).encode()


def parquet_source(values: dict[str, str]) -> bytes:
    return parquet({"id": pa.array(values), "image": pa.array(values.values())})


def images(done: Preparation) -> dict[str, bytes]:
    assert done.exit_code == 0, done.message
    return {row["id"]: row["image"] for row in done.shard_rows()}


@pytest.mark.parametrize(
    ("name", "write"), [("a.csv", csv_source), ("a.jsonl", json_source), ("a.parquet", parquet_source)]
)
def test_text_is_base64_and_what_is_none_is_held_back(tmp_path: Path, name: str, write: object) -> None:
    """Every format of text has the same rules, and so have the bytes that come out."""
    values = {
        "1": base64_text(GOOD),
        "2": base64_text(OTHER),
        "3": "no base64",
        "4": base64_text(GOOD)[:-1],
        "5": base64_text(b"GIF"),
        "6": base64_text(b"\x89PNG" + bytes(1000)),
        "7": base64_text(b"ab"),
        "8": "",
    }

    done = run_prepare(tmp_path, {name: write(values)}, SHORT, wire_format="arrow")  # type: ignore[operator]

    assert images(done) == {"1": GOOD, "2": OTHER}
    assert [row["reason_code"] for row in done.quarantine()] == [
        "wrong_type",
        "wrong_type",
        "not_an_image",
        "too_long",
        "too_short",
        "missing_required",
    ]
    assert "is longer than 900 bytes" in done.quarantine()[3]["message"]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.binary())])
def test_bytes_in_parquet_are_taken_as_they_are(tmp_path: Path, kind: pa.DataType) -> None:
    """What is held back is written as base64, so that it can be mended."""
    values = pa.array([GOOD, b"no image", None, b""], pa.binary()).cast(kind)
    sources = {"a.parquet": parquet({"id": pa.array(["1", "2", "3", "4"]), "image": values})}

    done = run_prepare(tmp_path, sources, SHORT, wire_format="parquet")

    assert images(done) == {"1": GOOD}
    reasons = [row["reason_code"] for row in done.quarantine()]
    assert reasons == ["not_an_image", "missing_required", "too_short"]
    assert json.loads(done.quarantine()[0]["raw"])["image"] == base64_text(b"no image")


def test_bytes_that_no_payload_can_hold_are_held_back(tmp_path: Path) -> None:
    """In Parquet too, where nothing but the values themselves is counted."""
    large = pa.array([GOOD, GOOD + bytes(2_000_000)], pa.binary())
    sources = {"a.parquet": parquet({"id": pa.array(["1", "2"]), "image": large})}

    done = run_prepare(tmp_path, sources, CONTRACT, wire_format="arrow")

    assert images(done) == {"1": GOOD}
    assert [row["reason_code"] for row in done.quarantine()] == ["record_too_large"]


def test_an_image_that_a_file_has_once_and_in_every_row_is_read_a_few_rows_at_a_time(tmp_path: Path) -> None:
    """A few kilobytes of Parquet would else take gigabytes, in one batch of 65,536 rows."""
    image = encoded(gradient()) + bytes(2 * 1024 * 1024)
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 100, pa.int32()), pa.array([image]))
    table = pa.table({"id": [str(number) for number in range(100)], "image": column})
    pq.write_table(table, tmp_path / "a.parquet", dictionary_pagesize_limit=8 * 1024 * 1024)
    (file,) = find_source_files(tmp_path)
    contract = parse_contract(CONTRACT.encode(), name="contract.yaml")

    blocks = list(read_parquet_blocks(file, contract, max_record_bytes=4 * 1024 * 1024))
    assert file.byte_count < 100_000
    assert [block.batch.num_rows for block in blocks] == [32, 32, 32, 4]


def test_recordio_has_no_place_for_binary_fields(tmp_path: Path) -> None:
    """It is refused before anything is read."""
    done = run_prepare(tmp_path, {"a.rec": b"\x0a\x23\xd7\xce"}, CONTRACT, wire_format="arrow")

    assert done.exit_code != 0
    assert "a.rec: is RecordIO, which is not read for binary fields (image)" in done.message


@pytest.mark.hypothesis
@given(st.lists(st.none() | st.text(alphabet="AQgw+/=é\n") | st.binary(max_size=20).map(base64_text)))
def test_base64_is_what_python_takes_for_it(texts: list[str | None]) -> None:
    """All values of a column at once, or one after the other: the same bytes."""
    column = base64_bytes(pa.array(["==", *texts], pa.string()).slice(1))
    column.validate(full=True)

    assert column.to_pylist() == [None if text is None else _decoded(text) for text in texts]


def _decoded(text: str) -> bytes | None:
    data, padding = text.rstrip("="), len(text) - len(text.rstrip("="))
    if len(text) % 4 or padding > 2:
        return None
    try:
        return base64.b64decode(data + "=" * padding, validate=True)
    except (binascii.Error, ValueError):
        return None
