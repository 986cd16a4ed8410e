"""Seven days as the example's user replays them: all is accounted for, and a fault is told when it begins."""

from __future__ import annotations

import pytest
from example_run import ExampleRun, check_report, run_example
from playwright.sync_api import Browser

from contracts.ledger import LEDGER_FILE, RunLedger, read_ledger
from examples.daily import data
from reporting import tables

pytestmark = pytest.mark.end_to_end

LEAST_AUC = 0.6
"""Of a single day, whose weather the model does not know."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> ExampleRun:
    return run_example("daily", tmp_path_factory.mktemp("daily"))


@pytest.fixture(scope="module")
def days(done: ExampleRun) -> list[RunLedger]:
    """The ledger of each day."""
    reports = (done.work / "output" / "1" / "runs").glob(f"*/report/{LEDGER_FILE}")
    return sorted(map(read_ledger, reports), key=lambda ledger: ledger.run_date)


def _movers(ledger: RunLedger) -> dict[str, list[str]]:
    """Return what has drifted, by what it was compared with."""
    return {
        report["reference"].split(" (")[0]: [
            one["name"] for one in report["features"] if one["level"] in ("warning", "alarm")
        ]
        for report in ledger.report["drift"]["reports"]
    }


def test_each_day_is_scored_once_under_its_own_date(days: list[RunLedger]) -> None:
    """The date is that of the moment that a schedule gives."""
    assert [ledger.run_date for ledger in days] == [day.isoformat() for day in data.DAYS]
    assert [ledger.pipeline_name for ledger in days] == ["candidate", *["production"] * 6]
    assert len({ledger.model_package_arn for ledger in days}) == 1


def test_every_flight_is_scored_or_held_back_with_a_reason(days: list[RunLedger]) -> None:
    assert [ledger.counts.read for ledger in days] == [1004, 1001, 1004, 1006, 1002, 811, 931]
    for ledger in days:
        assert ledger.counts.scored == ledger.counts.valid
        assert ledger.counts.quarantined == sum(ledger.reason_counts.values())
    without_aircraft = [ledger.reason_counts.get("missing_required", 0) for ledger in days]
    assert without_aircraft == [11, 7, 32, 19, 5, 3, 3]
    too_far = [ledger.reason_counts.get("above_maximum", 0) for ledger in days]
    assert too_far == [0, 0, 0, 0, 2, 3, 2]


def test_the_model_ranks_the_flights_of_every_day(days: list[RunLedger]) -> None:
    """None of which it was trained on."""
    assert [ledger.run_date for ledger in days if ledger.quality["auc"] < LEAST_AUC] == []
    assert all(ledger.labelled_count > 750 for ledger in days)


def test_the_drift_is_told_on_day_five_and_not_before(days: list[RunLedger]) -> None:
    """From the day before it is news on that day only, from the training data it stays."""
    training, last_run = "the training data", "the last run"
    assert [_movers(ledger)[training] for ledger in days] == [*[[]] * 4, *[["distance"]] * 3]
    assert [_movers(ledger).get(last_run) for ledger in days] == [None, [], [], [], ["distance"], [], []]


def test_the_verdict_of_day_five_begins_with_it(days: list[RunLedger]) -> None:
    reasons = [ledger.report["verdict"]["reasons"][0] for ledger in days]
    assert [reason.split(" with a reason")[0] for reason in reasons[:2]] == [
        "11 records were held back",
        "7 records were held back",
    ]
    assert reasons[4:] == ["1 feature has moved far from the training data: “distance”."] * 3


def test_the_last_report_has_all_seven_days(days: list[RunLedger]) -> None:
    charts = {name: table for name, table in days[-1].report["tables"].items() if "last_runs" in name}
    assert next(iter(charts)) == tables.RUN_RECORDS
    assert len(charts) == 6
    for table in charts.values():
        assert table["run_date"] == [day.isoformat() for day in data.DAYS]
    assert charts[tables.RUN_QUALITY]["auc"] == [ledger.quality["auc"] for ledger in days]


def test_each_day_is_told_in_a_line(done: ExampleRun, days: list[RunLedger]) -> None:
    for ledger in days:
        (line,) = [line for line in done.printed.splitlines() if line.startswith(ledger.run_date)]
        assert f"{ledger.counts.read:,}" in line
        assert ("“distance”" in line) == (ledger.run_date >= data.FAULTY_FROM.isoformat())


def test_its_report_can_be_opened(done: ExampleRun, browser: Browser) -> None:
    check_report(browser, done)
