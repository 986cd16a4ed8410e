"""The page says what the ledger says, escapes what comes from the data, and stands alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_run import Reported, drawn_again, report
from tiny_run import CONTRACT, Answer, TinyRun, TinyShard, quarantined
from whole_report import whole_report

from contracts.ledger import LEDGER_FILE
from reporting.document import render_document

pytestmark = pytest.mark.functional

MARKUP = "<script>alert('x')</script>"
NUMERIC_FIELDS = [*CONTRACT["fields"][:2], {"name": "churn", "type": "number"}]
NUMERIC_CONTRACT: dict[str, Any] = CONTRACT | {
    "fields": NUMERIC_FIELDS,
    "scoring": {"features": ["tenure"], "label": "churn"},
}


def _report(folder: Path, scores: list[float], labels: list[Any], **settings: Any) -> Reported:
    ids = [f"c{number}" for number in range(len(scores))]
    return report(folder, TinyRun(shards=[TinyShard.scored(ids, scores, labels)], **settings))


def _learned(folder: Path) -> Reported:
    generator = np.random.default_rng(7)
    scores = generator.random(400).round(2)
    labels = np.where(generator.random(400) < scores, "Yes", "No").tolist()
    held_back = [quarantined(3), quarantined(9, reason="wrong_type"), quarantined(12)]
    return _report(folder, scores.tolist(), labels, quarantined=held_back)


def test_every_number_of_the_page_is_the_ledgers(tmp_path: Path) -> None:
    done = _learned(tmp_path)
    ledger, shown = done.ledger, done.shown
    for name in ("read", "valid", "quarantined", "scored", "unscorable"):
        assert int(shown[name]) == getattr(ledger.counts, name)
    for name, value in ledger.quality.items():
        assert float(shown[f"metric-{name}"]) == value
    for reason, count in ledger.reason_counts.items():
        assert int(shown[f"reason-{reason}"]) == count
    for name, seconds in ledger.timings.items():
        assert float(shown[f"timing-{name}"]) == seconds
    assert int(shown["labelled"]) == ledger.labelled_count == 400
    for name in ("read", "scored", "quarantined"):
        assert shown[f"headline-{name}"] == shown[name]
    assert float(shown["headline-auc"]) == ledger.quality["auc"]


def _several_outputs(folder: Path) -> Reported:
    contract = CONTRACT | {"scoring": {"features": ["tenure"], "outputs": ["a", "b"]}}
    answers: list[Answer] = [("c1", [0.7, 0.3], None)]
    shards = [TinyShard(ids=["c1"], labels=["Yes"], answers=answers)]
    return report(folder, TinyRun(shards=shards, contract=contract))


@pytest.mark.parametrize("reported", [whole_report, _several_outputs])
def test_a_ledger_that_does_not_know_what_models_read_is_still_drawn(
    tmp_path: Path, reported: Callable[[Path], Reported]
) -> None:
    """Runs of before had features and nothing to exclude."""
    done = reported(tmp_path / "run")
    document = json.loads((done.paths.report / LEDGER_FILE).read_bytes())
    for fact in ("model_input", "exclude"):
        del document["report"]["contract"][fact]
    assert drawn_again(tmp_path / "again", document) == done.html


def test_what_is_known_of_the_listed_records_is_said_and_not_published(tmp_path: Path) -> None:
    """All 400 are listed and labelled, so they are as the average record; the list has no label."""
    done = _learned(tmp_path)
    known, shown = done.ledger.report["actions"]["outcomes"], done.shown
    assert int(shown["report.actions.outcomes.known_count"]) == known["known_count"] == 400
    assert int(shown["report.actions.outcomes.positive_count"]) == int(shown["positive"])
    assert float(shown["report.actions.outcomes.lift"]) == known["lift"] == 1
    assert "churn" not in (done.paths.report / "action_list.csv").read_text(encoding="utf-8-sig")


def test_a_page_is_drawn_again_of_a_ledger_that_has_no_outcomes_of_its_list(tmp_path: Path) -> None:
    """Ledgers of earlier versions have none."""
    ledger = _learned(tmp_path).ledger
    del ledger.report["actions"]["outcomes"]
    assert "listed-outcomes" not in render_document(ledger, ())


def test_the_ledger_and_the_evaluation_agree(tmp_path: Path) -> None:
    done = _learned(tmp_path)
    found = done.evaluation["binary_classification_metrics"]
    assert found["auc"]["value"] == done.ledger.quality["auc"]
    interval, reach = found["auc"]["interval"], 1.959964 * found["auc"]["standard_deviation"]
    assert interval["method"] == "DeLong"
    assert interval["high"] - interval["low"] == pytest.approx(2 * reach, rel=1e-6)
    assert found["log_loss"]["standard_deviation"] == "NaN"
    assert found["au_prc"]["value"] == done.ledger.quality["pr_auc"]
    assert sum(sum(row.values()) for row in found["confusion_matrix"].values()) == 400
    assert done.evaluation["dataset"]["item_count"] == 400


def test_every_chart_has_a_title_a_description_and_a_table(tmp_path: Path) -> None:
    done = _learned(tmp_path)
    names = ["score_distribution", "roc", "precision_recall", "calibration", "lift"]
    figures = done.page.find_all("figure")
    assert [figure["id"] for figure in figures] == names
    for figure in figures:
        assert figure.svg["role"] == "img"
        assert figure.svg.title.text
        assert figure.svg.desc.text
        assert (done.paths.report / "tables" / f"{figure['id']}.csv").read_text().count("\n") > 2


def test_the_page_loads_nothing_runs_nothing_and_is_small(tmp_path: Path) -> None:
    done = _learned(tmp_path)
    assert done.page.find_all(["script", "iframe", "object", "img"]) == []
    addresses = [tag.get(name) for tag in done.page.find_all(True) for name in ("src", "href", "xlink:href")]
    assert {address for address in addresses if address} == {"data:,"}
    assert "url(" not in done.html
    assert "@import" not in done.html
    assert len(done.html.encode()) < 2_000_000


def test_charts_take_their_colours_from_the_page(tmp_path: Path) -> None:
    """Otherwise black text would stand on the dark page."""
    svgs = _learned(tmp_path).page.find_all("svg")
    colours = {
        tag[name]
        for svg in svgs
        for tag in svg.find_all(True)
        for name in ("fill", "stroke")
        if tag.get(name)
    }
    assert colours <= {"none", "currentColor", "var(--chart, #1f5fa8)", "transparent"}


def test_nothing_from_the_data_reaches_the_page_as_markup(tmp_path: Path) -> None:
    held_back = quarantined(1, reason=MARKUP, message=MARKUP, raw=MARKUP.encode())
    shard = TinyShard(ids=[MARKUP], labels=[None], answers=[(MARKUP, None, MARKUP)])
    label = CONTRACT["fields"][2] | {"description": MARKUP}
    contract = CONTRACT | {"description": MARKUP, "fields": [*CONTRACT["fields"][:2], label]}
    run = TinyRun(shards=[shard], quarantined=[held_back], contract=contract)
    done = report(tmp_path, run, pipeline_name=MARKUP, model_package_arn=MARKUP)
    assert done.page.find_all("script") == []
    assert done.html.count("&lt;script&gt;") >= 7
    assert "<script" not in done.html


def test_bytes_that_are_no_text_are_shown_as_escapes(tmp_path: Path) -> None:
    done = _report(tmp_path, [0.5], [None], quarantined=[quarantined(1, raw=b"\xff\x00caf\xc3\xa9")])
    assert "\\xff" in done.page.find("pre").text


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        ([0.1, 0.9], [None, None], "No scored record has a value in the label field “churn”"),
        ([0.1, 0.9], ["No", "No"], "every labelled record (2) is negative"),
        ([0.1, 0.9], ["Yes", "Yes"], "every labelled record (2) is positive"),
        ([0.5, 0.5, 0.5], ["Yes", "No", "No"], "Every labelled record has the same score"),
        ([0.7], ["Yes"], "every labelled record (1) is positive"),
        ([-2.0, 3.0], ["No", "Yes"], "these reach from -2 to 3"),
        ([0.1, 0.2], ["No", "Yes"], "Precision was not computed"),
    ],
)
def test_what_could_not_be_computed_is_said(
    tmp_path: Path, scores: list[float], labels: list[Any], expected: str
) -> None:
    done = _report(tmp_path, scores, labels)
    assert expected in done.page.find("section", attrs={"aria-labelledby": "quality"}).text
    assert any(expected in note for note in done.evaluation["notes"])


def test_scores_outside_the_unit_interval_still_have_an_auc(tmp_path: Path) -> None:
    done = _report(tmp_path, [-2.0, 3.0, 1.0], ["No", "Yes", "No"])
    assert done.ledger.quality == {"auc": 1.0, "pr_auc": 1.0}


def test_a_numeric_label_of_zeros_and_ones_is_a_binary_outcome(tmp_path: Path) -> None:
    done = _report(tmp_path, [0.2, 0.8], [0.0, 1.0], contract=NUMERIC_CONTRACT)
    assert done.ledger.quality["auc"] == 1.0


def test_a_numeric_label_with_other_values_is_measured_as_a_number(tmp_path: Path) -> None:
    done = _report(tmp_path, [1.0, 2.0, 5.0], [1.0, 3.0, 5.0], contract=NUMERIC_CONTRACT)
    assert done.ledger.quality == pytest.approx(
        {"mae": 1 / 3, "mse": 1 / 3, "rmse": (1 / 3) ** 0.5, "r2": 1 - 1 / 8, "bias": -1 / 3}
    )
    assert set(done.evaluation["regression_metrics"]) == {"mae", "mse", "rmse", "r2", "bias"}
    assert [figure["id"] for figure in done.page.find_all("figure")] == ["score_distribution", "decile_means"]


def test_a_contract_without_a_label_is_reported_without_quality(tmp_path: Path) -> None:
    contract = CONTRACT | {"scoring": {"features": ["tenure"]}}
    done = _report(tmp_path, [0.5], [None], contract=contract)
    assert "The contract names no label" in done.page.text
    assert (done.ledger.quality, done.ledger.labelled_count) == ({}, 0)


def test_only_labelled_records_are_measured_and_the_labels_description_is_shown(tmp_path: Path) -> None:
    done = _report(tmp_path, [0.9, 0.1, 0.4], ["Yes", "No", None])
    assert done.ledger.labelled_count == 2
    assert CONTRACT["fields"][2]["description"] in done.page.text


def test_the_verdict_is_a_sentence_and_a_level(tmp_path: Path) -> None:
    clean = _report(tmp_path / "clean", [0.5, 0.6], [None, None]).page.find(class_="verdict")
    assert "usable" in clean["class"]
    assert clean.p.text == "These scores can be used: every one of the 2 records read was scored."
    held_back = _report(tmp_path / "held", [0.5], [None], quarantined=[quarantined(1)])
    verdict = held_back.page.find(class_="verdict")
    assert "care" in verdict["class"]
    assert verdict.p.text == (
        "These scores can be used with care: 1 of 2 records read were scored and none is unaccounted for, "
        "but 1 record was held back with a reason (50.00%)."
    )


def test_what_was_held_back_is_compared_with_the_budget(tmp_path: Path) -> None:
    budget = {"MaxQuarantineFraction": "0.75", "MaxQuarantineCount": "2147483647"}
    done = _report(tmp_path, [0.5], [None], quarantined=[quarantined(1)], parameters=budget)
    assert (
        "1 record was held back with a reason (50.00%; the budget is 75%)"
        in done.page.find(class_="verdict").p.text
    )
    assert done.page.find(id="budget").text == "1 of 2 (50.00%) held back; the budget is 75%."


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([1e-200, 2e-200], "Not computed: R²."), ([1e200, 2e200], "Not computed: Mean squared error, Root")],
)
def test_a_metric_beyond_float64_is_left_out_and_said(
    tmp_path: Path, labels: list[float], expected: str
) -> None:
    done = _report(tmp_path, [0.0, 0.5], labels, contract=NUMERIC_CONTRACT)
    assert done.ledger.quality.keys() >= {"mae"}
    assert any(note.startswith(expected) for note in done.evaluation["notes"])


def test_labels_whose_sum_is_beyond_float64_are_left_out_of_the_charts(tmp_path: Path) -> None:
    labels = [1.7e308] * 12
    done = _report(tmp_path, [-1.7e308] * 12, labels, contract=NUMERIC_CONTRACT)
    assert done.ledger.quality == {}
    assert [figure["id"] for figure in done.page.find_all("figure")] == ["score_distribution"]
    assert "Means by group of score" in done.page.text


@pytest.mark.parametrize("scores", [[1e15, 1e15], [-1.7e308, 1.7e308], [1.7e308, 1.7e308]])
def test_scores_of_any_size_are_drawn(tmp_path: Path, scores: list[float]) -> None:
    drawing = _report(tmp_path, scores, [None, None]).page.find("figure").svg
    assert "NaN" not in str(drawing)
    assert "Infinity" not in str(drawing)
