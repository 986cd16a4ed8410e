"""`batchscore deploy` and `destroy`, with our template: stacks on ministack, pipelines on moto's server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from emulated_account import PARAMETERS, EmulatedAccount, template_text
from moto.moto_api._internal import moto_api_backend
from moto.server import ThreadedMotoServer

pytestmark = pytest.mark.end_to_end

STACK = "scoring"


class Deployment:
    """A place to deploy to, and the files that are deployed."""

    def __init__(self, account: EmulatedAccount, sagemaker_url: str, folder: Path) -> None:
        self.account = account
        self.folder = folder
        self.template = folder / "template.yaml"
        self.template.write_text(template_text(), encoding="utf-8")
        self.settings = folder / "settings.yaml"
        given = {name: value for name, value in PARAMETERS.items() if name != "InputBucket"}
        self.settings.write_text(yaml.safe_dump({**given, "SubnetIds": ["subnet-0a", "subnet-0b"]}))
        self._environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": account.url,
            "AWS_ENDPOINT_URL_SAGEMAKER": sagemaker_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": account.region,
        }
        self.sagemaker: Any = boto3.client(
            "sagemaker",
            endpoint_url=sagemaker_url,
            region_name=account.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator asks for none
        )

    def batchscore(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the stack, with nobody at the keyboard."""
        return subprocess.run(
            [sys.executable, "-m", "runner", *words, "--stack", STACK],
            cwd=Path(__file__).parents[2],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def deploy(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Deploy the template with the settings."""
        places = ["--template", str(self.template), "--settings", str(self.settings)]
        return self.batchscore("deploy", *places, *words)

    def pipelines(self) -> set[str]:
        """Return the names of all pipelines."""
        return {entry["PipelineName"] for entry in self.sagemaker.list_pipelines()["PipelineSummaries"]}

    def make_resume_pipeline(self, name: str, role_arn: str) -> None:
        """Make what `batchscore resume` would leave."""
        definition = '{"Version": "2020-12-01", "Steps": []}'
        self.sagemaker.create_pipeline(
            PipelineName=name, RoleArn=role_arn, PipelineDefinition=definition, ClientRequestToken="t" * 32
        )

    def stack_tags(self) -> dict[str, str]:
        """Return the tags of the stack."""
        (stack,) = self.account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {entry["Key"]: entry["Value"] for entry in stack["Tags"]}

    def stacks(self) -> set[str]:
        """Return the names of all stacks that are there."""
        listed = self.account.client("cloudformation").describe_stacks()["Stacks"]
        return {stack["StackName"] for stack in listed if stack["StackStatus"] != "DELETE_COMPLETE"}


@pytest.fixture
def deployment(account: EmulatedAccount, tmp_path: Path) -> Iterator[Deployment]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    moto_api_backend.reset()
    _, port = server.get_host_and_port()
    yield Deployment(account, f"http://127.0.0.1:{port}", tmp_path)
    server.stop()


def test_a_deployment_comes_stays_and_goes(deployment: Deployment) -> None:
    """Shown before it is done; done once; and gone when it is destroyed."""
    first = deployment.deploy("--yes")
    assert first.returncode == 0, first.stderr
    assert "  add     PipelineRole (AWS::IAM::Role)" in first.stdout
    assert deployment.pipelines() == {"batchscore-candidate", "batchscore-production"}
    described = deployment.sagemaker.describe_pipeline(PipelineName="batchscore-production")
    assert ":role/" in described["RoleArn"]
    parameters = json.loads(described["PipelineDefinition"])["Parameters"]
    defaults = {entry["Name"]: entry.get("DefaultValue") for entry in parameters}
    assert defaults["ImageUri"] == PARAMETERS["ImageUri"]
    assert defaults["InputUri"].startswith("s3://")
    for secured in (PARAMETERS["KmsKeyArn"], "subnet-0a", "sg-0a"):
        assert f'"{secured}"' in described["PipelineDefinition"]

    second = deployment.deploy("--yes")
    assert second.returncode == 0, second.stderr
    assert "  nothing changes" in second.stdout
    assert second.stdout.count("unchanged") == 2

    deployment.make_resume_pipeline("batchscore-resume", described["RoleArn"])
    gone = deployment.batchscore("destroy", "--yes")
    assert gone.returncode == 0, gone.stderr
    assert (deployment.pipelines(), STACK in deployment.stacks()) == (set(), False)


def test_tags_of_the_stack_stay_and_others_are_added(deployment: Deployment) -> None:
    """Cost allocation lives on them; a change set that names none of them would remove them."""
    assert deployment.deploy("--yes", "--tag", "team=growth").returncode == 0
    assert deployment.deploy("--yes", "--tag", "stage=test", "-p", "FlexibleWindowMinutes=30").returncode == 0
    assert deployment.stack_tags() == {"team": "growth", "stage": "test"}


def test_resumptions_of_another_deployment_are_left_alone(deployment: Deployment) -> None:
    """They share the name, and have another role."""
    assert deployment.deploy("--yes").returncode == 0
    deployment.make_resume_pipeline("batchscore-resume", "arn:aws:iam::123456789012:role/another")
    assert deployment.batchscore("destroy", "--yes").returncode == 0
    assert deployment.pipelines() == {"batchscore-resume"}


def test_nothing_is_deployed_or_destroyed_unless_somebody_agrees(deployment: Deployment) -> None:
    """What would be done is printed all the same, and no half-made stack stays."""
    answer = deployment.deploy()
    assert answer.returncode == 2
    assert "add     PipelineRole" in answer.stdout
    assert "nobody is here to agree" in answer.stderr
    assert (deployment.pipelines(), STACK in deployment.stacks()) == (set(), False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-p", "ImageURI=x"], "the template has no parameter 'ImageURI'; did you mean 'ImageUri'"),
        (["--template", "nothing.yaml"], "nothing.yaml: cannot read the template"),
        (["--settings", "nothing.yaml"], "nothing.yaml: cannot read the settings"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(
    deployment: Deployment, words: list[str], message: str
) -> None:
    """One line, exit code 2."""
    answer = deployment.deploy("--yes", *words)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr
    assert STACK not in deployment.stacks()
