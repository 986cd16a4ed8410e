"""Every record of a RecordIO source comes out once, whatever happened to its bytes."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from preparation import run_prepare
from record_messages import Record, framed, part_frames, tensor_record

from contracts.contract_file import parse_contract
from contracts.errors import CallerError
from contracts.quarantine import MAX_RAW_BYTES
from contracts.recordio import MAGIC_BYTES
from preprocessing.recordio_blocks import read_recordio_blocks
from preprocessing.records import OpenSource

CONTRACT_TEXT = """
fields:
  - {name: id, type: string, constraints: {required: true}}
  - {name: age, type: integer}
  - {name: plan, type: string, categories: [basic, plus, pro]}
  - {name: active, type: boolean}
  - {name: since, type: date}
  - {name: left, type: integer}
primaryKey: id
missingValues: ["", "-"]
scoring: {features: [age, plan, active], label: left}
"""
CONTRACT = parse_contract(CONTRACT_TEXT.encode(), name="contract")
NAN = float("nan")


def read(content: bytes, *, block_bytes: int = 1 << 20, max_record_bytes: int = 4096) -> dict[str, Any]:
    """Return rows as they are handed on, and `(number, reason, raw, length)` of what is held back.

    A value that is not of its field's type is the text that messages show.
    """
    stream = io.BytesIO(content)
    source = OpenSource(source_key="a.recordio", stream=stream, bytes_done=stream.tell)
    rows, held_back, places, count = [], [], [], 0
    for block in read_recordio_blocks(
        source, CONTRACT, max_record_bytes=max_record_bytes, block_bytes=block_bytes
    ):
        parsed = block.parse()
        count += parsed.record_count
        names = list(parsed.columns)
        values = zip(*(_handed_on(parsed.columns[name]) for name in names), strict=True)
        found = [dict(zip(names, row, strict=True)) for row in values]
        places += [parsed.place(row) for row in range(len(found))] + [
            fault.place for fault in parsed.structure_faults
        ]
        rows += found
        held_back += [
            (fault.place.line_number, fault.reason.value, fault.place.raw, fault.place.raw_byte_count)
            for fault in parsed.structure_faults
        ]
        assert parsed.record_count == len(found) + len(parsed.structure_faults)
    return {
        "rows": rows,
        "held_back": held_back,
        "places": sorted(places, key=lambda place: place.line_number),
        "count": count,
    }


def _handed_on(column: pa.Array) -> list[Any]:
    if not pa.types.is_struct(column.type):
        return list(column.to_pylist())
    pairs = column.to_pylist()
    assert all(pair is None or (pair["value"] is None) != (pair["misfit"] is None) for pair in pairs)
    return [pair and (pair["misfit"] if pair["value"] is None else pair["value"]) for pair in pairs]


def row(record_id: str | None, *values: Any) -> dict[str, Any]:
    names = ("age", "plan", "active", "since", "left")
    return {"id": record_id, **dict(zip(names, (*values, *[None] * (5 - len(values))), strict=True))}


def named_record(**entries: Any) -> bytes:
    """Return a frame with one entry a field: text as bytes, numbers as float64."""
    record = Record()
    for name, value in entries.items():
        if isinstance(value, bytes):
            record.features[name].bytes.value.append(value)
        else:
            record.features[name].float64_tensor.values.append(value)
    return framed(record.SerializeToString())


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_dense_vector_fills_the_features_in_order(kind: str) -> None:
    """Codes become categories, NaN a missing value, uid the id, and the label comes along."""
    content = framed(tensor_record([41, 2, 1], kind=kind, uid="C1", label=1))
    content += framed(tensor_record([NAN, NAN, 0], kind=kind, uid="C2", label=NAN))

    assert read(content)["rows"] == [row("C1", 41, "pro", True, None, 1), row("C2", None, None, False)]


def test_int32_vectors_are_read_whatever_the_length_of_their_numbers() -> None:
    vectors = [[7, 0, 1], [300, 1, 0], [-5, 2, 1], [2**31 - 1, 0, 0]]
    content = b"".join(framed(tensor_record(vector, kind="int32", uid="x")) for vector in vectors)

    assert [found["age"] for found in read(content)["rows"]] == [7, 300, -5, 2147483647]


def test_a_number_that_is_no_code_is_handed_on_as_it_is() -> None:
    """Validation calls it an unseen category; a fraction is no integer."""
    content = framed(tensor_record([1.5, 3, 2], uid="a")) + framed(tensor_record([1e20, -1, 0.5], uid="b"))

    ages = [(found["age"], found["plan"], found["active"]) for found in read(content)["rows"]]
    assert ages == [("1.5", "3", "2"), ("1.0000000200408773e+20", "-1", "0.5")]


def test_entries_named_like_fields_are_read_too() -> None:
    content = named_record(id=b"K", age=30.0, plan=b"plus", active=b"true", since=b"2020-01-02", extra=1.0)
    content += named_record(id=7.0, age=b"-", plan=1.0)

    assert read(content)["rows"] == [
        row("K", 30, "plus", "true", "2020-01-02"),
        row("7", None, "plus"),
    ]


def test_an_id_may_be_an_entry_beside_the_vector() -> None:
    record = Record.FromString(tensor_record([1, 1, 1]))
    record.label["id"].bytes.value.append("Ø".encode())

    assert read(framed(record.SerializeToString()))["rows"] == [row("Ø", 1, "plus", True)]


def test_a_record_without_an_id_is_left_to_validation() -> None:
    assert read(framed(tensor_record([1, 1, 1])))["rows"] == [row(None, 1, "plus", True)]


def _sparse() -> bytes:
    record = Record.FromString(tensor_record([1.0], uid="s"))
    record.features["values"].float32_tensor.keys.append(2)
    record.features["values"].float32_tensor.shape.append(3)
    return bytes(record.SerializeToString())


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (_sparse(), "malformed_record"),
        (tensor_record([1, 2], uid="s"), "wrong_field_count"),
        (tensor_record([1, 2, 3, 4], uid="s"), "wrong_field_count"),
        (Record(uid="s").SerializeToString(), "wrong_field_count"),
        (b"", "wrong_field_count"),
        (b"\xff" * 12, "malformed_record"),
        (tensor_record([1, 1, 1], uid="sss").replace(b"sss", b"\xff\xfes"), "invalid_encoding"),
    ],
)
def test_what_is_no_record_of_the_contract_is_held_back(message: bytes, reason: str) -> None:
    """With its number and its frame as it stands; its neighbours are read."""
    good = framed(tensor_record([1, 1, 1], uid="g"))
    found = read(good + framed(message) + good)

    assert found["rows"] == [row("g", 1, "plus", True)] * 2
    assert found["held_back"] == [(2, reason, framed(message), len(framed(message)))]


def test_parts_of_a_record_are_joined() -> None:
    """A writer that wants no magic number within a payload cuts there, as MXNet's does."""
    magic_number = np.frombuffer(MAGIC_BYTES, "<f4")[0]
    message = tensor_record([magic_number, 1, magic_number], uid="parts")
    parted = part_frames(message)
    found = read(framed(message) + parted + framed(message))

    assert parted.count(MAGIC_BYTES) == 3
    assert found["rows"] == [row("parts", -1804698880, "plus", "-1804698880")] * 3


@pytest.mark.parametrize("damage", [b"", b"\x00", b"garbage!" * 5])
def test_reading_goes_on_after_damaged_bytes(damage: bytes) -> None:
    """What stands between two frames becomes one record, however long."""
    frames = [framed(tensor_record([age, 0, 1], uid=str(age))) for age in range(4)]
    broken = frames[1][1:] + damage
    found = read(frames[0] + broken + frames[2] + frames[3])

    assert [entry["id"] for entry in found["rows"]] == ["0", "2", "3"]
    assert found["held_back"] == [(2, "malformed_record", broken, len(broken))]


def test_a_length_that_is_too_long_costs_one_record() -> None:
    """The length leads into the middle of another record, or out of the source, or over the limit."""
    frames = [framed(tensor_record([age, 0, 1], uid=str(age))) for age in range(4)]
    for length in (60, 1000, 1_000_000):
        broken = frames[1][:4] + length.to_bytes(4, "little") + frames[1][8:]
        found = read(frames[0] + broken + frames[2] + frames[3])

        assert [entry["id"] for entry in found["rows"]] == ["0", "2", "3"]
        assert found["held_back"] == [(2, "malformed_record", broken, len(broken))]


def test_a_source_that_ends_within_a_frame_is_refused() -> None:
    """Nobody knows how many records are missing; only the last padding may be."""
    frames = [framed(tensor_record([age, 0, 1], uid=str(age))) for age in range(2)]
    for cut in range(1, len(frames[1])):
        found = read_or_refusal(frames[0] + frames[1][:-cut])
        if cut <= -int.from_bytes(frames[1][4:8], "little") % 4:
            assert [entry["id"] for entry in found["rows"]] == ["0", "1"]
        else:
            assert f"byte {len(frames[0])}: the source object ends within the frame" in str(found)


@pytest.mark.parametrize("block_bytes", [7, 64, 1 << 20])
def test_a_record_over_the_limit_is_passed_over(block_bytes: int) -> None:
    small = framed(tensor_record([1, 1, 1], uid="s"))
    large = framed(tensor_record([1, 1, 1], uid="L" * 3 * MAX_RAW_BYTES))
    found = read(small + large + small, block_bytes=block_bytes, max_record_bytes=1000)

    assert [entry["id"] for entry in found["rows"]] == ["s", "s"]
    assert found["held_back"] == [(2, "record_too_large", large[:MAX_RAW_BYTES], len(large))]
    assert [place.byte_offset for place in found["places"]] == [0, len(small), len(small) + len(large)]


def test_a_record_in_too_many_parts_is_one_record_over_the_limit() -> None:
    small = framed(tensor_record([1, 1, 1], uid="s"))
    parts = part_frames(b"\x0a\x0a" + (b"x" * 62 + MAGIC_BYTES + b"yy") * 40)
    for limit in (200, 1000):
        found = read(small + parts + small, max_record_bytes=limit, block_bytes=50)

        assert [entry["id"] for entry in found["rows"]] == ["s", "s"]
        assert [(entry[1], entry[3]) for entry in found["held_back"]] == [("record_too_large", len(parts))]


FRAMES = st.lists(
    st.one_of(
        st.builds(
            lambda age, uid: framed(tensor_record([age, 1, 1], uid=uid)),
            st.integers(0, 9),
            st.text(max_size=6),
        ),
        st.builds(
            lambda pad: part_frames(b"y" * pad + MAGIC_BYTES * 2 + b"tail"), st.sampled_from([0, 4, 80])
        ),
        st.builds(lambda size: framed(bytes(size)), st.sampled_from([0, 5, 300])),
    ),
    max_size=12,
)
DAMAGE = st.lists(
    st.tuples(
        st.integers(0, 2000),
        st.integers(0, 12),
        st.sampled_from(
            [b"", b"\x00", b"\xff\xff\xff\xff", MAGIC_BYTES, MAGIC_BYTES + b"\x08\0\0\0", b"12345"]
        ),
    ),
    max_size=4,
)


def read_or_refusal(content: bytes, **options: int) -> dict[str, Any] | str:
    """Return what was read, or why the source object is refused as a whole."""
    try:
        return read(content, **options)
    except CallerError as error:
        return str(error)


@given(frames=FRAMES, damage=DAMAGE, block_bytes=st.integers(1, 200))
def test_damage_loses_nothing_and_blocks_do_not_matter(
    frames: list[bytes], damage: list[tuple[int, int, bytes]], block_bytes: int
) -> None:
    """Read = valid + quarantined, every byte belongs to one of them, in order, however the reads fall."""
    content = b"".join(frames)
    for position, removed, inserted in damage:
        at = position % (len(content) + 1)
        content = content[:at] + inserted + content[at + removed :]

    whole = read_or_refusal(content, max_record_bytes=120)
    cut = read_or_refusal(content, max_record_bytes=120, block_bytes=block_bytes)

    assert whole == cut
    if isinstance(whole, str):
        assert "it is cut off, and records may be missing" in whole
        return
    assert whole["count"] == len(whole["rows"]) + len(whole["held_back"])
    assert [place.line_number for place in whole["places"]] == list(range(1, whole["count"] + 1))
    position = 0
    for place in whole["places"]:
        assert (place.byte_offset, place.raw) == (
            position,
            content[position : position + place.raw_byte_count][:MAX_RAW_BYTES],
        )
        position += place.raw_byte_count
    assert position == len(content)


@pytest.mark.functional
@pytest.mark.parametrize("name", ["a.recordio", "a.rec", "a.pbr", "a.recordio.gz"])
def test_prepare_takes_recordio_by_its_name(tmp_path: Path, name: str) -> None:
    content = b"".join(framed(tensor_record([age, age % 4, 1], uid=f"C{age}")) for age in range(8))
    packed = gzip.compress(content) if name.endswith(".gz") else content
    preparation = run_prepare(tmp_path, {name: packed}, CONTRACT_TEXT)

    assert preparation.ids() == ["C0", "C1", "C2", "C4", "C5", "C6"]
    held_back = [(entry["line_number"], entry["reason_code"]) for entry in preparation.quarantine()]
    assert held_back == [(4, "unseen_category"), (8, "unseen_category")]
    frame_size = len(framed(tensor_record([1, 1, 1], uid="C1")))
    assert preparation.quarantine()[0]["byte_offset"] == 3 * frame_size
    assert preparation.quarantine()[0]["raw"] == content[3 * frame_size : 4 * frame_size]


@pytest.mark.functional
def test_a_recordio_shard_has_the_encoded_features_and_no_ids(tmp_path: Path) -> None:
    """As the SDK would write them; the ids are in the kept file, in the same order."""
    source = b"id,age,plan,active,left\nb,30,pro,true,1\na,,basic,,\nc,7,huge,false,0\nd,7,plus,0,0\n"
    preparation = run_prepare(tmp_path, {"a.csv": source}, CONTRACT_TEXT, wire_format="recordio")

    shards = preparation.manifest.shards
    contents = [(preparation.outputs / "shards" / shard.name).read_bytes() for shard in shards]
    vectors = [[30, 2, 1], [NAN, 0, NAN], [7, 1, 0]]
    assert b"".join(contents) == b"".join(framed(tensor_record(vector)) for vector in vectors)
    assert all(shard.name.endswith(".recordio") for shard in shards)
    assert [entry["id"] for entry in preparation.kept_rows()] == ["b", "a", "d"]
