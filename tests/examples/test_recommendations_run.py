"""The recommendations example, as its user runs it: everybody gets films that are new and worth it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as pa_dataset
import pytest
from example_run import ExampleRun, check_report, run_example
from playwright.sync_api import Browser

from examples.recommendations import data, run

pytestmark = pytest.mark.end_to_end

LEAST_HIT_RATE = 0.07
LEAST_TIMES_POPULARITY = 1.4
KEPT_COUNT = 10


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> ExampleRun:
    return run_example("recommendations", tmp_path_factory.mktemp("recommendations"))


@pytest.fixture(scope="module")
def found() -> data.Interactions:
    return data.interactions()


def lists_of(done: ExampleRun) -> list[dict[str, Any]]:
    assert done.results.scores is not None
    files = sorted(str(path) for path in (done.results.scores / "parquet").glob("part-*"))
    rows: list[dict[str, Any]] = pa_dataset.dataset(files, format="parquet").to_table().to_pylist()
    return rows


def popularity_hit_rate(found: data.Interactions) -> float:
    """Return how often the film is among the ten most rated ones that its user has not rated."""
    counts = np.where(found.has_rated, -1, found.has_rated.sum(axis=0))
    top = np.argsort(-counts, axis=1, kind="stable")[:, :KEPT_COUNT]
    hits = [
        film in {found.film_ids[place] for place in places}
        for film, places in zip(found.next_films, top, strict=True)
        if film in found.film_ids
    ]
    return sum(hits) / len(hits)


def test_every_user_gets_a_list_or_is_held_back_with_a_reason(done: ExampleRun) -> None:
    """Somebody without tastes, two whose lists of films are none, and one who is there already."""
    counts = done.results.counts
    assert counts == {"read": 675, "valid": 671, "quarantined": 4, "scored": 671, "unscorable": 0}
    assert done.reasons == {"missing_required": 1, "wrong_type": 2, "duplicate_id": 1}


def test_every_list_has_ten_films_the_best_first_and_none_that_was_seen(
    done: ExampleRun, found: data.Interactions
) -> None:
    rows = lists_of(done)

    assert [row["user_id"] for row in rows] == [f"U{number:06d}" for number in range(1, 672)]
    assert {len(row["top"]) for row in rows} == {len(set(row["top"])) for row in rows} == {KEPT_COUNT}
    assert all(row["score"] == sorted(row["score"], reverse=True) for row in rows)
    films = np.array(found.film_ids)
    for row, has_rated in zip(rows, found.has_rated, strict=True):
        assert not set(row["top"]) & set(films[has_rated])


def test_the_next_film_is_among_ten_more_often_than_among_the_most_popular_ones(
    done: ExampleRun, found: data.Interactions
) -> None:
    """Measured by the report on each user's last rating, which the model never saw."""
    facts = done.facts
    hit_rate = facts.quality["hit_rate"]

    assert facts.labelled_count == 636
    assert hit_rate >= LEAST_HIT_RATE
    assert hit_rate >= LEAST_TIMES_POPULARITY * popularity_hit_rate(found)
    by_hand = sum(row["top"].count(film) for row, film in zip(lists_of(done), found.next_films, strict=True))
    assert hit_rate == pytest.approx(by_hand / 636)


def test_a_key_value_store_can_load_the_lists(done: ExampleRun) -> None:
    """One line a user: the key, the films, their scores; the same as in Parquet."""
    assert done.results.scores is not None
    files = sorted((done.results.scores / "jsonlines").glob("part-*"))
    lines = [json.loads(line) for path in files for line in path.read_text().splitlines()]

    assert lines == lists_of(done)
    assert all(len(line["top"]) == len(line["score"]) == KEPT_COUNT for line in lines)


def test_its_report_can_be_opened(done: ExampleRun, browser: Browser) -> None:
    check_report(browser, done)


def test_how_many_films_and_which_are_options(tmp_path: Path, found: data.Interactions) -> None:
    """Three films each, seen ones too: they are what people with these tastes have rated."""
    rows = lists_of(run_example("recommendations", tmp_path, "--k", "3", "--exclude-seen", "no"))
    has_seen = [
        film in set(np.array(found.film_ids)[has_rated])
        for row, has_rated in zip(rows, found.has_rated, strict=True)
        for film in row["top"]
    ]

    assert {len(row["top"]) for row in rows} == {3}
    assert sum(has_seen) > len(has_seen) / 2


def test_the_same_code_makes_the_same_users() -> None:
    tastes = np.random.default_rng(1).normal(size=(671, 2))
    one, other = (data.users(data.interactions(), tastes, 1000) for _ in range(2))

    assert one.equals(other)


def test_runs_with_other_options_do_not_share_files() -> None:
    """But they share the users and the model."""
    ten, three = (run.files_below(Path("work"), None, count, excludes_seen=True) for count in (10, 3))

    assert (ten.users, ten.model) == (three.users, three.model)
    assert ten.artifact != three.artifact
    assert ten.output != three.output
    assert run.files_below(Path("work"), None, 10, excludes_seen=False).contract != ten.contract
