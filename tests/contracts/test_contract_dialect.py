"""What a contract may declare about how CSV sources are written."""

from __future__ import annotations

import pytest

from contracts.contract_dialect import extends_ascii, read_dialect
from contracts.dataset import CsvDialect

REFUSED = ["shift_jis", "gbk", "gb18030", "big5", "euc-kr", "utf-7", "utf-32", "hz", "iso2022_jp", "johab"]
REFUSED += ["cp037", "cp864", "mac-arabic", "unicode_escape", "raw_unicode_escape", "punycode", "hex", "zlib"]


def test_nothing_declared_is_utf8_with_a_header_and_any_delimiter() -> None:
    faults: list[str] = []
    assert read_dialect({}, faults) == CsvDialect(delimiter="auto", has_header=True, encoding="utf-8")
    assert faults == []


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("UTF8", "utf-8"),
        ("utf-16", "utf-16"),
        ("UTF-16LE", "utf-16-le"),
        ("latin-1", "iso8859-1"),
        ("windows-1252", "cp1252"),
        ("cp437", "cp437"),
        ("koi8-r", "koi8-r"),
        ("macintosh", "mac-roman"),
        ("ascii", "ascii"),
    ],
)
def test_an_encoding_that_can_be_read_goes_by_its_normal_name(declared: str, encoding: str) -> None:
    faults: list[str] = []
    assert read_dialect({"encoding": declared}, faults).encoding == encoding
    assert faults == []


@pytest.mark.parametrize("declared", REFUSED)
def test_an_encoding_in_which_no_delimiter_can_be_found_by_its_byte_is_refused(declared: str) -> None:
    """Several bytes a character, EBCDIC, a second comma (mac-arabic), or not an encoding of text at all."""
    faults: list[str] = []
    assert read_dialect({"encoding": declared}, faults).encoding == "utf-8"
    (fault,) = faults
    assert "convert the source to UTF-8; supported: utf-8, utf-16" in fault


@pytest.mark.parametrize("declared", ["klingon", 8, "a\0b", ["utf-8"]])
def test_what_is_no_encoding_is_refused(declared: object) -> None:
    faults: list[str] = []
    read_dialect({"encoding": declared}, faults)
    (fault,) = faults
    assert "no known text encoding" in fault


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "mac-roman", "koi8-u", "iso8859-15", "cp850"])
def test_the_bytes_of_ascii_stand_for_ascii_only_where_it_is_extended(encoding: str) -> None:
    assert extends_ascii(encoding)
    for value in range(256):
        text = bytes([value]).decode(encoding, "replace")
        assert (text == chr(value)) if value < 128 else not text.isascii()
