"""CSV filters and joins do what the documentation says, and refuse the rest."""

from __future__ import annotations

import pytest

from emulator.data_processing import (
    DataProcessingError,
    filter_rows,
    format_rows,
    join,
    parse_rows,
    selected_columns,
)


@pytest.mark.parametrize(
    ("json_path", "columns"),
    [
        ("$", [0, 1, 2, 3]),
        ("$[1:]", [1, 2, 3]),
        ("$[0,-1]", [0, 3]),
        ("$[:2]", [0, 1]),
        ("$[2]", [2]),
        ("$[-1,0,1:3]", [3, 0, 1, 2]),
    ],
)
def test_a_filter_selects_columns_by_index(json_path: str, columns: list[int]) -> None:
    assert selected_columns(json_path, 4) == columns


@pytest.mark.parametrize(
    ("json_path", "reason"),
    [
        ("$[0:2,3:]", "has 2 ranges"),
        ("$[4]", "out of range"),
        ("$[-5]", "out of range"),
        ("$.name", "is not a filter"),
        ("$['a']", "is not a filter"),
        ("$[" + "1," * 31 + "1]", "at most 63"),
    ],
)
def test_a_filter_that_the_service_refuses_is_refused(json_path: str, reason: str) -> None:
    """[doc] One range, index paths only, 63 characters; an index out of range is an error."""
    with pytest.raises(DataProcessingError, match=reason):
        selected_columns(json_path, 4)


def test_the_prediction_is_appended_and_the_output_filter_comes_last() -> None:
    """[doc] InputFilter, inference, join, OutputFilter, in this order."""
    rows = parse_rows(b"id1,1,2\nid2,3,4\n", name="payload 1")
    predictions = parse_rows(b"0.5\n0.25", name="the answer")

    assert format_rows(filter_rows(rows, "$[1:]")) == b"1,2\n3,4\n"
    assert format_rows(filter_rows(join(rows, predictions), "$[0,-1]")) == b"id1,0.5\nid2,0.25\n"


def test_values_come_back_as_they_were() -> None:
    text = b'"a,b",1\n"say ""hi""",\nplain,007\n'

    assert format_rows(parse_rows(text, name="x")) == text


def test_fewer_predictions_than_records_are_refused() -> None:
    rows = parse_rows(b"1\n2\n", name="payload")

    with pytest.raises(DataProcessingError, match="answered 1 predictions for 2 records"):
        join(rows, parse_rows(b"1\n", name="answer"))


def test_rows_of_unequal_length_are_refused() -> None:
    with pytest.raises(DataProcessingError, match="payload 3 is not CSV"):
        parse_rows(b"1,2\n3\n", name="payload 3")


def test_one_row_without_a_line_end_is_a_row() -> None:
    assert format_rows(parse_rows(b"0.5", name="answer")) == b"0.5\n"


def test_a_line_break_inside_quotes_is_refused_in_a_payload_of_many_lines_too() -> None:
    """SplitType Line cuts at every line feed: what passes here must not fail in AWS."""
    with pytest.raises(DataProcessingError, match="payload 1 has a line break inside quotes"):
        parse_rows(b'1,"a\nb",2\n3,c,4\n', name="payload 1")


def test_a_filter_that_selects_nothing_is_refused() -> None:
    """And does not turn every record into nothing."""
    with pytest.raises(DataProcessingError, match=r"selects nothing of rows with 2 values"):
        filter_rows(parse_rows(b"1,2\n3,4\n", name="payload"), "$[5:]")


def test_blank_lines_are_rows() -> None:
    assert parse_rows(b"\n\n", name="payload").num_rows == 2
