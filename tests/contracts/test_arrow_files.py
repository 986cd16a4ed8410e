"""Columns on the arrow wire come out as they went in, and what is damaged is refused before it is used."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.arrow_files import arrow_bytes, arrow_record_count, arrow_schema, read_arrow

TEXTS = ["a", "b", "ü"]


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Tables of every kind of column that a shard or an answer has, in some chunks."""
    count = draw(st.integers(0, 30))
    codes = st.lists(st.none() | st.integers(0, 2), min_size=count, max_size=count)
    coded = pa.DictionaryArray.from_arrays(pa.array(draw(codes), pa.int32()), pa.array(TEXTS))
    ids = pa.array([str(number) for number in range(count)], pa.string())
    floats = st.lists(st.none() | st.floats(), min_size=count, max_size=count)
    numbers = pa.array(draw(floats), pa.float64())
    flags = pa.array([None if number % 3 else bool(number % 2) for number in range(count)], pa.bool_())
    lists = pa.array([[0.5] * (number % 4) for number in range(count)], pa.list_(pa.float64()))
    table = pa.table({"id": ids, "coded": coded, "numbers": numbers, "flags": flags, "lists": lists})
    middle = draw(st.integers(0, count))
    return pa.concat_tables([table.slice(0, middle), table.slice(middle)])


@given(tables())
def test_columns_come_out_as_they_went_in(table: pa.Table) -> None:
    """Values, nulls, names and metadata; positions in a dictionary take one byte."""
    content = arrow_bytes(table, {b"fact": b"1"})
    found = read_arrow(content)
    assert found.schema.metadata == {b"fact": b"1"}
    assert found.schema.field("coded").type == pa.dictionary(pa.int8(), pa.string())
    assert repr(found.to_pylist()) == repr(table.to_pylist())
    assert arrow_record_count(content) == len(table)
    assert arrow_schema(content).equals(found.schema, check_metadata=True)


@pytest.mark.parametrize(("text_count", "kind"), [(128, pa.int8()), (129, pa.int16()), (32769, pa.int32())])
def test_positions_are_as_narrow_as_the_dictionary_allows(text_count: int, kind: pa.DataType) -> None:
    """The last position of each width is used."""
    positions = pa.array([text_count - 1, 0], pa.int32())
    texts = pa.array([str(number) for number in range(text_count)])
    table = pa.table({"coded": pa.DictionaryArray.from_arrays(positions, texts)})
    found = read_arrow(arrow_bytes(table)).column("coded")
    assert (found.type.index_type, found.to_pylist()) == (kind, [str(text_count - 1), "0"])


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_what_is_compressed_is_not_counted(codec: str) -> None:
    """Nobody knows how much memory it would take; of record batches and of dictionaries."""
    for column in (pa.array(np.zeros(100_000)), pa.array(["a" * 9999, "b" * 9999]).dictionary_encode()):
        sink = io.BytesIO()
        options = pa.ipc.IpcWriteOptions(compression=codec)
        table = pa.table({"x": column})
        with pa.ipc.new_file(sink, table.schema, options=options) as writer:
            writer.write_table(table)
        with pytest.raises(pa.ArrowInvalid, match="it is compressed"):
            arrow_record_count(sink.getvalue())


def test_positions_outside_the_dictionary_are_refused() -> None:
    """They would be read from whatever lies behind it in memory."""
    for position in (3, 127, -1):
        positions = pa.array([0, position], pa.int8())
        wrong = pa.DictionaryArray.from_arrays(positions, pa.array(TEXTS), safe=False)
        with pytest.raises(pa.ArrowInvalid, match="in 3 values"):
            read_arrow(arrow_bytes(pa.table({"coded": wrong})))


def test_text_that_is_no_text_is_refused() -> None:
    """Offsets beyond the end, falling offsets, and bytes that are not UTF-8."""
    sound = arrow_bytes(pa.table({"id": ["a", "bc"]}))
    offsets = np.array([0, 1, 3], np.int32).tobytes()
    assert sound.count(offsets) == sound.count(b"abc") == 1
    for wrong in ([0, 1, 99], [0, 2, 1], [0, -1, 3]):
        with pytest.raises(pa.ArrowInvalid):
            read_arrow(sound.replace(offsets, np.array(wrong, np.int32).tobytes()))
    with pytest.raises(pa.ArrowInvalid):
        read_arrow(sound.replace(b"abc", b"ab\xff"))


@given(data=st.data(), table=tables())
def test_damage_is_refused_or_harmless(data: st.DataObject, table: pa.Table) -> None:
    """Whatever byte is another, or wherever the file is cut off: no other error, and no crash."""
    content = bytearray(arrow_bytes(table, {b"fact": b"1"}))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.sampled_from([len(content), len(content) - 1, len(content) // 2]))])
    try:
        arrow_record_count(cut)
        arrow_schema(cut)
        repr(read_arrow(cut).to_pylist())
    except (pa.ArrowException, OSError):
        pass
