"""A connection knows its region, retries adaptively, and asks nothing while it is made."""

from __future__ import annotations

import pytest

from contracts.errors import CallerError
from runner.aws.session import AwsSettings, connect


@pytest.fixture(autouse=True)
def _no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, f"{tmp_path}/none")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


def test_without_a_region_nothing_is_guessed() -> None:
    """A guess would score in another region than the data's."""
    with pytest.raises(CallerError, match="--region"):
        connect(AwsSettings())


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_either_variable_names_the_region(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 reads the second alone; the others of AWS's tools the first."""
    monkeypatch.setenv(variable, "eu-west-1")
    assert connect(AwsSettings()).region == "eu-west-1"


def test_an_option_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was typed is what was meant."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert connect(AwsSettings(region="us-west-2")).region == "us-west-2"


def test_clients_retry_adaptively_and_are_made_once() -> None:
    """Throttling is waited out by every client alike."""
    connection = connect(AwsSettings(region="us-west-2"))
    client = connection.client("sagemaker")
    assert client is connection.client("sagemaker")
    assert client.meta.config.retries["mode"] == "adaptive"
