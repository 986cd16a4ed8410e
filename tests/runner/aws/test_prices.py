"""Prices come from the Price List API, are kept for a day, and are never made up. All figures here are."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from emulated_aws import connection, set_credentials
from planned_account import Answers, answer_for, product

from contracts.errors import CallerError
from runner.aws.prices import Usage, find_prices, hourly_usd, kept_prices
from runner.aws.session import AwsSettings, connect

pytestmark = pytest.mark.functional

TODAY = dt.date(2026, 11, 24)
SCORING = Usage(job="transform", instance_type="ml.m5.xlarge")
PREPARING = Usage(job="processing", instance_type="ml.m5.xlarge")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """A price list with a price for scoring and one for preparing."""
    set_credentials(monkeypatch)
    made = Answers(prices={"USE1-Tsform:ml.m5.xlarge": 7.0, "USE1-Processing:ml.m5.xlarge": 3.0})
    answer_for(monkeypatch, made)
    return made


def test_each_job_has_its_own_price_and_names_the_file(answers: Answers, tmp_path: Path) -> None:
    prices = find_prices(connection(), [SCORING, PREPARING], tmp_path, TODAY)
    assert prices.of("transform", "ml.m5.xlarge") == 7.0
    assert prices.of("processing", "ml.m5.xlarge") == 3.0
    assert prices.by_usage[SCORING].file == tmp_path / "us-east-1-2026-11-24.json"
    assert prices.why_unknown == ""
    assert answers.asked == ["GetProducts", "GetProducts"]


def test_on_one_day_a_price_is_asked_for_once(answers: Answers, tmp_path: Path) -> None:
    """What the day's file does not have is added to it."""
    find_prices(connection(), [SCORING], tmp_path, TODAY)
    find_prices(connection(), [SCORING, PREPARING], tmp_path, TODAY)
    assert answers.asked == ["GetProducts", "GetProducts"]
    kept = json.loads((tmp_path / "us-east-1-2026-11-24.json").read_bytes())
    assert kept["usd_per_hour"] == {"Processing:ml.m5.xlarge": 3.0, "Tsform:ml.m5.xlarge": 7.0}
    assert kept["asked_on"] == "2026-11-24"


@pytest.mark.parametrize(
    "refusal",
    [
        EndpointConnectionError(endpoint_url="https://prices.example"),
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetProducts"),
    ],
)
def test_where_the_api_does_not_answer_the_newest_older_price_counts(
    answers: Answers, tmp_path: Path, refusal: Exception
) -> None:
    """It is dated; prices of other regions, and of days to come, are not taken."""
    for name, usd in (
        ("us-east-1-2026-11-20", 5.0),
        ("us-east-1-2026-11-22", 6.0),
        ("us-east-1-2026-11-25", 8.0),
        ("us-east-2-2026-11-23", 9.0),
    ):
        content = json.dumps({"usd_per_hour": {"Tsform:ml.m5.xlarge": usd}})
        (tmp_path / f"{name}.json").write_text(content)
    answers.refusal["pricing"] = refusal
    prices = find_prices(connection(), [SCORING, PREPARING], tmp_path, TODAY)
    assert prices.by_usage[SCORING].usd_per_hour == 6.0
    assert prices.by_usage[SCORING].asked_on == "2026-11-22"
    assert PREPARING not in prices.by_usage
    assert "cannot be asked" in prices.why_unknown


def test_commands_that_follow_a_run_take_the_newest_kept_prices(tmp_path: Path) -> None:
    """Each as new as there is one, by the names under which the cost of a run is added up."""
    for name, kept in (
        ("us-east-1-2026-11-20", {"Tsform:ml.m5.xlarge": 5.0, "Processing:ml.m5.xlarge": 4.0}),
        ("us-east-1-2026-11-22", {"Tsform:ml.m5.xlarge": 6.0}),
    ):
        (tmp_path / f"{name}.json").write_text(json.dumps({"usd_per_hour": kept}))
    assert kept_prices("us-east-1", tmp_path, TODAY) == {
        ("Batch Transform", "ml.m5.xlarge"): 6.0,
        ("Processing", "ml.m5.xlarge"): 4.0,
    }
    assert kept_prices("eu-west-1", tmp_path, TODAY) == {}


def test_with_neither_api_nor_file_no_price_is_known(answers: Answers, tmp_path: Path) -> None:
    answers.refusal["pricing"] = EndpointConnectionError(endpoint_url="https://prices.example")
    prices = find_prices(connection(), [SCORING], tmp_path / "none", TODAY)
    assert prices.by_usage == {}
    assert prices.of("transform", "ml.m5.xlarge") is None
    assert "AWS cannot be reached" in prices.why_unknown
    assert not (tmp_path / "none").exists()


def test_a_type_without_a_price_is_named(answers: Answers, tmp_path: Path) -> None:
    big = Usage(job="transform", instance_type="ml.m5.24xlarge")
    prices = find_prices(connection(), [SCORING, big], tmp_path, TODAY)
    assert list(prices.by_usage) == [SCORING]
    assert "no price in USD an hour for Tsform:ml.m5.24xlarge in us-east-1" in prices.why_unknown
    assert answers.asked


def test_two_prices_for_one_thing_are_none(answers: Answers, tmp_path: Path) -> None:
    """Nobody could say which of them is the price."""
    answers.prices["USE1X-Tsform:ml.m5.xlarge"] = 8.0
    assert find_prices(connection(), [SCORING], tmp_path, TODAY).by_usage == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (product("Tsform:ml.m5.xlarge", 7.0), [7.0]),
        (product("EUC1-Tsform:ml.m5.xlarge", 7.0), [7.0]),
        (product("USE1-Tsform:ml.m5.xlarge-Other", 7.0), []),
        (product("USE1-Host:ml.m5.xlarge", 7.0), []),
        (product("USE1-Tsform:ml.m5.xlarge", 0.0), []),
        (product("USE1-Tsform:ml.m5.xlarge", 7.0, unit="GB-Mo"), []),
        ('{"product": {"attributes": {"usagetype": "USE1-Tsform:ml.m5.xlarge"}}, "terms": {}}', []),
        ("{}", []),
    ],
)
def test_only_an_hour_on_demand_of_that_usage_is_a_price(text: str, expected: list[float]) -> None:
    assert list(hourly_usd(json.loads(text), SCORING)) == expected


def test_prices_in_another_currency_are_not_taken_for_usd() -> None:
    """[src] botocore's endpoints have a Price List API of their own for China."""
    text = product("CNN1-Tsform:ml.m5.xlarge", 7.0).replace('"USD"', '"CNY"')
    assert list(hourly_usd(json.loads(text), SCORING)) == []


def test_a_partition_without_prices_says_so(answers: Answers, tmp_path: Path) -> None:
    account = connect(AwsSettings(region="us-gov-west-1"))
    assert "aws-us-gov" in find_prices(account, [SCORING], tmp_path, TODAY).why_unknown
    assert answers.asked == []


@pytest.mark.usefixtures("answers")
def test_a_damaged_file_of_prices_is_named(tmp_path: Path) -> None:
    (tmp_path / "us-east-1-2026-11-24.json").write_text('{"usd_per_hour": [7]}')
    with pytest.raises(CallerError, match=r"2026-11-24\.json: cannot be read as kept prices; delete it"):
        find_prices(connection(), [SCORING], tmp_path, TODAY)
