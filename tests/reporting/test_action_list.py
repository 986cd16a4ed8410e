"""The list has exactly the records at the top, in an order that a reader can check, and is safe to open."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.contract_file import parse_contract
from contracts.dataset import DatasetContract
from contracts.report_rules import ActionListRules
from contracts.value_histogram import value_histogram
from reporting.action_files import write_list
from reporting.action_list import MadeList, make_list
from reporting.action_values import ShardValues, keep_values
from reporting.quality import BINARY, REGRESSION, UNKNOWN, Quality
from reporting.segments import SegmentCodes

FIELDS = [
    {"name": "id", "type": "string"},
    {"name": "plan", "type": "string"},
    {"name": "price", "type": "number"},
]
VALUE = {"field": "price", "factor": 2, "contactCost": 3}
NOT_MEASURED = Quality(kind=UNKNOWN, labelled_count=0)
ONE_IN_TEN = Quality(kind=BINARY, labelled_count=100, positive_count=10)


def _contract(**rules: Any) -> DatasetContract:
    scoring = {"features": ["price"], "report": {"actionList": rules}}
    document = {"fields": FIELDS, "primaryKey": "id", "scoring": scoring}
    return parse_contract(json.dumps(document).encode(), name="contract.json")


def _make(
    folder: Path,
    frame: pd.DataFrame,
    contract: DatasetContract,
    shards: int = 2,
    *,
    outcomes: list[float] | None = None,
    quality: Quality = NOT_MEASURED,
) -> MadeList:
    """Make the list of a frame with columns id, score, plan and price, cut into shards."""
    known = np.array(outcomes if outcomes is not None else [np.nan] * len(frame))
    rules = contract.report.action_list
    codes = SegmentCodes(name=rules.segment) if rules.segment else None
    cuts = np.array_split(np.arange(len(frame)), shards)
    tables = [pa.Table.from_pandas(frame.iloc[rows], preserve_index=False) for rows in cuts]
    kept = [
        _kept_values(table, rules, codes, folder / "values" / str(number))
        for number, table in enumerate(tables)
    ]
    return make_list(
        kept,
        contract,
        codes,
        lambda number, at: (tables[number].take(pa.array(at)), known[cuts[number]][at]),
        folder / "history",
        quality,
    )


def _kept_values(
    table: pa.Table, rules: ActionListRules, codes: SegmentCodes | None, place: Path
) -> ShardValues:
    scores = np.asarray(table.column("score"))
    return keep_values(scores, value_histogram(scores[~np.isnan(scores)]), table, rules, codes, place)


def _frame(scores: list[float | None], **columns: Any) -> pd.DataFrame:
    count = len(scores)
    given = {"plan": ["a"] * count, "price": [10.0] * count} | columns
    return pd.DataFrame({"id": [f"c{at}" for at in range(count)], "score": scores, **given}).astype(
        {"score": float}
    )


def _ids(made: MadeList) -> list[str]:
    assert made.table is not None
    return made.table.column("id").to_pylist()


def test_the_highest_scores_come_first_and_of_equal_ones_the_first(tmp_path: Path) -> None:
    made = _make(tmp_path, _frame([0.1, 0.9, 0.5, 0.9, None, 0.5]), _contract(count=3))
    assert _ids(made) == ["c1", "c3", "c2"]
    assert made.table is not None
    assert made.table.column("rank").to_pylist() == [1, 2, 3]
    facts = made.facts
    assert (facts.record_count, facts.lowest, facts.basis) == (3, 0.5, "score")
    assert facts.rule == "The 3 records with the highest scores"


@given(
    scores=st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(-5, 5), min_size=1, max_size=40),
    count=st.integers(1, 12),
    shards=st.integers(1, 4),
)
def test_the_list_is_that_of_a_stable_sort(scores: list[float], count: int, shards: int) -> None:
    frame = _frame(list(scores))
    with TemporaryDirectory() as folder:
        made = _make(Path(folder), frame, _contract(count=count), shards)
    expected = frame.sort_values("score", ascending=False, kind="stable").head(count)
    assert _ids(made) == expected["id"].tolist()


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([0.1, 0.5, 0.9])), min_size=1, max_size=40
    ),
    fraction=st.sampled_from([0.2, 0.5, 1.0]),
)
def test_each_segment_has_a_list_of_its_own(rows: list[tuple[str, float]], fraction: float) -> None:
    frame = _frame([score for _, score in rows], plan=[plan for plan, _ in rows])
    with TemporaryDirectory() as folder:
        made = _make(Path(folder), frame, _contract(fraction=fraction, perSegment="plan"), shards=3)
    expected = [
        part.sort_values("score", ascending=False, kind="stable").head(int(np.ceil(fraction * len(part))))
        for _, part in frame.groupby("plan")
    ]
    assert _ids(made) == pd.concat(expected)["id"].tolist()
    assert [(one.name, one.record_count) for one in made.facts.segments] == [
        (part["plan"].iloc[0], len(part)) for part in expected
    ]


def test_by_expected_value_nobody_is_listed_who_costs_more_than_he_brings(tmp_path: Path) -> None:
    """Score x 2 x price - 3: 15, 7, -1, and one without a price."""
    frame = _frame([0.9, 0.5, 0.1, 0.8], price=[10.0, 10.0, 10.0, None])
    made = _make(tmp_path, frame, _contract(count=10, value=VALUE))
    assert made.table is not None
    assert made.table.select(["id", "expected_value"]).to_pylist() == [
        {"id": "c0", "expected_value": 15.0},
        {"id": "c1", "expected_value": 7.0},
    ]
    assert made.facts.total_value == 22.0
    assert made.facts.notes[0] == "1 scored records have no “price”, so they could not be listed."
    assert made.facts.rule.endswith("with the highest expected value (score × 2 × “price” − 3), none below 0")


def test_what_is_known_of_the_list_is_set_beside_what_it_was_expected_to_be_worth(tmp_path: Path) -> None:
    """Listed by 15, 13 and 7; of the first and the third the outcome is known: 2 x 10 - 3, and -3."""
    frame = _frame([0.5, 0.9, 0.1, 0.8])
    made = _make(
        tmp_path,
        frame,
        _contract(count=3, value=VALUE),
        outcomes=[0.0, 1.0, 1.0, np.nan],
        quality=ONE_IN_TEN,
    )
    assert _ids(made) == ["c1", "c3", "c0"]
    known = made.facts.outcomes
    assert known is not None
    assert (known.known_count, known.positive_count, known.lift) == (2, 1, 5.0)
    assert (known.expected_value, known.realised_value) == (22.0, 14.0)
    assert known.interval.low < 0.5 < known.interval.high


def test_what_is_known_of_a_list_by_score_is_worth_nothing_in_money(tmp_path: Path) -> None:
    made = _make(
        tmp_path, _frame([0.5, 0.9, 0.1]), _contract(count=2), outcomes=[1.0, 1.0, 0.0], quality=ONE_IN_TEN
    )
    known = made.facts.outcomes
    assert known is not None
    assert (known.known_count, known.positive_count, known.lift) == (2, 2, 10.0)
    assert (known.expected_value, known.realised_value) == (None, None)


@pytest.mark.parametrize(
    ("outcomes", "quality"),
    [
        ([np.nan, np.nan, 1.0], ONE_IN_TEN),
        ([3.5, 2.5, 1.0], Quality(kind=REGRESSION, labelled_count=3)),
    ],
    ids=["not of the list", "no yes and no"],
)
def test_where_no_outcome_is_known_nothing_is_said(
    tmp_path: Path, outcomes: list[float], quality: Quality
) -> None:
    made = _make(tmp_path, _frame([0.5, 0.9, 0.1]), _contract(count=2), outcomes=outcomes, quality=quality)
    assert made.facts.outcomes is None


def test_the_page_shows_the_first_of_each_segment(tmp_path: Path) -> None:
    """Twenty lines for three segments of thirty: six each, not twenty of the first."""
    frame = _frame([at / 100 for at in range(90)], plan=["a", "b", "c"] * 30)
    facts = _make(tmp_path, frame, _contract(count=30, perSegment="plan")).facts
    plan = facts.columns.index("plan")
    assert [row[plan] for row in facts.rows] == ["a"] * 6 + ["b"] * 6 + ["c"] * 6
    assert [row[0] for row in facts.rows] == ["1", "2", "3", "4", "5", "6"] * 3


def test_a_campaign_of_a_fixed_size_has_a_threshold(tmp_path: Path) -> None:
    made = _make(tmp_path, _frame([at / 1000 for at in range(1000)]), _contract(count=7))
    sizes = {one.size: one for one in made.facts.sizes}
    assert sorted(sizes) == [7, 10, 50, 100, 200, 500, 1000]
    assert (sizes[100].threshold, sizes[100].record_count, sizes[100].fraction) == (0.9, 100, 0.1)
    tied = _make(tmp_path / "tied", _frame([0.5] * 30), _contract(count=7))
    assert {one.record_count for one in tied.facts.sizes} == {30}


def test_the_overlap_with_the_last_run_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "history" / "published"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"id": ["c1", "c2", "gone"]}), folder / "action_ids.parquet")
    overlap = _make(tmp_path, _frame([0.1, 0.9, 0.5, 0.9]), _contract(count=3)).facts.overlap
    assert overlap is not None
    assert (overlap.stayed, overlap.joined, overlap.left) == (2, 1, 1)


def test_a_last_list_that_cannot_be_read_is_a_note(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    folder.mkdir()
    (folder / "action_ids.parquet").write_bytes(b"nothing")
    made = _make(tmp_path, _frame([0.1, 0.9]), _contract(count=1))
    assert made.facts.overlap is None
    assert made.facts.notes[0].startswith("The last run's action list cannot be compared")


@pytest.mark.parametrize(
    ("scores", "note"),
    [
        ([None, None], "No record has a score to be listed by."),
        ([0.5], "There are fewer scored records than the list may have, so all of them are on it."),
    ],
)
def test_what_cannot_be_listed_is_said(tmp_path: Path, scores: list[float | None], note: str) -> None:
    made = _make(tmp_path, _frame(scores), _contract(count=5), shards=1)
    assert note in made.facts.notes


def test_a_spreadsheet_computes_nothing_of_what_is_listed(tmp_path: Path) -> None:
    frame = _frame([0.9, 0.8, 0.7])
    frame["id"] = ["=1+1", "+49 30", "plain"]
    frame["plan"] = ["@cmd", "-5", None]
    frame["price"] = [-1.0, 2.0, 3.0]
    write_list(tmp_path / "report", tmp_path / "next", _make(tmp_path, frame, _contract(count=3)))
    content = (tmp_path / "report" / "action_list.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    opened = pd.read_csv(tmp_path / "report" / "action_list.csv", encoding="utf-8-sig")
    assert opened["id"].tolist() == ["'=1+1", "'+49 30", "plain"]
    assert opened["plan"].tolist()[:2] == ["'@cmd", "'-5"]
    assert opened["price"].tolist() == [-1.0, 2.0, 3.0]
    assert (
        pq.read_table(tmp_path / "report" / "action_list.parquet").column("id").to_pylist()
        == frame["id"].tolist()
    )
    assert (
        pq.read_table(tmp_path / "next" / "action_ids.parquet").column("id").to_pylist()
        == frame["id"].tolist()
    )


def test_a_field_called_rank_keeps_its_name(tmp_path: Path) -> None:
    frame = _frame([0.9, 0.8]).assign(rank=["gold", "silver"])
    made = _make(tmp_path, frame, _contract(count=2))
    assert made.table is not None
    assert made.table.column_names[0] == "action_rank"
    assert made.table.column("rank").to_pylist() == ["gold", "silver"]


def test_more_shards_than_files_may_be_open_make_a_list(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, limits[1]))
        made = _make(tmp_path, _frame([at / 300 for at in range(300)]), _contract(count=2), shards=150)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert _ids(made) == ["c299", "c298"]
