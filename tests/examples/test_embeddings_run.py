"""The embeddings example, as its user runs it: every readable review gets a vector that is worth having."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from example_run import ExampleRun, check_report, run_example
from playwright.sync_api import Browser

from examples.embeddings import data, quality, run, search
from examples.embeddings.published import published_reviews, vectors_of

pytestmark = pytest.mark.end_to_end

ROWS = 600
LEAST_AUC = 0.72


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> ExampleRun:
    return run_example("embeddings", tmp_path_factory.mktemp("embeddings"), "--rows", str(ROWS))


@pytest.fixture(scope="module")
def output(done: ExampleRun) -> Path:
    return run.files_below(done.work, ROWS).output


def test_every_review_gets_a_vector_or_is_held_back_with_a_reason(done: ExampleRun) -> None:
    """Those that were added are without a text, empty, without a letter, too long."""
    counts = done.results.counts
    assert counts == {
        "read": ROWS + 4,
        "valid": ROWS,
        "quarantined": 4,
        "scored": ROWS,
        "unscorable": 0,
    }
    assert done.reasons == {"missing_required": 2, "pattern_mismatch": 1, "too_long": 1}


def test_vectors_are_published_as_lists_of_fixed_size_and_have_the_length_1(
    done: ExampleRun, output: Path
) -> None:
    assert done.results.scores is not None
    part = next(done.results.scores.glob("part-*.parquet"))
    assert pq.read_schema(part).field("score").type == pa.list_(pa.field("element", pa.float32()), 384)
    vectors = vectors_of(published_reviews(output))
    assert vectors.shape == (ROWS, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_vectors_tell_an_opinion_that_nobody_told_the_model(output: Path) -> None:
    """Of the reviews that were set apart for testing, by the others."""
    found = quality.quality_of(published_reviews(output), data.held_out_opinions(ROWS))
    assert found.judged_count + found.known_count <= ROWS
    assert found.judged_count >= 100
    assert found.auc >= LEAST_AUC
    assert found.accuracy > found.majority


def test_the_opinions_that_are_to_be_found_out_are_in_no_input(output: Path) -> None:
    told = published_reviews(output)
    opinions = dict(zip(told["review_id"].to_pylist(), told["opinion"].to_pylist(), strict=True))
    assert {opinions[one] for one in data.held_out_opinions(ROWS)} == {None}


def test_a_search_finds_what_a_text_is_about(done: ExampleRun, capsys: pytest.CaptureFixture[str]) -> None:
    """Not by its words: no review is of a hot drink, some are of coffee."""
    options = ["--work", str(done.work), "--rows", str(ROWS)]
    assert search.main(["food for my dog", "something hot to drink in the morning", *options]) == 0
    dog, drink = (part.lower() for part in capsys.readouterr().out.split("\n\n"))
    assert "dog" in dog
    assert any(word in drink for word in ("coffee", "tea ", "cocoa"))


def test_its_report_can_be_opened(done: ExampleRun, browser: Browser) -> None:
    check_report(browser, done)
