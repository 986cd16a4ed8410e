"""A CSV source is read as it is written: delimiter, quotes, line ends, encoding, with or without header."""

from __future__ import annotations

import csv
import dataclasses
import io
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.contract_file import parse_contract
from contracts.dataset import AUTO_DELIMITER, DELIMITERS, CsvDialect, DatasetContract
from contracts.errors import CallerError
from contracts.quarantine import MAX_RAW_BYTES, SourceForm
from preprocessing.csv_blocks import read_csv_blocks
from preprocessing.csv_parse import CsvBlock
from preprocessing.records import OpenSource, RecordPlace
from preprocessing.validation import validate

CONTRACT = parse_contract(
    b"{fields: [{name: id}, {name: note}, {name: x, type: integer}], primaryKey: id,"
    b" missingValues: ['none'], scoring: {features: [x]}}",
    name="test",
)

Held = tuple[int, str, bytes]
"""Line number, reason and raw bytes of a record that is held back."""


def under(**changes: object) -> DatasetContract:
    """Return the contract with another dialect."""
    return dataclasses.replace(CONTRACT, dialect=CsvDialect(**changes))  # type: ignore[arg-type]


def blocks(content: bytes, contract: DatasetContract, block_bytes: int, limit: int = 1000) -> list[CsvBlock]:
    source = OpenSource(source_key="a.csv", stream=io.BytesIO(content), bytes_done=lambda: 0)
    return list(read_csv_blocks(source, contract, max_record_bytes=limit, block_bytes=block_bytes))


def read(
    content: bytes, contract: DatasetContract, block_bytes: int = 1 << 20, limit: int = 1000
) -> tuple[list[tuple[str, ...]], list[Held], list[RecordPlace]]:
    """Return ids and notes of the valid records, and what is held back, all in order."""
    rows: list[tuple[str, ...]] = []
    held: list[Held] = []
    places: list[RecordPlace] = []
    for block in blocks(content, contract, block_bytes, limit):
        parsed = block.parse()
        validation = validate(parsed.columns, contract, "parquet")
        wrong = {fault.row: fault.reason for fault in validation.faults}
        notes = parsed.columns["note"].to_pylist()
        ids = parsed.columns["id"].to_pylist()
        rows += [(ids[row], notes[row]) for row in range(len(ids)) if row not in wrong]
        found = [(fault.place, fault.reason) for fault in parsed.structure_faults]
        found += [(parsed.place(row), reason) for row, reason in wrong.items()]
        found.sort(key=lambda entry: entry[0].line_number)
        held += [(place.line_number, reason.value, place.raw) for place, reason in found]
        places += [place for place, _ in found]
        assert parsed.record_count == validation.valid.num_rows + len(found)
    return rows, held, places


@dataclass(frozen=True, kw_only=True)
class Written:
    """How a generated source is written; `encoding` is what the contract declares, `codec` what it is."""

    delimiter: str
    quoting: int
    line_end: str
    encoding: str
    codec: str
    mark: bytes
    has_header: bool
    is_declared: bool

    def line(self, fields: tuple[str, ...]) -> str:
        """Write one record as Python's csv module does; it does not quote every carriage return."""
        text = io.StringIO()
        has_return = any("\r" in field or "\n" in field for field in fields)
        csv.writer(
            text,
            delimiter=self.delimiter,
            quoting=csv.QUOTE_ALL if has_return else self.quoting,  # type: ignore[arg-type]
            lineterminator=self.line_end,
        ).writerow(fields)
        return text.getvalue()

    @property
    def contract(self) -> DatasetContract:
        """The contract that declares it, as far as it must be."""
        delimiter = self.delimiter if self.is_declared or not self.has_header else AUTO_DELIMITER
        return under(delimiter=delimiter, has_header=self.has_header, encoding=self.encoding)


ENCODINGS = [  # encoding, codec, mark, letters, text that is encoded wrongly
    ("utf-8", "utf-8", b"", "é😀", b"\xfe"),
    ("utf-8", "utf-8", b"\xef\xbb\xbf", "é😀", b"\xc3"),
    ("cp1252", "cp1252", b"", "é€", b"\x81"),
    ("cp1252", "utf-8", b"\xef\xbb\xbf", "é€", b"\x81"),
    ("latin-1", "latin-1", b"", "é\xa0", None),
    ("koi8-r", "koi8-r", b"", "ж═", None),
    ("utf-8", "utf-16-le", b"\xff\xfe", "é😀", b"\x00\xd8"),
    ("utf-8", "utf-16-be", b"\xfe\xff", "жé", b"\xdf\xff"),
    ("utf-16", "utf-16-le", b"", "é\u0a0a\u2c22", b"\xff\xdf"),
    ("utf-16-be", "utf-16-be", b"", "é\u0a0a\u2c22", b"\xd8\x00"),
]
DAMAGES = ("wrong_field_count", "malformed_record", "invalid_encoding", "wrong_type")


@st.composite
def writings(draw: st.DrawFn) -> tuple[Written, str, bytes | None]:
    """Return a way of writing, the characters that fields have, and bytes that are wrong in its encoding."""
    encoding, codec, mark, letters, wrong = draw(st.sampled_from(ENCODINGS))
    written = Written(
        delimiter=draw(st.sampled_from(DELIMITERS)),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        line_end=draw(st.sampled_from(["\n", "\r\n"])),
        encoding=encoding,
        codec=codec,
        mark=mark,
        has_header=draw(st.booleans()),
        is_declared=draw(st.booleans()),
    )
    return written, 'ab1 ,;|\t"\n\r' + letters, wrong


def damaged(kind: str, written: Written, wrong: bytes | None) -> bytes:
    """Return a record with one fault, without its line end."""
    mark = written.delimiter
    if kind == "invalid_encoding":
        return (wrong or b"") + f"{mark}{mark}1".encode(written.codec)
    text = {"wrong_field_count": f"a{mark}b", "malformed_record": f'"a"b{mark}{mark}1'}
    return text.get(kind, f"a{mark}{mark}1x").encode(written.codec)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), writing=writings(), block_bytes=st.sampled_from([1, 7, 64, 4096]))
def test_any_dialect_reads_as_pythons_csv_module_reads_it(
    data: st.DataObject, writing: tuple[Written, str, bytes | None], block_bytes: int
) -> None:
    """The same values in the same order, for any size of blocks."""
    written, alphabet, _ = writing
    texts = st.text(alphabet=alphabet, max_size=5)
    records = data.draw(st.lists(st.tuples(texts, texts, st.just("1")), max_size=8))
    header = [("id", "note", "x")] if written.has_header else []
    text = "".join(written.line(record) for record in header + records)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=written.delimiter, strict=True))
    found, held, _ = read(written.mark + text.encode(written.codec), written.contract, block_bytes)
    assert (found, held) == ([tuple(row[:2]) for row in rows[len(header) :]], [])


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), writing=writings(), block_bytes=st.sampled_from([1, 7, 64, 4096]))
def test_what_is_damaged_in_any_dialect_is_what_is_held_back(
    data: st.DataObject, writing: tuple[Written, str, bytes | None], block_bytes: int
) -> None:
    """With the right reason and line, and the bytes that stand in the source, where they stand."""
    written, alphabet, wrong = writing
    texts = st.text(alphabet=alphabet, max_size=5)
    kinds = st.sampled_from([kind for kind in DAMAGES if wrong or kind != "invalid_encoding"])
    records = data.draw(st.lists(st.one_of(st.tuples(texts, texts, st.just("1")), kinds), max_size=8))
    line_end = written.line_end.encode(written.codec)
    body = written.line(("id", "note", "x")).encode(written.codec) if written.has_header else b""
    content, sound, planted, line_number = written.mark + body, [], [], 1 + written.has_header
    for record in records:
        if isinstance(record, str):
            raw = damaged(record, written, wrong)
            planted.append((line_number, record, raw))
            content += raw + line_end
            line_number += 1
        else:
            sound.append(record[:2])
            line = written.line(record)
            line_number += line.count("\n")
            content += line.encode(written.codec)
    found, held, places = read(content, written.contract, block_bytes)
    assert (found, held) == (sound, planted)
    for place in places:
        assert (place.byte_offset is None) == written.codec.startswith("utf-16")
        if place.byte_offset is not None:
            assert content[place.byte_offset :].startswith(place.raw)


def table(delimiter: str, *records: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(records)
    return text.getvalue().encode()


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("block_bytes", [1, 4096])
def test_the_delimiter_is_the_one_with_which_the_header_names_all_needed_fields(
    delimiter: str, block_bytes: int
) -> None:
    """The others may stand in another name of the header, more often, and in values."""
    others = ",;\t|" * 3
    content = table(delimiter, ("id", "note", others, "x"), ("9", others, "", "1"), (others, "", "", "2"))
    for leading in (b"", b"\n\r\n\n"):
        assert read(leading + content, CONTRACT, block_bytes)[:2] == ([("9", others), (others, "")], [])


def test_a_quoted_header_may_hold_a_line_feed_whatever_the_delimiter() -> None:
    content = b'"two\nlines";"id";"x";"note"\n;7;1;n\n;8;one;n\n'
    for block_bytes in (1, 9, 4096):
        assert read(content, CONTRACT, block_bytes)[:2] == ([("7", "n")], [(4, "wrong_type", b";8;one;n")])


def test_a_declared_delimiter_is_taken_though_another_would_do() -> None:
    """The comma comes first where the header names all needed fields either way."""
    content = b"id,note,x,;id;note;x;\n1,n,2,;7;m;3;\n"
    assert read(content, CONTRACT)[0] == [("1", "n")]
    assert read(content, under(delimiter=";"))[0] == [("7", "m")]


HEADER_FAULTS = {
    "nearest": (b"id;note;y;z,\n", {}, ["lacks the field 'x'", "`,`, `;`, TAB, `|`", "is id, note, y, z,"]),
    "declared": (b"id;note;x\n", {"delimiter": "|"}, ["`|`, the declared delimiter, does not occur"]),
    "no header": (b"7,n,1\n8,n,2\n", {}, ["declare `dialect: {header: false}`", "is 7, n, 1"]),
    "unreadable": (b'"id";"note";"x"y\n', {}, ["header is unreadable", "text follows a closing quote"]),
    "wrong encoding": (b"id,note,x,\xe9\n", {}, ["byte 0xe9", "expected UTF-8", "encoding: cp1252"]),
    "undefined byte": (b"id,note,x,\x81\n", {"encoding": "cp1252"}, ["byte 0x81 stands for no character"]),
    "UTF-16 without mark": ("id,note,x\n".encode("utf-16-le"), {}, ["NUL bytes", "encoding: utf-16"]),
    "UTF-32": ("id,note,x\n".encode("utf-32"), {}, ["UTF-32", "convert it to UTF-8"]),
    "cut UTF-16": ("id,note,x\n7".encode("utf-16")[:-1], {}, ["ends inside a character", "byte 23"]),
    "twice": (b"id;note;x;x\n", {}, ["names 'x' twice"]),
}


@pytest.mark.parametrize("case", HEADER_FAULTS)
def test_a_header_that_will_not_do_is_refused_with_what_to_declare(case: str) -> None:
    content, changes, parts = HEADER_FAULTS[case]
    with pytest.raises(CallerError) as caught:
        read(content, under(**changes))
    assert [part for part in ["a.csv", *parts] if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [(b"7;n,m;1\n8;n;2\n", ";"), (b"7\tn\t1\n", "\t"), (b"7|n\n", ","), (b"7,n,1|x|y\n", ",")],
)
def test_without_header_the_delimiter_is_the_one_that_gives_as_many_fields_as_the_contract(
    content: bytes, delimiter: str
) -> None:
    """The comma if none does, so that every record is held back for its number of fields."""
    (block,) = blocks(content, under(has_header=False), 4096)
    assert block.layout.delimiter == delimiter


def test_without_header_the_first_record_is_data_and_has_the_contracts_fields() -> None:
    content = b"7,n,1\n8,m\n9,o,1,2\n10,p,2\n"
    rows, held, _ = read(content, under(has_header=False))
    assert rows == [("7", "n"), ("10", "p")]
    assert held == [(2, "wrong_field_count", b"8,m"), (3, "wrong_field_count", b"9,o,1,2")]
    (block,) = blocks(content, under(has_header=False), 4096)
    (fault, _) = block.parse().structure_faults
    assert (fault.message, block.source_form.header) == ("has 2 fields, the contract has 3", b"")


def test_a_header_though_none_is_declared_is_checked_as_a_record() -> None:
    assert read(b"id,note,x\n7,n,1\n", under(has_header=False))[:2] == (
        [("7", "n")],
        [(1, "wrong_type", b"id,note,x")],
    )


@pytest.mark.parametrize(
    ("encoding", "mark", "codec"),
    [
        ("utf-8", b"", "utf-8"),
        ("cp1252", b"", "cp1252"),
        ("utf-8", b"\xff\xfe", "utf-16-le"),
        ("utf-16", b"", "utf-16-le"),
        ("cp1252", b"\xef\xbb\xbf", "utf-8-sig"),
    ],
)
def test_a_block_has_its_header_as_it_stands_in_the_source(encoding: str, mark: bytes, codec: str) -> None:
    """Without line end and byte order mark; the encoding's name says how to write them again."""
    texts = ('id,"é€",note,x', "\r\n7,,n,1\r\n")
    header, rest = (text.encode(codec.removesuffix("-sig")) for text in texts)
    (block,) = blocks(mark + header + rest, under(encoding=encoding), 4096)
    assert block.source_form == SourceForm(format="csv", header=header, encoding=codec)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("block_bytes", [5, 64, 1 << 20])
def test_a_skipped_utf16_record_keeps_its_own_first_bytes_and_its_own_length(
    mark: str, block_bytes: int
) -> None:
    """Of characters of one to four bytes in UTF-8; two in UTF-16, or four."""
    for letters in ("z", "é", "€", "😀", "aé€😀"):
        record = letters * (300 if block_bytes == 5 else 50_000)
        text = f"{mark}id,note,x\n7,n,1\n{record}\r\n8,n,1\n"
        rows, held, (place,) = read(text.encode("utf-16-be"), under(encoding="utf-16"), block_bytes, 100)
        raw = record.encode("utf-16-be")
        assert rows == [("7", "n"), ("8", "n")]
        assert held == [(3, "record_too_large", raw[:MAX_RAW_BYTES])]
        assert (place.raw_byte_count, place.byte_offset) == (len(raw), None)


def test_a_record_that_is_too_large_as_utf8_only_is_held_back_as_too_large() -> None:
    """Forty euro signs are 40 bytes in cp1252 and 120 in UTF-8, which is what shards are written in."""
    euros, fewer = b"\x80" * 40, b"\x80" * 31
    content = b"id,note,x\n7," + euros + b",1\n8," + fewer + b",1\n"
    rows, held, (place,) = read(content, under(encoding="cp1252"), limit=100)
    assert rows == [("8", "€" * 31)]
    assert held == [(2, "record_too_large", b"7," + euros + b",1")]
    assert (place.byte_offset, place.raw_byte_count) == (10, 44)


def test_a_block_has_a_bounded_number_of_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small they are; places and faults stay with their records."""
    monkeypatch.setattr("preprocessing.csv_blocks.MAX_BLOCK_RECORDS", 3)
    lines = [f"{n},n,1\n" if n % 4 else f'"{n}"n,,1\n' for n in range(10)]
    content = ("id,note,x\n" + "".join(lines)).encode()
    rows, held, places = read(content, CONTRACT)
    assert [len(block.starts) for block in blocks(content, CONTRACT, 4096)] == [3, 3, 3, 1]
    assert rows == [(str(n), "n") for n in range(10) if n % 4]
    assert [(line, reason) for line, reason, _ in held] == [(n + 2, "malformed_record") for n in (0, 4, 8)]
    assert [place.byte_offset for place in places] == [content.index(b'"%d"' % n) for n in (0, 4, 8)]
