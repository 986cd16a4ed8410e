"""The files of a quarantine: whole, counted alike, inert, and small enough to be read on a phone."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from bs4 import BeautifulSoup
from preparation import Preparation, run_prepare

from contracts.quarantine import MAX_RAW_BYTES, ReasonCode, SourceForm, read_source_forms
from preprocessing.quarantine_digest import EXAMPLES_PER_REASON
from preprocessing.quarantine_file import QuarantineFile
from preprocessing.quarantine_page import MAX_PAGE_BYTES
from preprocessing.records import QuarantinedRecord, RecordPlace

pytestmark = pytest.mark.functional

HEADER = b"id,x,kind,label\n"
FORM = SourceForm(format="csv", header=b"id")
MARKUP = "<script>alert('x')</script>&amp;\u202e"


def held_back(
    line_number: int,
    raw: bytes,
    reason: ReasonCode = ReasonCode.WRONG_TYPE,
    field: str | None = "x",
    message: str = "m",
) -> QuarantinedRecord:
    place = RecordPlace(line_number=line_number, byte_offset=None, raw=raw, raw_byte_count=len(raw))
    return QuarantinedRecord(place=place, reason=reason, field=field, message=message)


def page_of(done: Preparation) -> BeautifulSoup:
    return BeautifulSoup(
        (done.outputs / "quarantine" / "algo-1.digest.html").read_text("utf-8"), "html.parser"
    )


def page_in(folder: Path) -> BeautifulSoup:
    return BeautifulSoup((folder / "algo-1.digest.html").read_text("utf-8"), "html.parser")


def test_page_csv_and_parquet_count_alike(tmp_path: Path) -> None:
    done = run_prepare(
        tmp_path,
        {
            "a.csv": HEADER + b"1,bad,a,0\n2,3\n3,1,c,0\n4,1,a,7\n5,1,a,0\n",
            "b.csv": HEADER + b",1,a,0\n6,no,a,0\n",
        },
    )
    counts: dict[tuple[str, str], int] = {}
    for row in done.quarantine():
        key = (row["reason_code"], row["field"] or "")
        counts[key] = counts.get(key, 0) + 1

    with (done.outputs / "quarantine" / "algo-1.digest.csv").open() as stream:
        lines = {
            (line["reason_code"], line["field"]): int(line["record_count"]) for line in csv.DictReader(stream)
        }
    page = page_of(done)
    shown = {
        str(tag["data-of"]): int(str(tag["value"]))
        for tag in page.select("data")
        if "/" in str(tag["data-of"])
    }

    assert lines == counts
    assert shown == {f"{reason}/{field}": count for (reason, field), count in counts.items()}
    assert [tag["value"] for tag in page.select("h1 data")] == ["6"]
    assert [tag["value"] for tag in page.select("[data-of=source]")] == ["4", "2"]
    assert "has more or fewer fields than the header" in page.text


def test_the_page_stands_alone(tmp_path: Path) -> None:
    text = str(page_of(run_prepare(tmp_path, {"a.csv": HEADER + b"1,bad,a,0\n"})))

    assert re.findall(r"<script|<link(?![^>]*data:,)|<img|@import|url\(|https?://", text) == []
    assert "default-src 'none'" in text


def test_markup_from_the_data_is_inert(tmp_path: Path) -> None:
    with QuarantineFile(tmp_path, "algo-1") as quarantine:
        quarantine.add(MARKUP, FORM, held_back(1, MARKUP.encode(), field=MARKUP, message=MARKUP))

    page = page_in(tmp_path)

    shown = MARKUP.replace("\u202e", "\\u202e")
    assert page.find("script") is None
    assert [tag.text for tag in page.select("pre")] == [shown]
    assert page.text.count(shown) == 6  # field, key and message; the list of fields, and that of sources


def test_control_characters_and_bytes_that_are_no_text_are_visible(tmp_path: Path) -> None:
    with QuarantineFile(tmp_path, "algo-1") as quarantine:
        quarantine.add("a", FORM, held_back(1, b'\x1b[2J\xff,"a\r\nb"'))

    assert [tag.text for tag in page_in(tmp_path).select("pre")] == ['\\x1b[2J\\xff,"a\\r\\nb"']


def test_a_record_is_shown_in_the_encoding_of_its_source(tmp_path: Path) -> None:
    form = SourceForm(format="csv", header="id".encode("utf-16-be"), encoding="utf-16")
    with QuarantineFile(tmp_path, "algo-1") as quarantine:
        quarantine.add("a", form, held_back(1, "\u00e9t\u00e9".encode("utf-16-be")))

    assert [tag.text for tag in page_in(tmp_path).select("pre")] == ["\u00e9t\u00e9"]


def test_the_page_shows_the_first_records_of_each_reason(tmp_path: Path) -> None:
    with QuarantineFile(tmp_path, "algo-1") as quarantine:
        for number in range(1, 20):
            quarantine.add("a", FORM, held_back(number, b"%d" % number))
        quarantine.add("a", FORM, held_back(20, b"twenty" * 100, ReasonCode.MALFORMED_RECORD, None))

    shown = [tag.text for tag in page_in(tmp_path).select("pre")]

    assert shown[:EXAMPLES_PER_REASON] == ["1", "2", "3", "4", "5"]
    assert shown[EXAMPLES_PER_REASON:] == ["twenty" * 40 + " …"]
    assert "600 bytes in all" in page_in(tmp_path).text


def test_the_page_stays_small_whatever_the_data_holds(tmp_path: Path) -> None:
    """Every reason, in hundreds of fields and sources with long names, of which each character takes five."""
    with QuarantineFile(tmp_path, "algo-1") as quarantine:
        for number in range(300):
            name = f"{number}" + "&" * 1000
            for reason in ReasonCode:
                quarantine.add(name, FORM, held_back(number, b"&" * 5000, reason, name, "&" * 1024))

    page = tmp_path / "algo-1.digest.html"

    assert page.stat().st_size < MAX_PAGE_BYTES
    assert "The 100 most frequent of 6,300" in page_in(tmp_path).text
    assert "The 20 with most of 300 source objects" in page_in(tmp_path).text


def test_nothing_held_back_is_said_plainly(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.csv": HEADER + b"1,1,a,0\n"})

    assert page_of(done).h1 is not None
    assert page_of(done).h1.text == "No records held back"  # type: ignore[union-attr] # checked above


def test_the_sources_of_held_back_records_say_how_they_are_written(tmp_path: Path) -> None:
    """The header's bytes as they stand in the source, quotes and all; sound sources are left out."""
    done = run_prepare(
        tmp_path,
        {"a.csv": b'"id",x,kind,label\r\n1,bad,a,0\r\n', "sound.csv": HEADER + b"2,1,a,0\n"},
    )

    metadata = pq.read_metadata(done.outputs / "quarantine" / "algo-1.parquet").metadata

    assert read_source_forms(metadata) == {"a.csv": SourceForm(format="csv", header=b'"id",x,kind,label')}


def test_a_record_of_unknown_form_is_kept_all_the_same(tmp_path: Path) -> None:
    with QuarantineFile(tmp_path, "algo-1") as quarantine:
        quarantine.add("a", None, held_back(7, b"raw"))

    path = tmp_path / "algo-1.parquet"
    assert read_source_forms(pq.read_metadata(path).metadata) == {}
    assert pq.read_table(path).column("raw").to_pylist() == [b"raw"]


def test_more_than_one_group_of_records_is_kept_whole_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preprocessing.quarantine_file.GROUP_RECORDS", 3)
    with QuarantineFile(tmp_path, "algo-1") as quarantine:
        for number in range(10):
            quarantine.add("a", FORM, held_back(number, b"%d" % number))

    assert pq.read_metadata(tmp_path / "algo-1.parquet").num_row_groups == 4
    assert pq.read_table(tmp_path / "algo-1.parquet").column("line_number").to_pylist() == list(range(10))


def test_a_long_record_says_how_long_it_is(tmp_path: Path) -> None:
    """Its first bytes are kept, and nothing is cut off without a word."""
    line = b"1,bad," + b"a" * 100_000 + b",0"
    (row,) = run_prepare(tmp_path, {"a.csv": HEADER + line + b"\n"}).quarantine()

    assert (row["raw"], row["raw_byte_count"]) == (line[:MAX_RAW_BYTES], len(line))


def test_a_failure_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preprocessing.quarantine_file.GROUP_RECORDS", 1)
    quarantine = QuarantineFile(tmp_path, "algo-1")
    quarantine.add("a", FORM, held_back(1, b"raw"))
    assert len(list(tmp_path.iterdir())) == 1

    quarantine.__exit__(RuntimeError, RuntimeError("half way"), None)

    assert list(tmp_path.iterdir()) == []


def test_the_reasons_beside_mended_records_are_no_data(tmp_path: Path) -> None:
    sources = {
        "quarantine-r-1.csv": HEADER + b"1,1,a,0\n",
        "quarantine-r-1.reasons.csv": b"file_line_number,source_key\n2,a.csv\n",
    }

    done = run_prepare(tmp_path, sources)

    assert [source.source_key for source in done.manifest.sources] == ["quarantine-r-1.csv"]
    assert done.ids() == ["1"]
