"""How sources are written travels with their records; what is shown of a record hides nothing."""

from __future__ import annotations

import base64
import json

import pytest

from contracts.quarantine import (
    SOURCE_FORMS_KEY,
    SourceForm,
    is_reasons_file,
    read_source_forms,
    source_forms_text,
)
from contracts.visible_text import visible_text

CSV = SourceForm(format="csv", header=b"id;\xe9t\xe9", encoding="cp1252")


def test_the_form_of_each_source_comes_back_as_it_was() -> None:
    forms = {"a.csv": CSV, 'b"\u00e9.jsonl': SourceForm(format="jsonlines")}

    assert read_source_forms({SOURCE_FORMS_KEY: source_forms_text(forms)}) == forms


def test_the_text_is_json_by_source_key_with_the_header_in_base64() -> None:
    header = base64.b64encode(CSV.header).decode()

    document = json.loads(source_forms_text({"a.csv": CSV}))

    assert document == {"a.csv": {"format": "csv", "header": header, "encoding": "cp1252"}}


def test_a_file_without_forms_has_none() -> None:
    assert read_source_forms(None) == {}
    assert read_source_forms({b"pandas": b"{}"}) == {}


def test_forms_that_would_make_the_file_unreadable_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contracts.quarantine.MAX_SOURCE_FORMS_BYTES", 1000)
    forms = {f"{n}.csv": CSV for n in range(50)}

    text = source_forms_text(forms)

    found = read_source_forms({SOURCE_FORMS_KEY: text})
    assert len(text) <= 1000
    assert list(found) == list(forms)[: len(found)]
    assert 5 < len(found) < 50


@pytest.mark.parametrize(
    "text",
    [b"{", b"[1]", b'{"a": 1}', b'{"a": {"format": "csv"}}', b'{"a": {"format": "csv", "header": "?"}}'],
)
def test_damaged_forms_are_an_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_source_forms({SOURCE_FORMS_KEY: text})


@pytest.mark.parametrize(
    ("encoding", "header", "mark", "line_feed"),
    [
        ("utf-8", b"id", b"", b"\n"),
        ("utf-8-sig", b"id", b"\xef\xbb\xbf", b"\n"),
        ("cp1252", b"id", b"", b"\n"),
        ("utf-16", b"i\0d\0", b"\xff\xfe", b"\n\0"),
        ("utf-16", b"\0i\0d", b"\xfe\xff", b"\0\n"),
        ("utf-16", b"\xff\xfei\0", b"\xff\xfe", b"\n\0"),
        ("utf-16-be", b"", b"\xfe\xff", b"\0\n"),
        ("utf-16", b"", b"\xff\xfe", b"\n\0"),
    ],
)
def test_mark_and_line_feed_are_those_of_the_encoding(
    encoding: str, header: bytes, mark: bytes, line_feed: bytes
) -> None:
    form = SourceForm(format="csv", header=header, encoding=encoding)

    assert (form.byte_order_mark, form.line_feed) == (mark, line_feed)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"C1,20,caf\xc3\xa9", "C1,20,caf\u00e9"),
        (b"a\r\nb\tc", "a\\r\\nb\\tc"),
        (b"\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("a\u202eb\u00a0c\u200b".encode(), "a\\u202eb\\xa0c\\u200b"),
        (b"", ""),
    ],
)
def test_what_is_shown_hides_nothing(raw: bytes, shown: str) -> None:
    assert visible_text(raw) == shown


def test_what_is_shown_is_short_and_says_so() -> None:
    assert visible_text(b"x" * 5) == "xxxxx"
    assert visible_text(b"x" * 6, 5) == "xxxxx …"
    assert visible_text("i\u00e9".encode("utf-16-le"), encoding="utf-16-le") == "i\u00e9"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("quarantine-20261123t094512-3fa9-1.reasons.csv", True),
        ("quarantine-20261123t094512-3fa9-12-unparsed.reasons.csv", True),
        ("quarantine-20261123t094512-3fa9-unwritten.reasons.csv", True),
        ("quarantine-20261123t094512-3fa9-1.csv", False),
        ("churn.reasons.csv", False),
        ("quarantine.reasons.csv", False),
    ],
)
def test_only_our_own_lists_of_reasons_are_no_data(name: str, expected: bool) -> None:
    assert is_reasons_file(name) is expected
