"""The command line against moto's AWS in this process.

What moto answers of executions proves nothing (they succeed at once, with nothing run); it keeps pipelines,
packages, stacks and objects, which is what is asked of it here.
"""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from runner.__main__ import command
from runner.aws.session import AwsConnection, AwsSettings, connect

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.timezone.utc)
REGION = "us-east-1"
ROLE_ARN = "arn:aws:iam::123456789012:role/scoring"
IMAGE_URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/batchscore:1"
PLACES = {
    "InputUri": "s3://data/in/",
    "ContractUri": "s3://data/contract.yaml",
    "OutputUri": "s3://data/out/",
    "ImageUri": IMAGE_URI,
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command printed and how it ended."""

    exit_code: int
    out: str
    err: str


def set_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process credentials that are worth nothing, and a region."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


def connection() -> AwsConnection:
    """Return a connection as commands have it."""
    return connect(AwsSettings(region=REGION))


def run_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> Answer:
    """Run `batchscore` with these words, in this process."""
    monkeypatch.setattr(sys, "argv", ["batchscore", *words])
    try:
        command()
        code: Any = 0
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    return Answer(exit_code=int(code or 0), out=out, err=err)


def stub_stack(monkeypatch: pytest.MonkeyPatch, outputs: dict[str, str] | None) -> None:
    """Let any stack have these outputs, or be missing; moto's CloudFormation is not asked.

    [doc] DescribeStacks answers a missing stack with a ValidationError.
    """
    stacks = boto3.client("cloudformation", region_name=REGION)
    stub = Stubber(stacks)
    if outputs is None:
        stub.add_client_error("describe_stacks", "ValidationError", "Stack with id scoring does not exist")
    else:
        listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        stack = {"StackName": "s", "CreationTime": NOW, "StackStatus": "CREATE_COMPLETE", "Outputs": listed}
        stub.add_response("describe_stacks", {"Stacks": [stack]})
    stub.activate()
    client_of = AwsConnection.client
    monkeypatch.setattr(
        AwsConnection,
        "client",
        lambda self, name, **rest: stacks if name == "cloudformation" else client_of(self, name, **rest),
    )


def make_group(name: str) -> None:
    """Make a model package group."""
    boto3.client("sagemaker", region_name=REGION).create_model_package_group(ModelPackageGroupName=name)


def register(group_name: str, approval_status: str) -> str:
    """Register a model package and return its ARN."""
    client = boto3.client("sagemaker", region_name=REGION)
    answer = client.create_model_package(
        ModelPackageGroupName=group_name,
        ModelApprovalStatus=approval_status,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE_URI, "ModelDataUrl": "s3://data/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    return str(answer["ModelPackageArn"])
