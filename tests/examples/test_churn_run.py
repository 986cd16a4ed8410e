"""The churn example, as its user runs it: everybody is scored, and the model is worth it."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_run import ExampleRun, check_report, run_example
from playwright.sync_api import Browser

from examples.churn import run

pytestmark = pytest.mark.end_to_end

LEAST_AUC = 0.82


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> ExampleRun:
    return run_example("churn", tmp_path_factory.mktemp("churn"))


def test_every_customer_is_scored_or_held_back_with_a_reason(done: ExampleRun) -> None:
    """Eleven have no total charges."""
    counts = done.results.counts
    assert counts == {"read": 7043, "valid": 7032, "quarantined": 11, "scored": 7032, "unscorable": 0}
    assert done.reasons == {"missing_required": 11}


def test_the_model_knows_customers_that_it_never_saw(done: ExampleRun) -> None:
    """On the half that has labels, which the model was not trained on."""
    facts = done.facts
    assert facts.labelled_count == 3518
    assert facts.quality["auc"] >= LEAST_AUC


def test_its_report_can_be_opened(done: ExampleRun, browser: Browser) -> None:
    check_report(browser, done)


def test_real_and_resampled_runs_do_not_share_files() -> None:
    """But they share the model."""
    real, many = run.files_below(Path("work"), None), run.files_below(Path("work"), 1000)
    assert real.customers != many.customers
    assert real.output != many.output
    assert real.artifact == many.artifact == Path("work/model/model.tar.gz")
