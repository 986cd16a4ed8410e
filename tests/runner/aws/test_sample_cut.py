"""The start of a source object is cut after a whole record, whatever its format."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.recordio import frame
from runner.aws.checks import CannotTellError
from runner.aws.sample_cut import cut_sample


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"id,age\nC1,20\nC2,4", b"id,age\nC1,20\n"),
        (b'id,age\nC1,20\nC2,"two\nli', b"id,age\nC1,20\n"),
        (b'id,age\nC1,20\nC2,"two\nlines"\nC3', b'id,age\nC1,20\nC2,"two\nlines"\n'),
        (b'{"id": "a"}\n{"id": "say \\"b"}\n{"id"', b'{"id": "a"}\n'),
        (b'[{"id": "],"} , {"id": "b"},\n{"id', b'[{"id": "],"} , {"id": "b"}]'),
        (b'\xef\xbb\xbf [{"id": "\xc3\xa4"}, {"id": "\xc3', b'\xef\xbb\xbf [{"id": "\xc3\xa4"}]'),
        (frame(b"abc") + frame(b"defgh") + frame(b"ijk")[:9], frame(b"abc") + frame(b"defgh")),
    ],
)
def test_what_is_cut_ends_with_a_whole_record(start: bytes, expected: bytes) -> None:
    cut = cut_sample("in", start, is_whole=False)
    assert cut.content == expected
    assert cut.delivered_byte_count == len(expected.removesuffix(b"]"))


def test_a_whole_object_stays_as_it_is() -> None:
    assert cut_sample("in.csv", b"id\nC1", is_whole=True).content == b"id\nC1"


def test_the_start_of_a_compressed_object_is_read_plain_under_a_plain_name() -> None:
    """It stands for the bytes that were delivered, not for those that came out."""
    text = b"".join(b"C%d,%d\n" % (number, number * 7919 % 1000) for number in range(100_000))
    delivered = gzip.compress(text)
    cut = cut_sample("day=1/in.csv.gz", delivered[:50_000], is_whole=False)
    assert cut.name == "day=1/in.csv"
    assert text.startswith(cut.content)
    assert cut.content.endswith(b"\n")
    records = text.count(b"\n")
    estimated = len(delivered) * cut.content.count(b"\n") / cut.delivered_byte_count
    assert estimated == pytest.approx(records, rel=0.2)


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (b"PAR1....", "set InputFormat to parquet"),
        (b"no line ends here", "first record is longer than 17 bytes"),
        (b'[{"id": "never closed', "first record is longer"),
        (b"\x1f\x8bnot really", "cannot be decompressed"),
    ],
)
def test_what_cannot_be_cut_is_said(start: bytes, reason: str) -> None:
    with pytest.raises(CannotTellError, match=reason):
        cut_sample("in", start, is_whole=False)


@settings(max_examples=40)
@given(
    st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=5) | st.integers()), min_size=1), st.data()
)
def test_a_cut_array_has_the_first_elements(elements: list[dict[str, object]], data: st.DataObject) -> None:
    """Wherever it is cut, what comes out is JSON and begins as the array does."""
    content = json.dumps(elements, ensure_ascii=False).encode()
    end = data.draw(st.integers(0, len(content) - 1))
    try:
        cut = cut_sample("in.json", content[:end], is_whole=False)
    except CannotTellError:
        return
    found = json.loads(cut.content)
    assert found == elements[: len(found)]


@pytest.mark.parametrize("name", ["scans/1.JPG", "scans.tar", "scans.tgz"])
def test_the_start_of_images_and_archives_is_no_sample(name: str) -> None:
    """One that is small enough to be read whole is."""
    start = gzip.compress(b"0123456789" * 1000)

    assert cut_sample(name, start, is_whole=True).content == start
    with pytest.raises(CannotTellError, match="whose start cannot be read alone"):
        cut_sample(name, start, is_whole=False)
