"""What XGBoost writes as UBJSON is read as what it writes as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_forests import made_booster, made_tree

from serving.forest.ubjson import read_ubjson


def test_a_model_is_the_same_as_in_json() -> None:
    random = np.random.default_rng(1)
    trees = [made_tree(random, depth=3, feature_count=4, number=number) for number in range(6)]
    booster = made_booster(trees, feature_count=4, objective="multi:softprob", class_count=3)
    found = read_ubjson(bytes(booster.save_raw("ubj")))["learner"]
    expected = json.loads(booster.save_raw("json"))["learner"]
    assert found["objective"] == expected["objective"]
    assert found["learner_model_param"] == expected["learner_model_param"]
    pairs = zip(
        found["gradient_booster"]["model"]["trees"],
        expected["gradient_booster"]["model"]["trees"],
        strict=True,
    )
    for left, right in pairs:
        assert left.keys() == right.keys()
        for name in ("left_children", "split_indices", "default_left"):
            assert left[name].tolist() == right[name]
        np.testing.assert_array_equal(left["split_conditions"], np.float32(right["split_conditions"]))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"T", True),
        (b"Z", None),
        (b"i\xff", -1),
        (b"U\xff", 255),
        (b"l\x00\x01\x00\x00", 65536),
        (b"I\x01\x00", 256),
        (b"L" + b"\xff" * 8, -1),
        (b"SU\x02ab", "ab"),
        (b"[U\x01SU\x01xF]", [1, "x", False]),
        (b"[#U\x02TF", [True, False]),
        (b"{U\x01aT}", {"a": True}),
        (b"D\x3f\xf8\x00\x00\x00\x00\x00\x00", 1.5),
    ],
)
def test_each_kind_of_value(content: bytes, expected: object) -> None:
    assert read_ubjson(content) == expected


@pytest.mark.parametrize(
    "content",
    [b"", b"?", b"S", b"SU\x05ab", b"[$d#U\x02\x00", b"[$S#U\x01", b"{U\x01a", b"S?\x01", b"[T", b"Si\xffab"],
)
def test_what_is_not_whole_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"byte|begins|ends"):
        read_ubjson(content)
