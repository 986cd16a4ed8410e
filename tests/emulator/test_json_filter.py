"""JSON filters do what the documentation says, and refuse the rest."""

from __future__ import annotations

import re
from typing import Any

import pytest

from emulator.json_filter import DocumentFilterError, compiled_filter

DOCUMENT = {
    "id": "C1",
    "features": [0, 1, 2, 3, 4],
    "a b": {"x": 1, "y": 2},
    "deep": [{"n": 1}, {"n": 2}],
    "with-dash": None,
}


@pytest.mark.parametrize(
    ("json_path", "selected"),
    [
        ("$", DOCUMENT),
        ("$.features", [0, 1, 2, 3, 4]),
        ("$.with-dash", None),
        ("$['id']", "C1"),
        ("$['a b']['x']", 1),
        ("$['features','id']", {"features": [0, 1, 2, 3, 4], "id": "C1"}),
        ("$.['features','id']", {"features": [0, 1, 2, 3, 4], "id": "C1"}),
        ("$.features[0]", 0),
        ("$.features[-1]", 4),
        ("$.features[1,3]", [1, 3]),
        ("$.features[2:5]", [2, 3, 4]),
        ("$.features[1:]", [1, 2, 3, 4]),
        ("$.features[:2]", [0, 1]),
        ("$.features[-1,0,1:3]", [4, 0, 1, 2]),
        ("$['a b'].*", [1, 2]),
        ("$.features[*]", [0, 1, 2, 3, 4]),
        ("$.deep[*].n", [1, 2]),
        ("$.deep[0:1].n", [1]),
    ],
)
def test_a_filter_selects_a_part_of_the_document(json_path: str, selected: Any) -> None:
    """[doc] The operators of "Associate Prediction Results with Input Records"."""
    assert compiled_filter(json_path)(DOCUMENT) == selected


@pytest.mark.parametrize(
    ("json_path", "reason"),
    [
        ("$.features[5]", "index 5 is out of range, the array has 5 elements"),
        ("$.features[-6]", "index -6 is out of range"),
        ("$.feature", "the object has no 'feature'; it has 'id', 'features'"),
        ("$['id','nothing']", "the object has no 'nothing'"),
        ("$.id.name", "takes 'name' of what is no array and no object"),
        ("$.features.name", "takes 'name' of what is an array"),
        ("$.deep[*].id", "the object has no 'id'"),
        ("$[0]", "takes an element of what is an object"),
        ("$.id.*", "takes an element of what is no array and no object"),
    ],
)
def test_a_document_that_a_filter_does_not_fit_is_refused(json_path: str, reason: str) -> None:
    """[doc] An index or a name that is not there is an error for the object."""
    chosen = compiled_filter(json_path)
    with pytest.raises(DocumentFilterError, match=re.escape(reason)):
        chosen(DOCUMENT)


@pytest.mark.parametrize(
    ("json_path", "reason"),
    [
        ("$.features[0:2,3:]", "has 2 ranges"),
        ("$.customer_id", "has a JSON name with '_'"),
        ("$." + "a" * 62, "has 64 characters, at most 63"),
        ("$..id", "is not a filter"),
        ("features", "is not a filter"),
        ("$['a','b'].x", "goes on after several names"),
    ],
)
def test_a_filter_that_the_service_refuses_is_refused(json_path: str, reason: str) -> None:
    """[doc] One range, no `_`, 63 characters, several names last."""
    with pytest.raises(DocumentFilterError, match=re.escape(reason)):
        compiled_filter(json_path)
