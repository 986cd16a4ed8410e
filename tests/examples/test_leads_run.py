"""The leads example, as its user runs it: everybody is scored, and the list is whom to visit."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from example_run import ExampleRun, check_report, run_example
from playwright.sync_api import Browser

from examples.leads import data, run

pytestmark = pytest.mark.end_to_end

LEAST_AUC, LEAST_LIFT = 0.70, 2.5
VISITS, YEARS, VISIT_COST = 25, 3, 20


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> ExampleRun:
    return run_example("leads", tmp_path_factory.mktemp("leads"))


@pytest.fixture(scope="module")
def listed(done: ExampleRun) -> pd.DataFrame:
    assert done.results.report is not None
    return pd.read_parquet(done.results.report.parent / "action_list.parquet")


@pytest.fixture(scope="module")
def expected(done: ExampleRun) -> pd.DataFrame:
    """What the list should be, by pandas, of the published scores and the premiums of the input."""
    parts = sorted((done.work / "output" / "real" / "scores").rglob("part-*.parquet"))
    scores = pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)
    known = data.real_households().to_pandas()[[data.ID, "customer_type", data.PREMIUM]]
    frame = scores[[data.ID, "score"]].merge(known, on=data.ID, validate="one_to_one")
    frame["expected_value"] = frame["score"] * YEARS * frame[data.PREMIUM] - VISIT_COST
    frame = frame[frame["expected_value"] >= 0]
    frame = frame.sort_values("expected_value", ascending=False, kind="stable")
    return frame.groupby("customer_type").head(VISITS).sort_values("customer_type", kind="stable")


def test_every_household_is_scored_and_the_faulty_lines_are_held_back(done: ExampleRun) -> None:
    counts = done.results.counts
    assert counts == {"read": 5828, "valid": 5822, "quarantined": 6, "scored": 5822, "unscorable": 0}
    assert done.reasons == {
        "above_maximum": 1,
        "duplicate_id": 1,
        "missing_required": 1,
        "pattern_mismatch": 1,
        "unseen_category": 1,
        "wrong_type": 1,
    }


def test_the_model_knows_households_that_it_never_saw(done: ExampleRun) -> None:
    """On the half that has labels, which the model was not trained on."""
    facts = done.facts
    assert facts.labelled_count == 2919
    assert facts.quality["auc"] >= LEAST_AUC
    assert facts.quality["lift"] >= LEAST_LIFT


def test_the_list_has_the_most_valuable_households_of_each_type(
    listed: pd.DataFrame, expected: pd.DataFrame
) -> None:
    """25 of each, or as many as are worth a visit."""
    assert listed[data.ID].tolist() == expected[data.ID].tolist()
    sizes = listed.groupby("customer_type").size()
    assert sizes.max() == VISITS
    assert sizes.index.tolist() == sorted(data.CUSTOMER_TYPES)
    assert [rank for size in sizes for rank in range(1, size + 1)] == listed["rank"].tolist()


def test_the_list_says_what_each_visit_is_worth(listed: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Three years of the premium times the score, less the cost of a visit."""
    assert listed["expected_value"].tolist() == pytest.approx(expected["expected_value"].tolist(), rel=1e-12)
    assert listed["expected_value"].min() >= 0


def test_what_came_of_the_list_is_measured_where_it_is_known(done: ExampleRun, listed: pd.DataFrame) -> None:
    """On it buyers are at least twice as frequent as among all, and the visits pay."""
    labels = data.households().to_pandas().set_index(data.ID)[data.LABEL].loc[listed[data.ID]]
    known = done.facts.report["actions"]["outcomes"]
    assert known["known_count"] == labels.notna().sum()
    assert known["positive_count"] == (labels == "Yes").sum()
    premiums = listed.set_index(data.ID)[data.PREMIUM][labels.notna().to_numpy()]
    came_to = (YEARS * premiums[labels.dropna() == "Yes"]).sum() - VISIT_COST * len(premiums)
    assert known["realised_value"] == pytest.approx(came_to)
    assert known["lift"] >= 2
    assert known["realised_value"] > 0


def test_its_report_can_be_opened(done: ExampleRun, browser: Browser) -> None:
    check_report(browser, done)


def test_real_and_drawn_runs_do_not_share_files() -> None:
    """But they share the model."""
    real, many = run.files_below(Path("work"), None), run.files_below(Path("work"), 1000)
    assert real.households != many.households
    assert real.output != many.output
    assert real.artifact == many.artifact == Path("work/model/model.tar.gz")
