"""JSON Lines answers are read exactly, whoever wrote them, or refused by line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import InternalError
from reporting import json_answers
from reporting.answers import NOT_FINITE_ERROR, read_answers

pytestmark = pytest.mark.functional


def read(folder: Path, content: bytes) -> list[dict[str, Any]]:
    path = folder / "shard-00-00000.jsonl.out"
    path.write_bytes(content)
    return read_answers(path, wire_format="jsonlines").to_pylist()


def line(answer: Any, record_id: Any = "a") -> bytes:
    return json.dumps({"id": record_id, "SageMakerOutput": answer}).encode() + b"\n"


def test_scores_and_errors_are_read_in_order(tmp_path: Path) -> None:
    content = (
        line({"score": 0.25}, 'a"\n,ü') + line({"error": "too odd, refused"}, "007") + line({"score": 1})
    )
    assert read(tmp_path, content) == [
        {"id": 'a"\n,ü', "score": 0.25, "error": None},
        {"id": "007", "score": None, "error": "too odd, refused"},
        {"id": "a", "score": 1.0, "error": None},
    ]


@pytest.mark.parametrize(
    "content",
    [
        line(0.5) + line(2),
        line({"score": 0.5, "label": [1]}) + line({"score": 2, "error": None}),
        line(0.5) + line({"score": 2}),
        line(0.5) + line(2).rstrip(b"\n"),
        line({"score": 0.5}).replace(b"}}", b'}, "features": [1, 2]}') + line({"score": 2}),
        line({"score": 0.5}, 7).replace(b"7", b'"a"') + line(2),
    ],
)
def test_other_containers_may_answer_in_their_own_way(tmp_path: Path, content: bytes) -> None:
    """A bare number, an object with a score, more keys, or all of these in one file."""
    assert [record["score"] for record in read(tmp_path, content)] == [0.5, 2.0]


def test_a_whole_number_is_an_id_as_its_text(tmp_path: Path) -> None:
    assert read(tmp_path, line({"score": 1}, 12) + line({"score": 1}, "b"))[0]["id"] == "12"


def test_an_empty_output_has_no_answers(tmp_path: Path) -> None:
    assert read(tmp_path, b"") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.booleans())
def test_every_score_is_the_exact_float(tmp_path: Path, scores: list[float], is_careful: bool) -> None:
    """Read fast or line by line."""
    content = b"".join(line({"score": score}) for score in scores) + (line(1) if is_careful else b"")
    assert [record["score"] for record in read(tmp_path, content)][: len(scores)] == scores


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_a_score_that_is_not_finite_becomes_an_error(tmp_path: Path, literal: bytes) -> None:
    """Python containers write such literals, though they are no JSON."""
    found = read(tmp_path, line({"score": 7}).replace(b"7", literal) + line({"score": 0.5}))
    assert [(record["score"], record["error"]) for record in found] == [(None, NOT_FINITE_ERROR), (0.5, None)]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"\n", "record_line"),
        (b"{}\n", "neither"),
        (b"[1]\n", "record_line"),
        (b"oops\n", "record_line"),
        (line("0.5"), "record_line"),
        (line({"score": "0.5"}), "record_line"),
        (line({"score": True}), "record_line"),
        (line({"error": {"why": 1}}), "record_line"),
        (line(1, None), "record_line"),
        (line(1, 1.5), "record_line"),
        (line(1, "\ud800"), "record_line"),
        (b'{"id":"a"}\n', "neither"),
        (b'{"SageMakerOutput":1}\n', "record_line"),
        (b'{"id":"\xff","SageMakerOutput":1}\n', "record_line"),
        (line(1).rstrip(b"\n") + line(1), "record_line"),
        (line({"score": None}), "neither"),
        (line({}), "neither"),
        (line(None), "neither"),
    ],
)
def test_an_answer_that_is_no_answer_is_refused_by_its_line(tmp_path: Path, bad: bytes, reason: str) -> None:
    """Nothing is published of a run whose answers cannot be read."""
    told = {
        "record_line": "cannot be read as the jsonlines answers that the model container writes: line 2 is",
        "neither": "record 2 has neither a score nor an error",
    }
    with pytest.raises(InternalError, match=re.escape(told[reason])):
        read(tmp_path, line({"score": 1}) + bad + line({"score": 1}))


def test_an_answer_longer_than_a_block_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then line by line."""
    monkeypatch.setattr(json_answers, "BLOCK_BYTES", 64)
    long_id = "x" * 1000
    assert [one["id"] for one in read(tmp_path, line({"score": 1}, long_id) + line({"score": 1}))] == [
        long_id,
        "a",
    ]
