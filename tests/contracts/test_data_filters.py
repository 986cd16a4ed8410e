"""Filters that Batch Transform would reject are rejected when the definition is built."""

from __future__ import annotations

import dataclasses
import re

import pytest

from contracts.data_filters import check_filters, filter_problems
from contracts.errors import CallerError
from contracts.wire import CSV_CONTENT_TYPE, WIRE_FORMATS

JSON_LINES = "application/jsonlines"


@pytest.mark.parametrize("name", list(WIRE_FORMATS))
def test_filters_of_our_wire_formats_are_sound(name: str) -> None:
    """No wire format can be chosen whose job would fail."""
    wire = WIRE_FORMATS[name]
    texts = [text for text in (wire.input_filter, wire.output_filter) if text is not None]
    assert [filter_problems(text, content_type=wire.content_type) for text in texts] == [[]] * len(texts)


@pytest.mark.parametrize("text", ["$", "$[0]", "$[-1]", "$[1:]", "$[:5]", "$[2:5]", "$[0,-1]", "$[0,2:4]"])
def test_index_paths_are_allowed_for_csv(text: str) -> None:
    """The operators of the developer guide [doc]."""
    assert filter_problems(text, content_type=CSV_CONTENT_TYPE) == []


@pytest.mark.parametrize("text", ["$", "$.id", "$.a.b[0]", "$['a','b']", "$.*", "$.a[1,3]", "$['x:y','z:']"])
def test_names_are_allowed_for_json(text: str) -> None:
    """A quoted name may hold a colon, which is no range."""
    assert filter_problems(text, content_type=JSON_LINES) == []


@pytest.mark.parametrize(
    ("text", "content_type", "problem"),
    [
        ("$[0:2,246:]", CSV_CONTENT_TYPE, "has 2 ranges, one is allowed"),
        ("$.customer_id", JSON_LINES, "has a JSON name with '_'"),
        ("$.id", CSV_CONTENT_TYPE, "is not a filter that Batch Transform knows"),
        ("$[0][1]", CSV_CONTENT_TYPE, "is not a filter that Batch Transform knows"),
        ("id", JSON_LINES, "is not a filter that Batch Transform knows"),
        ("$..id", JSON_LINES, "is not a filter that Batch Transform knows"),
        ("$[?(@.a>1)]", JSON_LINES, "is not a filter that Batch Transform knows"),
    ],
)
def test_rejected_filter_says_why(text: str, content_type: str, problem: str) -> None:
    """Two ranges, `_` in a name, names for CSV, and operators that do not exist [doc]."""
    problems = filter_problems(text, content_type=content_type)
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize(("length", "count"), [(63, 0), (64, 1)])
def test_a_filter_has_63_characters_at_most(length: int, count: int) -> None:
    """The bound is inclusive [doc: JsonPath]."""
    text = "$." + "a" * (length - 2)
    assert len(filter_problems(text, content_type=JSON_LINES)) == count


def test_all_problems_are_told_at_once_with_the_filters_name() -> None:
    """Both filters are looked at before anything is raised."""
    wire = dataclasses.replace(WIRE_FORMATS["csv"], input_filter="$[1:,2:]", output_filter="$.score")
    expected = r"InputFilter '\$\[1:,2:\]' has 2 ranges.*; wire format csv: OutputFilter '\$\.score' is not"
    with pytest.raises(CallerError, match=expected):
        check_filters(wire)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("$." + "a" * 62, "has 64 characters, at most 63 are allowed"),
        ("$.features[0:2,5:]", "has 2 ranges, one is allowed"),
        ("$.feature_values", "has a JSON name with '_'"),
    ],
)
@pytest.mark.parametrize("name", ["input_filter", "output_filter"])
def test_a_json_lines_filter_is_checked_when_the_definition_is_built(
    name: str, text: str, problem: str
) -> None:
    """Either filter, by the wire's name."""
    wire = dataclasses.replace(WIRE_FORMATS["jsonlines"], **{name: text})
    with pytest.raises(CallerError, match=f"wire format jsonlines: .*{re.escape(problem)}"):
        check_filters(wire)
