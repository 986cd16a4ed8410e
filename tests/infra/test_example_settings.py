"""The settings files that documents show can be deployed as they stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from emulated_account import EmulatedAccount, create_stack, running

from runner.aws.change_set import read_settings

pytestmark = pytest.mark.functional

ROOT = Path(__file__).parents[2]
SHOWN = sorted([*ROOT.glob("infra/settings.*.yaml"), *ROOT.glob("examples/*/settings.yaml")])


@pytest.fixture(scope="module")
def another_account(
    account: EmulatedAccount, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmulatedAccount]:
    """One whose rules and buckets no other test meets."""
    with running(account.python, tmp_path_factory.mktemp("another")) as another:
        yield another


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.parent.name)
def test_the_settings_make_a_stack_whose_schedule_is_theirs(
    another_account: EmulatedAccount, path: Path
) -> None:
    """In an account that has the input bucket. [ran] ministack 1.5 creates every schedule in UTC."""
    settings = read_settings(path)
    another_account.client("s3").create_bucket(
        Bucket=settings["InputBucket"],
        CreateBucketConfiguration={"LocationConstraint": another_account.region},
    )
    stack = create_stack(another_account, f"shown-{path.parent.name}", settings)
    scheduler = another_account.client("scheduler")
    (schedule,) = scheduler.list_schedules(GroupName=stack.name)["Schedules"]
    found = scheduler.get_schedule(GroupName=stack.name, Name=schedule["Name"])
    assert found["ScheduleExpression"] == settings["ScheduleExpression"]


def test_the_daily_example_runs_every_day_at_six() -> None:
    """[doc] Minutes, hours, day of the month, month, day of the week, year; in UTC."""
    settings = read_settings(ROOT / "examples" / "daily" / "settings.yaml")
    assert (settings["ScheduleExpression"], settings["ScheduleTimezone"]) == ("cron(0 6 * * ? *)", "UTC")
