"""A record that the model cannot score costs itself alone: it comes back with an error beside its id."""

from __future__ import annotations

import json

import pytest
from tiny_customers import SCORES, TinyBusiness, published
from tiny_model import make_tiny_model

from contracts.wire import WIRE_FORMATS
from runner.local_run import RunOptions
from runner.package import package_model

pytestmark = pytest.mark.end_to_end

HUGE = 3e38
"""Fits a 32-bit float; twice as much does not."""

UNSCORABLE = {"C2", "C6", "C13"}
"""Grown up and active: the two huge terms meet."""


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> TinyBusiness:
    """Return a business whose model answers infinity for some customers."""
    business = TinyBusiness(tmp_path_factory.mktemp("unscorable"))
    path = make_tiny_model(business.folder / "tiny.json")
    model = json.loads(path.read_bytes())
    trees = model["learner"]["gradient_booster"]["model"]["trees"]
    for tree in (trees[0], trees[3]):
        tree["split_conditions"][2] = tree["base_weights"][2] = HUGE
    path.write_text(json.dumps(model))
    package_model(path, business.contract, business.model)
    return business


@pytest.mark.parametrize("wire", WIRE_FORMATS)
def test_unscorable_records_are_published_with_their_error_and_counted(
    business: TinyBusiness, wire: str
) -> None:
    results = business.run(RunOptions(wire=wire, parameters={"MaxQuarantineFraction": "0.25"}))

    assert results.counts == {"read": 14, "valid": 11, "quarantined": 3, "scored": 8, "unscorable": 3}
    rows = published(results).to_pylist()
    assert [row["customer_id"] for row in rows] == list(SCORES)
    assert {row["customer_id"] for row in rows if row["score"] is None} == UNSCORABLE
    assert {row["error"] for row in rows if row["score"] is None} == {
        "the score is inf which is no finite number"
    }
    assert {row["error"] for row in rows if row["score"] is not None} == {None}


def test_the_report_says_how_many_could_not_be_scored(business: TinyBusiness) -> None:
    results = business.run(RunOptions(parameters={"MaxQuarantineFraction": "0.25"}))

    assert results.report is not None
    text = results.report.read_text(encoding="utf-8")
    assert "3 records came back from the model with an error instead of a score" in text
    assert "no finite number" in text
