"""The production pipeline on this machine: the same scores, by a package that somebody approved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_customers import SCORES, TinyBusiness, published

from contracts.errors import CallerError
from runner.local_run import RunOptions
from runner.packaged_model import packaged_model

pytestmark = pytest.mark.end_to_end

BUDGET = {"MaxQuarantineFraction": "0.25", "RunDate": "2026-11-23"}
PACKAGE = "batchscore/1"


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> TinyBusiness:
    """A business whose candidate has run, so that a package waits for approval."""
    business = TinyBusiness(tmp_path_factory.mktemp("business"))
    business.run(RunOptions(parameters=BUDGET))
    return business


def _command(business: TinyBusiness, *words: str) -> subprocess.CompletedProcess[str]:
    places = ["--contract", str(business.contract), "--input", str(business.source)]
    argv = [sys.executable, "-m", "runner", "run", *places, "--output", str(business.output), *words]
    state = ["--state", str(business.state.root)]
    return subprocess.run(
        [*argv, *state], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("wire", ["parquet", "csv"])
def test_an_approved_package_gives_the_scores_of_its_candidate(business: TinyBusiness, wire: str) -> None:
    """And the ledger names the package, not a new one."""
    business.state.registry.set_approval_status(PACKAGE, "Approved")
    model = packaged_model("batchscore", business.state)
    options = RunOptions(
        pipeline="production", wire=wire, parameters=BUDGET, model_package_arn=model.package_arn
    )
    results = business.run(options)
    scores = published(results)
    assert dict(
        zip(scores.column("customer_id").to_pylist(), scores.column("score").to_pylist(), strict=True)
    ) == (SCORES)
    assert results.facts is not None
    assert results.facts.model_package_arn == model.package_arn
    assert len(business.state.registry.packages()) == 1


@pytest.mark.parametrize("status", ["PendingManualApproval", "Rejected"])
def test_a_package_that_nobody_approved_does_not_score(business: TinyBusiness, status: str) -> None:
    """Neither by its name nor as the newest one of its group."""
    business.state.registry.set_approval_status(PACKAGE, status)
    with pytest.raises(CallerError, match=f"{PACKAGE} is {status}, not Approved"):
        packaged_model(PACKAGE, business.state)
    with pytest.raises(CallerError, match="no package of group 'batchscore' is approved"):
        packaged_model("batchscore", business.state)


def test_the_command_says_which_model_each_pipeline_takes(business: TinyBusiness) -> None:
    """Before anything starts."""
    production = _command(business, "--pipeline", "production", "--model", str(business.model))
    assert (production.returncode, production.stdout) == (2, "")
    assert "give --model-package" in production.stderr
    candidate = _command(business, "--model-package", PACKAGE)
    assert candidate.returncode == 2
    assert "--pipeline candidate: give --model, and no --model-package" in candidate.stderr
    unknown = _command(business, "--pipeline", "production", "--model-package", "batchscor")
    assert "no model package group 'batchscor'; did you mean 'batchscore'" in unknown.stderr
