"""Profiles add up, survive their file, and are refused where they are none."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from contracts import data_profile
from contracts.data_profile import (
    MAX_VALUES,
    OTHER_VALUES,
    DataProfile,
    FeatureProfile,
    add_features,
    add_profiles,
    packed,
    parse_profile,
    unpacked,
)
from contracts.errors import CallerError
from contracts.value_histogram import value_histogram


def _profile(numbers: list[float], values: dict[str, int], missing: int = 0) -> DataProfile:
    features = {
        "x": FeatureProfile(missing_count=missing, histogram=value_histogram(np.array(numbers))),
        "kind": FeatureProfile(values=values),
    }
    score = value_histogram(np.array(numbers) / 10)
    return DataProfile(contract_fingerprint="f", record_count=len(numbers), features=features, score=score)


def test_two_profiles_together_are_that_of_both() -> None:
    both = add_profiles([_profile([1.0, 2.0], {"a": 2}, 1), _profile([2.0], {"a": 1, "b": 3}, 2)])
    expected = DataProfile(
        contract_fingerprint="f",
        record_count=3,
        features=_profile([1.0, 2.0, 2.0], {"a": 3, "b": 3}, 3).features,
        score=value_histogram(np.array([0.1, 0.2, 0.2])),
    )
    assert both is not None
    assert both.document() == expected.document()
    assert add_profiles([]) is None


def test_a_profile_survives_its_file_and_its_packing() -> None:
    profile = _profile([1.0, -2.5], {"a": 2, "ü": 1})
    content = json.dumps(profile.document()).encode()
    again = parse_profile(unpacked(packed(content), name="p"), name="p")
    assert again.document() == profile.document()


def test_values_beyond_the_bound_are_counted_together() -> None:
    many = FeatureProfile(values={f"v{number:05}": 1 for number in range(MAX_VALUES)} | {"often": 7})
    added = add_features(many, FeatureProfile(values={OTHER_VALUES: 2}))
    assert len(added.values) == MAX_VALUES + 1
    assert (added.values["often"], added.values[OTHER_VALUES]) == (7, 3)
    assert added.record_count == MAX_VALUES + 9


GOOD = _profile([1.0], {"a": 1}).document()


def _with(**feature: Any) -> dict[str, Any]:
    return GOOD | {"features": {"x": feature}}


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ([], "expected a profile of a data set"),
        (
            {"contract_fingerprint": "f", "features": {}},
            "version 1, expected 2; make it anew",
        ),
        (GOOD | {"record_count": -1}, "expected `contract_fingerprint`, `record_count` and `features`"),
        (GOOD | {"features": {"x": {"missing_count": 0}}}, "feature 'x': expected `values`"),
        (
            GOOD | {"features": {"x": {"missing_count": "0", "values": {}}}},
            "feature 'x': expected `missing_count`",
        ),
        (
            GOOD | {"features": {"x": {"missing_count": 0, "values": {"a": 0.5}}}},
            "feature 'x': expected `values`",
        ),
        (GOOD | {"score": {"shift": 1}}, "score: expected a histogram"),
    ],
)
def test_what_is_none_is_refused(document: Any, fault: str) -> None:
    with pytest.raises(CallerError) as caught:
        parse_profile(json.dumps(document).encode(), name="p")
    assert str(caught.value).startswith("p")
    assert fault in str(caught.value)


def test_what_is_no_json_is_refused() -> None:
    for content in (b"{", b"\xff", b"[" * 200_000):
        with pytest.raises(CallerError, match="p: is no JSON"):
            parse_profile(content, name="p")


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_profile, "MAX_PROFILE_BYTES", 1000)
    with pytest.raises(CallerError, match="unpacks to more than 1000 bytes; refused"):
        unpacked(packed(b" " * 100_000), name="p")
    for text in (b"no base64!", b"aGVsbG8="):
        with pytest.raises(CallerError, match="is no packed profile"):
            unpacked(text, name="p")
