"""What a SageMaker Projects template's build file calls is here, and takes what the template passes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from executing_aws import BUCKET, REGION, executing_aws
from tiny_customers import TinyBusiness

from contracts.errors import CallerError
from runner.aws.projects import project_pipeline

pytestmark = pytest.mark.end_to_end

SCRIPTS = Path(sys.executable).parent
ROLE_ARN = "arn:aws:iam::123456789012:role/service-role/AmazonSageMakerServiceCatalogProductsUseRole"

BUILD = r"""
set -eu
export PYTHONUNBUFFERED=TRUE
export SAGEMAKER_PROJECT_NAME_ID="${SAGEMAKER_PROJECT_NAME}-${SAGEMAKER_PROJECT_ID}"
run-pipeline --module-name pipelines.candidate \
  --role-arn $SAGEMAKER_PIPELINE_ROLE_ARN \
  --tags "[{\"Key\":\"sagemaker:project-name\",\"Value\":\"${SAGEMAKER_PROJECT_NAME}\"},
           {\"Key\":\"sagemaker:project-id\", \"Value\":\"${SAGEMAKER_PROJECT_ID}\"}]" \
  --kwargs "{\"region\":\"${AWS_REGION}\",\"sagemaker_project_arn\":\"${SAGEMAKER_PROJECT_ARN}\",
             \"role\":\"${SAGEMAKER_PIPELINE_ROLE_ARN}\",\"default_bucket\":\"${ARTIFACT_BUCKET}\",
             \"pipeline_name\":\"${SAGEMAKER_PROJECT_NAME_ID}\",
             \"model_package_group_name\":\"${SAGEMAKER_PROJECT_NAME_ID}\",
             \"base_job_prefix\":\"${SAGEMAKER_PROJECT_NAME_ID}\"$MORE}"
"""
"""The build phase in the shape of AWS's model building templates: names and quoting are theirs [doc: "MLOps
template for model building", its seed code's build file]; only the module is ours. MORE is empty there."""


def _environment(**named: str) -> dict[str, str]:
    project = {
        "SAGEMAKER_PROJECT_NAME": "churn",
        "SAGEMAKER_PROJECT_ID": "p-abc123",
        "SAGEMAKER_PROJECT_ARN": f"arn:aws:sagemaker:{REGION}:123456789012:project/churn",
        "SAGEMAKER_PIPELINE_ROLE_ARN": ROLE_ARN,
        "ARTIFACT_BUCKET": BUCKET,
        "AWS_REGION": REGION,
        "MORE": "",
    }
    return {**os.environ, "PATH": f"{SCRIPTS}:{os.environ['PATH']}", **project, **named}


def _build(**named: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", "-c", BUILD], env=_environment(**named), capture_output=True, text=True, check=False
    )


def test_a_templates_build_upserts_runs_and_waits(tmp_path: Path) -> None:
    """What is to be scored is said as defaults in `--kwargs`; all else is the template's own."""
    business = TinyBusiness(tmp_path / "business")
    with executing_aws(tmp_path / "aws") as aws:
        defaults = {
            "InputUri": aws.upload(business.source / "customers.csv", "in/customers.csv").removesuffix(
                "customers.csv"
            ),
            "ContractUri": aws.upload(business.contract, "contract.yaml"),
            "ModelArtifactUri": aws.upload(business.model, "model.tar.gz"),
            "ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/batchscore:1",
            "MaxQuarantineFraction": 0.25,
        }
        more = f',"defaults":{json.dumps(defaults)}'
        first = _build(MORE=more, **aws.environment)
        assert first.returncode == 0, first.stderr
        assert "churn-p-abc123: create" in first.stdout
        client = aws.client("sagemaker")
        described = client.describe_pipeline(PipelineName="churn-p-abc123")
        assert described["RoleArn"] == ROLE_ARN
        tags = client.list_tags(ResourceArn=described["PipelineArn"])["Tags"]
        assert {tag["Key"] for tag in tags} == {"sagemaker:project-name", "sagemaker:project-id"}
        keys = [entry["Key"] for entry in aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]]
        assert "churn-p-abc123/pointer/latest.json" in keys


def test_a_build_without_places_says_what_is_missing(tmp_path: Path) -> None:
    """The pipeline is there then; what it is to score, nobody has said."""
    with executing_aws(tmp_path) as aws:
        build = _build(**aws.environment)
        assert build.returncode == 2
        assert "parameter 'InputUri' has no default and no value was given" in build.stderr
        assert "Traceback" not in build.stderr


@pytest.mark.parametrize("kwargs", ['{"region": "eu-west-1"}', "{'region': 'eu-west-1', 'wire': 'csv'}"])
def test_the_definition_is_written_without_an_account(tmp_path: Path, kwargs: str) -> None:
    """With JSON or a Python literal, as the template's own script takes it."""
    path = tmp_path / "definition.json"
    words = ["--module-name", "pipelines.production", "--file-name", str(path), "--kwargs", kwargs]
    subprocess.run([SCRIPTS / "get-pipeline-definition", *words], check=True)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert "ModelPackageArn" in {entry["Name"] for entry in document["Parameters"]}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-n", "pipelines.candidat"], "did you mean 'pipelines.candidate'"),
        (["-n", "abalone"], "valid: pipelines.candidate, pipelines.production"),
        (["-n", "pipelines.candidate", "-kwargs", "__import__('os').abort()"], "neither JSON nor a Python"),
        (["-n", "pipelines.candidate", "--kwargs", '["a"]'], "expected an object"),
        (["-n", "pipelines.candidate", "--kwargs", '{"pipeline_nam": "x"}'], "did you mean 'pipeline_name'"),
        (["-n", "pipelines.candidate", "--kwargs", '{"defaults": null}'], "'defaults': expected an object"),
        (["-n", "pipelines.candidate", "--kwargs", '{"wire": 3}'], "expected text for wire"),
        (["-n", "pipelines.candidate", "--kwargs", "{[]: 1}"], "neither JSON nor a Python"),
        (["-n", "pipelines.production", "--kwargs", '{"model_image": "x"}'], "model_image"),
    ],
)
def test_what_is_wrong_is_said_in_words(words: list[str], message: str) -> None:
    """Nothing that a build file passes is run as code."""
    argv = [SCRIPTS / "get-pipeline-definition", *words]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert message in answer.stderr


def test_a_templates_words_become_ours() -> None:
    """Group and bucket are defaults of parameters; the role on the command line beats the one in kwargs."""
    kwargs: dict[str, Any] = {
        "role": "arn:aws:iam::1:role/a",
        "default_bucket": "artifacts",
        "pipeline_name": "churn-1",
        "model_package_group_name": "churn",
        "base_job_prefix": "churn",
        "defaults": {"MaxTransformInstances": 4},
    }
    wanted = project_pipeline("pipelines.candidate", kwargs, ROLE_ARN)
    assert (wanted.role_arn, wanted.name) == (ROLE_ARN, "churn-1")
    assert wanted.defaults == {
        "OutputUri": "s3://artifacts/churn-1/",
        "ModelPackageGroupName": "churn",
        "MaxTransformInstances": 4,
    }
    with pytest.raises(CallerError, match="did you mean 'pipeline_name'"):
        project_pipeline("pipelines.candidate", {"pipelinename": "x"})
