"""An emulated AWS account: ministack as a process on loopback, and our template created in it.

What ministack 1.5 does not have stands in `NOT_EMULATED` and is replaced by a placeholder, so that everything
else is created from the very file that is deployed.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

REGION = "eu-central-1"
ACCOUNT_ID = "000000000000"
STACK_NAME = "batchscore"
TEMPLATE = Path(__file__).parents[2] / "infra" / "batchscore.yaml"
NOT_EMULATED = ("ModelPackageGroup", "FailedInvocationsAlarm")
"""[ran] ministack 1.5.33 has no SageMaker, and no alarms over several metrics."""

PARAMETERS: Mapping[str, str] = {
    "ImageUri": f"111122223333.dkr.ecr.{REGION}.amazonaws.com/team/batchscore:1.0",
    "InputBucket": "customer-data",
    "KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/11111111-2222-3333-4444-555555555555",
    "SubnetIds": "subnet-0a,subnet-0b",
    "SecurityGroupIds": "sg-0a",
    "NotificationEmail": "team@example.com",
    "SourceRepositoryUrl": "https://github.com/example/scoring.git",
    "SourceConnectionArn": f"arn:aws:codeconnections:{REGION}:{ACCOUNT_ID}:connection/1",
    "GitHubOidcProviderArn": f"arn:aws:iam::{ACCOUNT_ID}:oidc-provider/token.actions.githubusercontent.com",
    "GitHubSubject": "repo:example/scoring:environment:production",
}
"""Every option on; input in a bucket of its owner's, the rest in the bucket that the stack makes."""

POLL_SECONDS = 0.05
_READY = "Running on http://127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class EmulatedAccount:
    """A running ministack.

    Attributes:
        url: Of its only endpoint.
        python: Of its environment.
        log: What it printed so far.
        region: In which everything is.
    """

    url: str
    python: Path
    log: Path
    region: str = REGION

    def client(self, service_name: str) -> Any:
        """Return a client whose calls stay on this machine."""
        return boto3.client(
            service_name,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator asks for none
        )


@dataclass(frozen=True, kw_only=True)
class StackFacts:
    """A stack that was created.

    Attributes:
        name: Of the stack.
        arn: Of the stack.
        outputs: Value of each output.
        ids: Physical id of each resource, by its name in the template.
    """

    name: str
    arn: str
    outputs: Mapping[str, str]
    ids: Mapping[str, str]


@contextmanager
def running(python: Path, folder: Path) -> Iterator[EmulatedAccount]:
    """Run ministack for as long as the context lasts; `folder` takes its log and its temporary files."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "ministack.log"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "PYTHONUNBUFFERED": "1",
    }
    with log.open("wb") as sink:
        process = subprocess.Popen([python, "-m", "ministack"], env=environment, stdout=sink, stderr=sink)
    try:
        wait_for_line(log, _READY, process)
        yield EmulatedAccount(url=f"http://127.0.0.1:{port}", python=python, log=log)
    finally:
        process.terminate()
        process.wait()


def wait_for_line(log: Path, text: str, process: subprocess.Popen[bytes] | None = None) -> str:
    """Follow a log until a line holds `text`, and return that line.

    Raises:
        AssertionError: The process that writes it has ended, or a minute has passed.
    """
    with log.open() as lines:
        for _ in range(int(60 / POLL_SECONDS)):
            for line in lines:
                if text in line:
                    return line
            if process is not None and process.poll() is not None:
                break
            time.sleep(POLL_SECONDS)
    raise AssertionError(f"no line with {text!r} in: {log.read_text()}")


def template_text() -> str:
    """Return the template with placeholders for what cannot be emulated."""
    text = TEMPLATE.read_text()
    for name in NOT_EMULATED:
        before, _, rest = text.partition(f"\n  {name}:\n")
        head, _, after = rest.partition("\n\n")
        condition = "".join(line + "\n" for line in head.splitlines() if line.startswith("    Condition:"))
        text = (
            f"{before}\n  {name}:\n{condition}    Type: AWS::CloudFormation::WaitConditionHandle\n\n{after}"
        )
    return text


def create_stack(account: EmulatedAccount, name: str, parameters: Mapping[str, str]) -> StackFacts:
    """Create the template as a stack, within a minute.

    Raises:
        AssertionError: It was rolled back; what failed is named.
    """
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    for _ in range(int(60 / POLL_SECONDS)):
        if not described["StackStatus"].endswith("IN_PROGRESS"):
            break
        time.sleep(POLL_SECONDS)
        described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failures = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    assert described["StackStatus"] == "CREATE_COMPLETE", failures
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return StackFacts(
        name=name,
        arn=described["StackId"],
        outputs={output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]},
        ids={resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources},
    )
