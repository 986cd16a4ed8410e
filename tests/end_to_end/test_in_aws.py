"""The story of a model in AWS, typed command by command; what is started is executed (`executing_aws`)."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from executing_aws import BUCKET, REGION, ExecutingAws, executing_aws
from mortal_run import MORTAL_SERVER
from tiny_customers import SCORES, TinyBusiness

from emulator.images import LocalImage

pytestmark = pytest.mark.end_to_end

ROOT = Path(__file__).parents[2]
IMAGE_URI = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/batchscore:1"
ROLE = ["--role-arn", "arn:aws:iam::123456789012:role/scoring"]


class Account:
    """An account with a model, a contract and customers in its bucket."""

    def __init__(self, aws: ExecutingAws, folder: Path) -> None:
        business = TinyBusiness(folder)
        self.aws = aws
        aws.upload(business.source / "customers.csv", "in/customers.csv")
        self.model = aws.upload(business.model, "model.tar.gz")
        places = {
            "InputUri": f"s3://{BUCKET}/in/",
            "ContractUri": aws.upload(business.contract, "contract.yaml"),
            "OutputUri": f"s3://{BUCKET}/out/",
            "ImageUri": IMAGE_URI,
        }
        self.places = [part for name, value in places.items() for part in ("-p", f"{name}={value}")]

    def batchscore(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Type a command."""
        return subprocess.run(
            [sys.executable, "-m", "runner", *words],
            cwd=ROOT,
            env={**os.environ, **self.aws.environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def facts(self, *words: str) -> dict[str, Any]:
        """Type a command that succeeds and prints JSON."""
        answer = self.batchscore(*words, "--json")
        assert answer.returncode == 0, answer.stderr
        found: dict[str, Any] = json.loads(answer.stdout)
        return found

    def scores(self, prefix_uri: str) -> dict[str, float]:
        """Return the scores below a prefix, by id."""
        s3 = self.aws.client("s3")
        prefix = prefix_uri.removeprefix(f"s3://{BUCKET}/")
        found: dict[str, float] = {}
        for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]:
            if entry["Key"].endswith(".parquet"):
                body = s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
                table = pq.read_table(io.BytesIO(body))
                found |= dict(zip(table["customer_id"].to_pylist(), table["score"].to_pylist(), strict=True))
        return found


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with executing_aws(tmp_path_factory.mktemp("aws")) as aws:
        yield Account(aws, tmp_path_factory.mktemp("business"))


def test_a_candidate_is_scored_approved_promoted_and_rolled_back(account: Account) -> None:
    """Each command as the runbook has it; the scores are those that add up."""
    budget = ["-p", "MaxQuarantineFraction=0.25"]
    account.facts("upsert", "--pipeline", "candidate", *ROLE, *account.places, *budget)
    started = account.facts(
        "start",
        "--name",
        "batchscore-candidate",
        "-p",
        f"ModelArtifactUri={account.model}",
        "--wait",
        "--poll",
        "1",
    )
    results = account.facts("results", started["execution_arn"])
    assert results["status"] == "Succeeded"
    assert account.scores(results["scores"]) == SCORES

    packages = [_approved(account) for _ in range(2)]
    promoted = account.facts(
        "promote", "--group", "churn", *ROLE, *account.places, *budget, "--wait", "--poll", "1"
    )
    assert promoted["model_package_arn"] == packages[1]
    produced = account.facts("results", promoted["execution_arn"])
    assert account.scores(produced["scores"]) == SCORES

    _decide(account, packages[1], "Rejected")
    back = account.facts("promote", "--group", "churn", *ROLE)
    assert (back["model_package_arn"], back["is_rollback"], back["run_id"]) == (packages[0], True, None)


def test_a_run_that_fails_is_told_loudly(account: Account) -> None:
    """The exit code is 1, and the last lines say which step failed, and why."""
    account.facts("upsert", "--pipeline", "candidate", "--name", "strict", *ROLE, *account.places)
    words = ["--name", "strict", "-p", f"ModelArtifactUri={account.model}", "--wait", "--poll", "1"]
    answer = account.batchscore("start", *words)
    assert answer.returncode == 1
    assert "FailErrorBudget" in answer.stderr
    assert "3 of 14 records are quarantined" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_lost_run_is_resumed_and_scores_only_what_is_missing(account: Account, tmp_path: Path) -> None:
    """Its server dies after two shards; the shape of the run is read off what it executed."""
    words = ["--pipeline", "candidate", "--name", "lost", "--wire", "csv"]
    budget = ["-p", "MaxQuarantineFraction=0.25", "-p", "MaxConcurrentTransforms=1"]
    account.facts("upsert", *words, *ROLE, *account.places, *budget)
    whole = account.aws.image
    sent = tmp_path / "sent"
    dying = {"ANSWERS": "2", "AFTERWARDS": "dies", "SENT": str(sent), "HUNG": str(tmp_path / "hung")}
    account.aws.image = LocalImage(
        python=sys.executable, serve_entrypoint=("python3", MORTAL_SERVER), environment=dying
    )
    start = ["start", "--name", "lost", "-p", f"ModelArtifactUri={account.model}", "--wait", "--poll", "1"]
    lost = account.batchscore(*start, "--json")
    assert lost.returncode == 1, lost.stderr
    arn = json.loads(lost.stdout)["execution_arn"]
    scored_before = len(sent.read_text(encoding="utf-8").splitlines())
    assert scored_before == 2

    account.aws.image = LocalImage(
        python=sys.executable,
        serve_entrypoint=("python3", MORTAL_SERVER),
        environment={**dying, "ANSWERS": "1000"},
    )
    resumed = account.batchscore("resume", arn, "--wait", "--poll", "1")
    account.aws.image = whole
    assert resumed.returncode == 0, resumed.stderr
    results = account.facts("results", arn)
    assert (results["status"], account.scores(results["scores"])) == ("Succeeded", SCORES)
    payloads = sent.read_text(encoding="utf-8").splitlines()
    # One payload a shard, each answered once: 11 records in three shards, for the one instance needed.
    assert len(payloads) == len(set(payloads)) == 3


def _approved(account: Account) -> str:
    client = account.aws.client("sagemaker")
    groups = client.list_model_package_groups()["ModelPackageGroupSummaryList"]
    if "churn" not in {group["ModelPackageGroupName"] for group in groups}:
        client.create_model_package_group(ModelPackageGroupName="churn")
    answer = client.create_model_package(
        ModelPackageGroupName="churn",
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE_URI, "ModelDataUrl": account.model}],
            "SupportedContentTypes": ["application/vnd.apache.parquet"],
            "SupportedResponseMIMETypes": ["application/vnd.apache.parquet"],
        },
    )
    return str(answer["ModelPackageArn"])


def _decide(account: Account, arn: str, approval_status: str) -> None:
    account.aws.client("sagemaker").update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus=approval_status
    )
