"""A run is compared with what is known, and the report says what is not known and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_run import report, report_again
from tiny_run import TinyRun, TinyShard
from whole_report import whole_report

from reporting.figures import draw_figures
from reporting.tables import ChartTable

pytestmark = pytest.mark.functional


def test_a_first_run_without_a_baseline_says_what_is_missing(tmp_path: Path) -> None:
    done = report(tmp_path, TinyRun(shards=[TinyShard.scored(["a"], [0.5])]))
    drift = done.ledger.report["drift"]
    assert drift["reports"] == []
    assert [note.split(" ")[0] for note in drift["notes"]] == ["PrepareInput", "The", "No"]
    section = done.page.find("section", attrs={"aria-labelledby": "drift"}).text
    for note in drift["notes"]:
        assert note in section


def test_over_another_wire_there_is_no_baseline(tmp_path: Path) -> None:
    done = report(tmp_path, TinyRun(shards=[TinyShard.scored(["a"], [0.5])], wire_format="csv"))
    notes = done.ledger.report["drift"]["notes"]
    assert "this run's came back as csv." in notes[1]


def test_a_whole_run_is_compared_with_training_and_with_the_last_run(tmp_path: Path) -> None:
    done = whole_report(tmp_path)
    training, last_run = done.ledger.report["drift"]["reports"]
    assert training["reference"] == "the training data"
    assert last_run["reference"] == "the last run (20261116t060000-0001)"
    levels = {one["name"]: one["level"] for one in training["features"]}
    assert levels == {"score": "alarm", "plan": "alarm", "tenure": "alarm"}
    new = next(one for one in training["features"] if one["name"] == "plan")["new_categories"]
    assert new == {"new <b>": 200}
    assert "<b>" not in str(done.page.find("section", attrs={"aria-labelledby": "drift"}))
    assert done.ledger.report["drift"]["notes"] == []


@pytest.mark.parametrize(
    ("model_input", "words"), [("vector", "” beside"), ("text", "”, its length, beside")]
)
def test_what_is_drawn_of_a_text_is_said_to_be_its_length(
    tmp_path: Path, model_input: str, words: str
) -> None:
    """Of features, never of the score."""
    ledger = whole_report(tmp_path).ledger
    ledger.report["contract"]["model_input"] = model_input
    empty = {"group": ["a"], "reference_fraction": [1.0], "run_fraction": [1.0]}
    chart_tables = [ChartTable(name=f"drift_1_{rank}", columns=empty) for rank in (1, 2, 3)]
    titles = {figure.title.split("”")[0][1:]: figure.title for figure in draw_figures(ledger, chart_tables)}
    assert titles == {
        "score": "“score” beside the training data",
        "plan": f"“plan{words} the training data",
        "tenure": f"“tenure{words} the training data",
    }


def test_a_run_leaves_what_the_next_one_finds(tmp_path: Path) -> None:
    """Its own digest names it, and has its features and its scores."""
    done = whole_report(tmp_path)
    digest = json.loads((done.paths.next_history / "digest.json").read_bytes())
    assert digest["run_id"] == done.ledger.run_id
    assert set(digest["profile"]["features"]) == {"tenure", "plan"}
    assert sum(digest["profile"]["score"]["counts"]) == done.ledger.counts.scored
    assert (done.paths.next_history / "action_ids.parquet").exists()


@pytest.mark.parametrize("content", [b"nothing", b"[]", b'{"version": 1}', b'{"version": 9, "profile": 3}'])
def test_a_history_that_cannot_be_read_is_a_note_and_no_failure(tmp_path: Path, content: bytes) -> None:
    run = TinyRun(shards=[TinyShard.scored(["a"], [0.5])])
    folder = tmp_path / "processing" / "input" / "history" / "published"
    folder.mkdir(parents=True)
    (folder / "digest.json").write_bytes(content)
    notes = report(tmp_path, run).ledger.report["drift"]["notes"]
    assert notes[-1].startswith("What the last published run left behind cannot be read")


def test_a_profile_that_cannot_be_read_is_a_note_and_no_failure(tmp_path: Path) -> None:
    run = TinyRun(shards=[TinyShard.scored(["a"], [0.5])])
    folder = tmp_path / "processing" / "input" / "plan"
    folder.mkdir(parents=True)
    (folder / "profile.json").write_bytes(b"{}")
    folder.rename(tmp_path / "kept")
    run.write(tmp_path)
    (tmp_path / "kept" / "profile.json").rename(folder / "profile.json")
    notes = report_again(tmp_path, run).ledger.report["drift"]["notes"]
    assert notes[0].startswith("The profile that PrepareInput left cannot be read")
