"""The quality gate on this machine: a candidate that is not as good as asked fails after its report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_customers import TinyBusiness

from contracts.errors import RunFailedError
from runner.local_run import RunOptions

pytestmark = pytest.mark.end_to_end

BUDGET = {"MaxQuarantineFraction": "0.25", "RunDate": "2026-11-23"}
LABEL = "  - {name: bought, type: boolean}\n"
CUSTOMERS = (
    "customer_id,age,plan,active,bought\nA,20,basic,true,true\nB,40,plus,true,true\nC,40,pro,false,false\n"
)
"""Scores 211.5, 222.5 and 132.5: whoever bought has the higher ones, so that the AUC is 1."""


def _labelled(folder: Path, *, swapped: bool) -> TinyBusiness:
    customers = CUSTOMERS
    if swapped:
        customers = customers.replace("true,true", "true,false").replace("false,false", "false,true")
    business = TinyBusiness(folder, customers)
    text = business.contract.read_text(encoding="utf-8").replace("primaryKey", LABEL + "primaryKey")
    business.contract.write_text(text + "  label: bought\n", encoding="utf-8")
    return business


def _gate(business: TinyBusiness) -> dict[str, str]:
    report = business.newest().report
    assert report is not None
    found: dict[str, str] = json.loads((report.parent / "gate.json").read_bytes())
    return found


def test_a_good_model_passes(tmp_path: Path) -> None:
    business = _labelled(tmp_path, swapped=False)
    business.run(RunOptions(parameters={**BUDGET, "MinQuality": "0.9"}))
    assert _gate(business)["is_passed"] == "yes"
    assert business.newest().record.steps["CheckQuality"].outcome == "yes"


def test_a_bad_model_fails_the_run_after_its_report(tmp_path: Path) -> None:
    """With what was measured and what was asked for; report and scores are there."""
    business = _labelled(tmp_path, swapped=True)
    with pytest.raises(
        RunFailedError, match=r"FailQuality: .* is 0, at least 0.9 was asked for.*report.html"
    ):
        business.run(RunOptions(parameters={**BUDGET, "MinQuality": "0.9"}))
    results = business.newest()
    assert (results.record.status, results.record.steps["ReportRun"].status) == ("Failed", "Succeeded")
    assert (_gate(business)["is_passed"], results.scores is not None) == ("no", True)


def test_a_gate_without_labels_is_not_passed(tmp_path: Path) -> None:
    """Nobody can say that the model is good enough; without a bound nothing is asked."""
    business = TinyBusiness(tmp_path)
    business.run(RunOptions(parameters=BUDGET))
    with pytest.raises(RunFailedError, match=r"FailQuality: .*was asked for and not computed"):
        business.run(RunOptions(parameters={**BUDGET, "MinQuality": "0.5"}))


def test_a_second_run_reads_what_the_first_published(tmp_path: Path) -> None:
    business = TinyBusiness(tmp_path)
    results = business.run(RunOptions(parameters=BUDGET))
    digest = business.output / "history" / "published" / "digest.json"
    assert json.loads(digest.read_bytes())["run_id"] == results.record.run_id
    again = business.run(RunOptions(parameters=BUDGET))
    assert json.loads(digest.read_bytes())["run_id"] == again.record.run_id
    assert again.ledger is not None
    assert results.record.run_id in json.dumps(json.loads(again.ledger.read_bytes())["report"])
