"""What a contract says about the report is read whole, or every fault is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.contract_file import parse_contract
from contracts.errors import CallerError
from contracts.keep_columns import kept_file_names
from contracts.report_rules import ActionListRules, ActionValue, DriftLimits, ReportRules

FIELDS = [
    {"name": "id", "type": "string"},
    {"name": "plan", "type": "string"},
    {"name": "price", "type": "number"},
    {"name": "churn", "type": "boolean"},
]


def _rules(report: Any) -> ReportRules:
    scoring = {"features": ["price"], "label": "churn", "report": report}
    document = {"fields": FIELDS, "primaryKey": "id", "scoring": scoring}
    return parse_contract(json.dumps(document).encode(), name="contract.json").report


def test_without_a_word_the_defaults_hold() -> None:
    assert _rules(None) == ReportRules()


def test_everything_that_is_said_is_read() -> None:
    assert _rules(
        {
            "threshold": 0.3,
            "segments": ["plan"],
            "drift": {"warning": 0.05, "alarm": 0.2},
            "actionList": {
                "fraction": 0.1,
                "perSegment": "plan",
                "value": {"field": "price", "factor": 12, "contactCost": 4},
            },
        }
    ) == ReportRules(
        threshold=0.3,
        segments=("plan",),
        drift=DriftLimits(warning=0.05, alarm=0.2),
        action_list=ActionListRules(
            count=None,
            fraction=0.1,
            segment="plan",
            value=ActionValue(field="price", factor=12.0, contact_cost=4.0),
        ),
    )


def test_the_kept_file_has_what_the_report_reads_and_the_published_file_does_not_gain_it() -> None:
    document = {
        "fields": FIELDS,
        "primaryKey": "id",
        "scoring": {"features": ["price"], "report": {"segments": ["plan"], "actionList": {"count": 5}}},
    }
    contract = parse_contract(json.dumps(document).encode(), name="contract.json")
    assert kept_file_names("price", contract) == ("price", "plan")


@pytest.mark.parametrize(
    ("report", "fault"),
    [
        ([], "`scoring.report` must be a mapping"),
        ({"treshold": 1}, "did you mean 'threshold'"),
        ({"threshold": "high"}, "`threshold` is 'high'; expected a number"),
        ({"threshold": True}, "`threshold` is True; expected a number"),
        ({"segments": ["pln"]}, "names 'pln', which is no field that can stand here; did you mean 'plan'"),
        ({"segments": ["price"]}, "'price', which is a number; expected string, boolean, integer"),
        ({"segments": ["churn"]}, "names 'churn', which is no field that can stand here"),
        ({"drift": {"warning": 0.5, "alarm": 0.1}}, "expected 0 < warning <= alarm"),
        ({"drift": 3}, "`scoring.report.drift` must be a mapping"),
        ({"actionList": {"count": 5, "fraction": 0.1}}, "give one of them"),
        ({"actionList": {"count": 0}}, "`count` is 0; expected a whole number from 1 to 1000000"),
        ({"actionList": {"fraction": 1.5}}, "expected more than 0 and at most 1"),
        ({"actionList": {"perSegment": "price"}}, "'price', which is a number"),
        ({"actionList": {"value": {"factor": 2}}}, "names None"),
        ({"actionList": {"value": {"field": "plan"}}}, "'plan', which is a string; expected integer, number"),
        ({"actionList": {"value": {"field": "price", "factor": 0}}}, "expected factor > 0"),
    ],
)
def test_what_is_wrong_is_named(report: Any, fault: str) -> None:
    with pytest.raises(CallerError) as caught:
        _rules(report)
    assert fault in str(caught.value)
