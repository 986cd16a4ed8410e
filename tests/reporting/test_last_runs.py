"""The numbers of the last runs travel from report to report, and are drawn over time."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from report_run import Reported, drawn_again, report
from tiny_run import TinyRun, TinyShard, quarantined
from whole_report import whole_report

from contracts.ledger import LEDGER_FILE
from reporting import tables
from reporting.chart_kinds import specification
from reporting.last_runs import (
    LAST_RUNS_FILE,
    MAX_LAST_RUNS,
    MAX_LAST_RUNS_BYTES,
    EarlierRuns,
    RunHeadline,
    read_earlier_runs,
    write_last_runs,
)

pytestmark = pytest.mark.functional


def _headline(number: int, **changed: Any) -> RunHeadline:
    given: dict[str, Any] = {
        "run_id": f"run-{number}",
        "run_date": f"2026-11-{number:02d}",
        "record_count": 100 + number,
        "quarantined_fraction": 0.01,
        "mean_score": 0.5,
        "quality": {},
    }
    return RunHeadline(**(given | changed))


def _run(number: int) -> TinyRun:
    shard = TinyShard.scored(["a", "b", "c", "d"], [0.9, 0.2, 0.4, 0.1 * number], ["Yes", "No", "Yes", "No"])
    return TinyRun(shards=[shard], quarantined=[quarantined(7)], run_id=f"run-{number}")


def _reported(folder: Path, number: int, history: Path | None = None) -> Reported:
    """Report one of several runs, after what another one left."""
    root = folder / str(number)
    if history is not None:
        shutil.copytree(history, root / "processing" / "input" / "history" / "published")
    return report(root, _run(number), run_date=f"2026-11-{number:02d}")


def _last_runs(done: Reported) -> dict[str, Any]:
    found: dict[str, Any] = done.ledger.report["last_runs"]
    return found


def _section(done: Reported) -> Any:
    return done.page.find("section", attrs={"aria-labelledby": "last-runs"})


def test_a_first_run_leaves_its_numbers_and_draws_nothing_over_time(tmp_path: Path) -> None:
    done = _reported(tmp_path, 1)
    (kept,) = _last_runs(done)["runs"]
    assert (kept["run_id"], kept["run_date"], kept["record_count"]) == ("run-1", "2026-11-01", 5)
    assert (kept["quarantined_fraction"], kept["mean_score"]) == (0.2, 0.4)
    assert kept["quality"] == done.ledger.quality
    assert json.loads((done.paths.next_history / LAST_RUNS_FILE).read_bytes())["runs"] == [kept]
    assert _section(done) is None


def test_three_runs_stand_over_time_in_the_third_one_s_report(tmp_path: Path) -> None:
    """In the ledger, on the page, and as CSV; each under its date."""
    first = _reported(tmp_path, 1)
    second = _reported(tmp_path, 2, first.paths.next_history)
    third = _reported(tmp_path, 3, second.paths.next_history)
    assert [run["run_id"] for run in _last_runs(third)["runs"]] == ["run-1", "run-2", "run-3"]
    figures = [figure["id"] for figure in _section(third).find_all("figure")]
    assert figures == [tables.RUN_RECORDS, tables.RUN_HELD_BACK, tables.RUN_MEAN_SCORE, tables.RUN_QUALITY]
    text = (third.paths.report / "tables" / f"{tables.RUN_MEAN_SCORE}.csv").read_text()
    rows = [(row["run_date"], float(row["mean_score"])) for row in csv.DictReader(text.splitlines())]
    expected = [(f"2026-11-0{number}", pytest.approx(0.375 + 0.025 * number)) for number in (1, 2, 3)]
    assert rows == expected
    assert "from 0.4 to 0.45 in the last 3 runs" in _section(third).text


def test_the_largest_movers_are_named(tmp_path: Path) -> None:
    """From the training data and from the last run, as the drift tables have them."""
    done = whole_report(tmp_path)
    kept = _last_runs(done)["runs"][-1]
    training, last_run = done.ledger.report["drift"]["reports"]
    for name, compared in (("training", training), ("last_run", last_run)):
        worst = max(compared["features"], key=lambda one: one["psi"])
        assert (kept[f"{name}_psi"], kept[f"{name}_mover"]) == (worst["psi"], worst["name"])
    assert len(_section(done).find_all("figure")) == 6
    assert "gone <b>" in _section(done).text
    assert "<b>" not in str(_section(done))


def test_a_history_of_before_has_the_last_run_s_numbers_in_its_digest(tmp_path: Path) -> None:
    """What it did not know is a gap."""
    done = whole_report(tmp_path, has_last_runs=False)
    before, now = _last_runs(done)["runs"]
    assert (before["run_id"], before["record_count"]) == ("20261116t060000-0001", 600)
    assert (before["quality"], before["mean_score"], before["training_psi"]) == ({"auc": 0.8}, None, None)
    assert now["run_id"] == "run-1"
    assert _last_runs(done)["note"] == ""
    drawn = [figure["id"] for figure in _section(done).find_all("figure")]
    assert drawn == [tables.RUN_RECORDS, tables.RUN_HELD_BACK, tables.RUN_QUALITY]


def test_no_more_than_sixty_runs_travel(tmp_path: Path) -> None:
    """The oldest ones stay behind."""
    write_last_runs(tmp_path, [_headline(1 + number % 28, run_id=f"r{number}") for number in range(100)])
    earlier = read_earlier_runs(tmp_path, None)
    runs = earlier.followed_by(_headline(1))
    assert [len(earlier.runs), len(runs)] == [MAX_LAST_RUNS, MAX_LAST_RUNS] == [60, 60]
    assert (runs[0].run_id, runs[-2].run_id, runs[-1].run_id) == ("r41", "r99", "run-1")


def test_a_run_that_is_reported_again_stands_there_once() -> None:
    earlier = EarlierRuns(runs=(_headline(1), _headline(2)))
    again = _headline(1, record_count=7)
    assert earlier.followed_by(again) == (_headline(2), again)


@pytest.mark.parametrize(
    "content",
    [
        b"nothing",
        b"[]",
        b'{"version": 1}',
        b'{"version": 2, "runs": []}',
        b'{"version": 1, "runs": [3]}',
        b'{"version": 1, "runs": [{"run_id": "a"}]}',
        b"[" * 100_000,
        b'{"version": 1, "runs": []}' + b" " * MAX_LAST_RUNS_BYTES,
    ],
)
def test_what_cannot_be_read_is_a_note_and_no_failure(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "left"
    folder.mkdir()
    (folder / LAST_RUNS_FILE).write_bytes(content)
    done = _reported(tmp_path, 2, folder)
    assert "(last_runs.json) cannot be read" in _last_runs(done)["note"]
    assert "(last_runs.json) cannot be read" in _section(done).text
    assert [run["run_id"] for run in _last_runs(done)["runs"]] == ["run-2"]


@pytest.mark.parametrize(
    "changed",
    [
        {"run_date": "yesterday"},
        {"run_date": "20261101"},
        {"run_id": 7},
        {"run_id": None},
        {"run_id": "\ud800"},
        {"run_id": "x" * 201},
        {"record_count": 10**400},
        {"record_count": -1},
        {"record_count": 3.0},
        {"record_count": True},
        {"quarantined_fraction": 1.5},
        {"mean_score": float("inf")},
        {"training_psi": "0.3"},
        {"training_mover": ["plan"]},
        {"training_mover": "\udfff"},
        {"an unknown name" * 1000: 1},
        {"quality": {"auc": None}},
        {"quality": ["auc"]},
    ],
)
def test_a_number_or_name_that_is_none_is_not_taken(tmp_path: Path, changed: dict[str, Any]) -> None:
    """Nor is anything else of that file."""
    document = {**vars(_headline(1)), **changed}
    (tmp_path / LAST_RUNS_FILE).write_text(json.dumps({"version": 1, "runs": [document]}))
    earlier = read_earlier_runs(tmp_path, None)
    assert earlier.runs == ()
    assert "cannot be read" in earlier.note
    assert len(earlier.note) < 400


def test_a_ledger_of_before_is_still_drawn(tmp_path: Path) -> None:
    done = _reported(tmp_path, 1)
    document = json.loads((done.paths.report / LEDGER_FILE).read_bytes())
    del document["report"]["last_runs"]
    assert drawn_again(tmp_path / "again", document) == done.html


def _tables(*runs: RunHeadline) -> dict[str, tables.ChartTable]:
    return {table.name: table for table in tables.last_runs_tables(runs, warning_psi=0.1)}


def test_a_number_that_one_run_has_is_not_drawn_over_time() -> None:
    drawn = _tables(_headline(1, training_psi=0.2, training_mover="a"), _headline(2))
    assert list(drawn) == [tables.RUN_RECORDS, tables.RUN_HELD_BACK, tables.RUN_MEAN_SCORE]


def test_quality_is_the_first_metric_that_the_report_shows() -> None:
    """A run whose outcomes are not known yet is a gap."""
    runs = (
        _headline(1, quality={"rmse": 3.0, "mae": 2.0}),
        _headline(2),
        _headline(3, quality={"mae": 1.0}),
    )
    table = _tables(*runs)[tables.RUN_QUALITY]
    assert list(table.columns)[2] == "mae"
    assert table.columns["mae"] == [2.0, None, 1.0]


def test_a_gap_breaks_the_line_and_the_runs_keep_their_order() -> None:
    """Two runs of one day are two places on the axis, which has the dates of three runs at most."""
    runs = [_headline(day, run_id=name, mean_score=mean) for day, name, mean in (
        (5, "b", 0.5), (5, "a", None), (4, "c", 0.7), (9, "d", 0.6),
    )]  # fmt: skip
    drawn = specification(_tables(*runs)[tables.RUN_MEAN_SCORE])
    assert [row["mean_score"] for row in drawn["data"]["values"]] == [0.5, None, 0.7, 0.6]
    named = [row["run"] for row in drawn["data"]["values"]]
    assert named == ["2026-11-05 b", "2026-11-05 a", "2026-11-04 c", "2026-11-09 d"]
    (line, _) = drawn["layer"]
    assert line["mark"]["invalid"] == "break-paths-filter-domains"
    assert line["encoding"]["x"]["axis"]["values"] == [named[0], named[2], named[3]]


def test_where_drift_begins_is_drawn_beside_the_psi() -> None:
    both = [_headline(day, training_psi=0.2, training_mover="plan <b>") for day in (1, 2)]
    limit, line, _ = specification(_tables(*both)[tables.RUN_TRAINING_PSI])["layer"]
    assert limit["data"]["values"] == [{"limit": 0.1}]
    assert line["encoding"]["y"]["scale"] == {"zero": True}
