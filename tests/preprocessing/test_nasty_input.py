"""What becomes of input that is damaged, misleading, huge, or changed while it is read."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from preparation import ARGUMENTS, CONTRACT, run_prepare

from contracts.errors import PlatformError
from contracts.quarantine import MAX_RAW_BYTES
from preprocessing import csv_blocks
from preprocessing.csv_text import OpenedText, open_text
from preprocessing.source_objects import SourceFile, find_source_files, open_source

pytestmark = pytest.mark.functional

ROOT = Path(__file__).parents[2]
HEADER = b"id,x,kind,label\n"
GOOD = b"9,1,a,0\n"
DATES = """
fields: [{name: id}, {name: x, type: integer}, {name: n, type: number}, {name: d, type: date}]
primaryKey: id
scoring: {features: [x, n]}
"""
NO_VALUES = ["1,1e999,", "1,-1e999,", "1,NaN,", "1,nan,", "1,Infinity,", "1,-inf,", "1,1_000,", "1,0x1F,"]
NO_VALUES += ["١٢٣,1,", "1,١٢٣,", "１２,1,", "12.0,1,", "9223372036854775808,1,", "1, 1,", '1,"1,5",']
NO_VALUES += ["1,1,2023-02-30", "1,1,0000-01-01", "1,1,99999-01-01", "1,1,2023-1-1", "1,1,٢٠٢٣-01-01"]
"""Of DATES: an integer, a number and a date, one of which is none."""

NO_RECORDS = [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\n", b"\r\n\r\n\n", b"\r", HEADER, HEADER + b"\r\n\n"]
NO_RECORDS += [b"\n\n" + HEADER, b"\xef\xbb\xbf" + HEADER[:-1], HEADER.decode().encode("utf-16")]


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(HEADER + GOOD * 1000, mtime=0)[:-9],
        gzip.compress(HEADER + GOOD, mtime=0)[:5],
        gzip.compress(HEADER + GOOD, mtime=0) + b"garbage",
        gzip.compress(HEADER + GOOD, mtime=0)[:-8] + b"\0" * 8,
        HEADER + GOOD,
    ],
    ids=["cut off", "cut off in its header", "with garbage behind it", "with a wrong checksum", "no gzip"],
)
def test_damaged_gzip_is_refused_and_not_read_in_part(content: bytes, tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.csv.gz": content})
    assert done.exit_code == 2
    assert "a.csv.gz: is no gzip data, or damaged: " in done.message
    assert not (done.outputs / "plan").exists()


def test_gzip_of_several_members_and_with_zeros_behind_it_is_whole(tmp_path: Path) -> None:
    """As `cat a.gz b.gz` and tapes leave it."""
    content = gzip.compress(HEADER) + gzip.compress(GOOD) + b"\0" * 512
    assert run_prepare(tmp_path, {"a.csv.gz": content}).ids() == ["9"]


def peak_megabytes(root: Path, source_key: str, write: Callable[[BinaryIO], None]) -> float:
    """Prepare one source object in a process of its own; return the most memory that it took."""
    run_prepare(root, {})
    with (root / "processing" / "input" / "source" / source_key).open("wb") as stream:
        write(stream)
    program = (
        "import pathlib, sys; from preprocessing.__main__ import main; code = main(sys.argv[1:], "
        f"{{'BATCHSCORE_ML_ROOT': {str(root)!r}}}); lines = pathlib.Path('/proc/self/status').read_text()"
        "; print(lines.split('VmHWM:')[1].split()[0]); sys.exit(code)"
    )
    argv = [text for pair in ARGUMENTS.items() for text in pair]
    command = [sys.executable, "-c", program, "prepare", *argv]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1]) / 1024


@pytest.mark.parametrize(
    ("repeated", "bound"),
    [(b"x" * (4 << 20), 300), (b"\n" * (1 << 19), 800)],
    ids=["one record", "blank lines"],
)
def test_gzip_that_grows_a_thousandfold_takes_no_more_memory_than_any_other(
    repeated: bytes, bound: int, tmp_path: Path
) -> None:
    """A record of 64 MB from 64 kB; 8 MB of blank lines, which take the most: each has its place."""
    member = gzip.compress(repeated)

    def write(stream: BinaryIO) -> None:
        stream.write(gzip.compress(HEADER + GOOD) + member * 16 + gzip.compress(b"\n" + GOOD))

    assert peak_megabytes(tmp_path, "a.csv.gz", write) < bound


def test_a_record_of_200_megabytes_is_held_back_and_never_in_memory(tmp_path: Path) -> None:
    """With its first bytes and its length; its neighbours are read. Python and pyarrow take 100 MB."""

    def write(stream: BinaryIO) -> None:
        stream.write(HEADER + GOOD)
        for _ in range(200):
            stream.write(b"x" * (1 << 20))
        stream.write(b",1,a,0\n" + GOOD)

    assert peak_megabytes(tmp_path, "a.csv", write) < 300


@pytest.mark.parametrize("mark", [b"", b'"'], ids=["plain", "with a quote that is not closed"])
def test_a_record_that_is_too_large_costs_itself_only(mark: bytes, tmp_path: Path) -> None:
    record = mark + b"x" * (3 << 20) + b",1,a,0"
    done = run_prepare(tmp_path, {"a.csv": HEADER + GOOD + record + b"\n" + GOOD.replace(b"9", b"8")})
    (row,) = done.quarantine()
    assert (row["line_number"], row["raw"]) == (3, record[:MAX_RAW_BYTES])
    assert (row["raw_byte_count"], row["byte_offset"]) == (len(record), len(HEADER + GOOD))
    assert row["reason_code"] in ("record_too_large", "malformed_record")
    assert done.ids() == ["9", "8"]


def test_a_folder_named_like_a_file_is_a_folder(tmp_path: Path) -> None:
    """Spark writes such folders; an empty one is nothing."""
    (tmp_path / "processing" / "input" / "source" / "empty.csv").mkdir(parents=True)
    assert find_source_files(tmp_path / "processing" / "input" / "source") == []
    done = run_prepare(tmp_path / "other", {"a.csv/part-0.csv": HEADER + GOOD, "a.csv/_SUCCESS": b""})
    assert [source.source_key for source in done.manifest.sources] == ["a.csv/part-0.csv"]


def test_nul_bytes_are_text_and_leave_their_neighbours_alone(tmp_path: Path) -> None:
    """In an id they are kept; a number or a category has none; a field that is not read may have any."""
    body = b"1\x002,1,a,0,\n3,1\x00,a,0,\n4,1,a\x00,0,\n5,1,a,0,\x00\x00\n\x00\n\x00,1,a,0,\n6,1,b,0,z\n"
    done = run_prepare(tmp_path, {"a.csv": HEADER[:-1] + b",other\n" + body})
    assert done.ids() == ["1\x002", "5", "\x00", "6"]
    assert done.held_back() == [
        (3, "wrong_type", b"3,1\x00,a,0,"),
        (4, "unseen_category", b"4,1,a\x00,0,"),
        (6, "wrong_field_count", b"\x00"),
    ]


def test_a_record_is_held_back_for_bytes_that_are_no_text_even_in_a_field_that_is_not_read(
    tmp_path: Path,
) -> None:
    body = b"1,1,a,0,\xff\n2,1,a,0,\xed\xa0\x80\n3,1,a,0,\xc0\xaf\n" + GOOD[:-1] + b",\n"
    done = run_prepare(tmp_path, {"a.csv": HEADER[:-1] + b",other\n" + body})
    assert {(line, reason) for line, reason, _ in done.held_back()} == {
        (line, "invalid_encoding") for line in (2, 3, 4)
    }
    assert "byte 0xff" in done.quarantine()[0]["message"]
    assert done.ids() == ["9"]


def test_a_header_of_a_million_columns_is_refused_or_read_but_never_pondered(tmp_path: Path) -> None:
    names = HEADER[:-1] + b"".join(b",c%d" % n for n in range(1_000_000))
    refused = run_prepare(tmp_path / "refused", {"a.csv": names + b"\n" + GOOD})
    assert (refused.exit_code, "header is unreadable: the record is" in refused.message) == (2, True)
    unknown = run_prepare(tmp_path / "unknown", {"a.csv": b"z" + names + b"\n"}, max_payload_mb="100").message
    assert "lacks the field 'id'" in unknown
    assert len(unknown) <= 1024


def test_a_record_of_many_thousand_fields_is_read_where_the_header_has_as_many(tmp_path: Path) -> None:
    names = HEADER[:-1] + b"".join(b",c%d" % n for n in range(100_000))
    body = GOOD[:-1] + b"," * 100_000 + b"\n" + GOOD
    done = run_prepare(tmp_path, {"a.csv": names + b"\n" + body}, max_payload_mb="100")
    assert (done.ids(), done.held_back()) == (["9"], [(3, "wrong_field_count", GOOD[:-1])])


def test_a_record_of_a_million_commas_has_the_wrong_number_of_fields(tmp_path: Path) -> None:
    done = run_prepare(tmp_path, {"a.csv": HEADER + b"," * 1_000_000 + b"\n" + GOOD}, max_payload_mb="6")
    (row,) = done.quarantine()
    assert row["message"] == "has 1000001 fields, the header has 4"
    assert done.ids() == ["9"]


@pytest.mark.parametrize("values", NO_VALUES)
def test_what_is_not_plainly_a_value_of_its_type_is_held_back(values: str, tmp_path: Path) -> None:
    """It is not turned into what it may have meant."""
    body = f"id,x,n,d\n1,{values}\n2,9223372036854775807,1e37,9999-12-31\n"
    done = run_prepare(tmp_path, {"a.csv": body.encode()}, contract=DATES)
    assert done.held_back() == [(2, "wrong_type", f"1,{values}".encode())]
    assert done.ids() == ["2"]


def test_an_id_may_hold_any_text(tmp_path: Path) -> None:
    """Delimiters, quotes, line ends, spaces, an emoji, a byte order mark, what a spreadsheet would run."""
    ids = [",;|\t", '"', '""', "a\nb", "a\r\nb", "a\rb", " ", " a ", "😀", "\ufeff", "=1+1", "null", "\u2028"]
    body = "".join('"' + text.replace('"', '""') + '",1,a,0\n' for text in ids)
    assert run_prepare(tmp_path, {"a.csv": HEADER + body.encode()}).ids() == ids


@pytest.mark.parametrize("content", NO_RECORDS)
def test_a_source_without_a_record_counts_none(content: bytes, tmp_path: Path) -> None:
    """A lone byte order mark, blank lines, a header and no more."""
    done = run_prepare(tmp_path, {"a.csv": content})
    assert (done.exit_code, done.plan.record_count) == (0, 0)


@pytest.mark.parametrize("content", [b"\r\r\r", b"id,x,kind,label\r9,1,a,0\r"])
def test_carriage_returns_alone_end_no_line(content: bytes, tmp_path: Path) -> None:
    """As in files of the time before Mac OS X: refused with the reason."""
    done = run_prepare(tmp_path, {"a.csv": content})
    assert done.exit_code == 2
    assert "a carriage return stands outside quotes" in done.message


def test_files_of_different_dialects_may_stand_side_by_side(tmp_path: Path) -> None:
    sources = {
        "a.csv": HEADER + b"a,1,a,0\n",
        "b.csv": b"label;id;x;kind\n0;b;1;b\n",
        "c.csv.gz": gzip.compress("kind\tid\tx\na\tc\t2\n".encode("utf-16")),
        "d.csv": b"\xef\xbb\xbf" + HEADER.replace(b",", b"|") + b"d|1|a|0\n",
    }
    done = run_prepare(tmp_path, sources)
    assert (done.exit_code, done.ids()) == (0, ["a", "b", "c", "d"])


def test_a_contract_may_declare_how_sources_are_written(tmp_path: Path) -> None:
    contract = CONTRACT + 'dialect: {delimiter: ";", header: false, encoding: cp1252}\n'
    done = run_prepare(tmp_path, {"a.csv": b"\x80,1;1;a;0\n\x81;1;a;0\n"}, contract=contract)
    assert (done.ids(), done.held_back()) == (["€,1"], [(2, "invalid_encoding", b"\x81;1;a;0")])


def _append(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(GOOD)


def _rewrite(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"9", b"8"))


def _replace(path: Path) -> None:
    modified_at = path.stat().st_mtime_ns
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(modified_at, modified_at))
    other.replace(path)


CHANGES: dict[str, Callable[[Path], object]] = {
    "appended to": _append,
    "cut": lambda path: os.truncate(path, 10),
    "emptied": lambda path: path.write_bytes(b""),
    "rewritten in the same size": _rewrite,
    "replaced by its like": _replace,
    "deleted": Path.unlink,
}


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_source_object_that_changes_while_it_is_read_is_the_platforms_fault(
    change: str, name: str, tmp_path: Path
) -> None:
    """Also where the reader fails because of it: the cause is told, not the damage."""
    path = tmp_path / name
    content = HEADER + b"".join(b"%d,1,a,0\n" % n for n in range(100_000))
    path.write_bytes(content if name == "a.csv" else gzip.compress(content))
    os.utime(path, (1, 1))
    (file,) = find_source_files(tmp_path)
    with pytest.raises(PlatformError, match=rf"{name}: (was changed|disappeared) while it was read"):
        _content(file, lambda: CHANGES[change](path))


@pytest.mark.parametrize("change", CHANGES)
def test_a_source_object_that_changes_before_its_turn_is_the_platforms_fault(
    change: str, tmp_path: Path
) -> None:
    """What counts is the size that the plan is made with, so a rewritten one of that size is read."""
    path = tmp_path / "a.csv"
    path.write_bytes(HEADER + GOOD)
    (file,) = find_source_files(tmp_path)
    CHANGES[change](path)
    if change in ("rewritten in the same size", "replaced by its like"):
        assert _content(file) == path.read_bytes()
    else:
        with pytest.raises(PlatformError, match=r"a\.csv: (was changed|disappeared)"):
            _content(file)


def _content(file: SourceFile, after_the_first_bytes: Callable[[], object] = lambda: None) -> bytes:
    with open_source(file) as source:
        content = source.stream.read(10)
        after_the_first_bytes()
        while following := source.stream.read(1 << 16):
            content += following
    return content


def test_a_run_whose_source_changes_ends_with_the_platforms_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a retry policy retries it; no plan is left."""

    def open_and_grow(stream: BinaryIO, declared: str, source_key: str, block_bytes: int) -> OpenedText:
        _append(tmp_path / "processing" / "input" / "source" / source_key)
        return open_text(stream, declared, source_key, block_bytes)

    monkeypatch.setattr(csv_blocks, "open_text", open_and_grow)
    done = run_prepare(tmp_path, {"a.csv": HEADER + GOOD})
    assert (done.exit_code, (done.outputs / "plan").exists()) == (3, False)
    assert "a.csv: was changed while it was read" in done.message
