"""What the production pipeline promises beside what it shares with the candidate (`test_candidate`)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from definition_walk import KEY_ARN, SECURED, all_steps, argument_pairs

from contracts.errors import CallerError
from pipelines import candidate, production, resume
from steps.job_security import JobSecurity

PACKAGE_ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/churn/3"


def _compiled(builder: Any, **choices: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(builder.get_pipeline(**choices).definition())
    return document


def _defaults(document: dict[str, Any]) -> dict[str, Any]:
    return {parameter["Name"]: parameter.get("DefaultValue") for parameter in document["Parameters"]}


def test_production_is_the_candidate_without_its_registration() -> None:
    """And its gate. The same builders: every other step is the same, but for the package that scores."""
    candidates, productions = all_steps(_compiled(candidate)), all_steps(_compiled(production))
    assert set(candidates) - set(productions) == {"RegisterModel", "CheckQuality", "FailQuality"}
    for name in ("PrepareInput", "ScoreShards", "FailErrorBudget"):
        assert productions[name] == candidates[name]


def test_model_and_ledger_are_told_the_same_package() -> None:
    """What the report names is what scored."""
    steps = all_steps(_compiled(production))
    package = {"Get": "Parameters.ModelPackageArn"}
    assert steps["CreateModel"]["Arguments"]["PrimaryContainer"] == {"ModelPackageName": package}
    assert argument_pairs(steps["ReportRun"])["--model-package-arn"] == package


def test_defaults_are_the_caller_s_and_typed() -> None:
    """Text becomes a number where the parameter is one, as on a command line."""
    given = {"ModelPackageArn": PACKAGE_ARN, "MaxPayloadInMB": "20", "MaxQuarantineFraction": 0}
    defaults = _defaults(_compiled(production, defaults=given))
    assert defaults["ModelPackageArn"] == PACKAGE_ARN
    assert (defaults["MaxPayloadInMB"], defaults["MaxQuarantineFraction"]) == (20, 0.0)
    assert defaults["OutputFormat"] == "parquet"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ModelPackageARN": PACKAGE_ARN}, "did you mean 'ModelPackageArn'"),
        ({"ModelArtifactUri": "s3://b/m.tar.gz"}, "unknown parameter 'ModelArtifactUri'"),
        ({"MaxPayloadInMB": "many"}, "MaxPayloadInMB is 'many'; expected int"),
        (
            {"OutputFormat": "xml"},
            "OutputFormat is 'xml'; valid: csv; csv,jsonlines; jsonlines; parquet; parquet,csv",
        ),
        ({"InputUri": "s3://data/in"}, "ends with '/'"),
        ({"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2}, "is above 100"),
    ],
)
def test_a_default_that_no_run_could_use_is_refused(given: dict[str, Any], message: str) -> None:
    """When the definition is built, and not at three in the morning."""
    with pytest.raises(CallerError, match=message):
        production.get_pipeline(defaults=given)


@pytest.mark.parametrize("builder", [candidate, production, resume])
def test_key_and_vpc_reach_every_job_and_model(builder: Any) -> None:
    """Disks, outputs, network and traffic between instances; a transform job has its model's VPC."""
    vpc = {"SecurityGroupIds": ["sg-a"], "Subnets": ["subnet-a", "subnet-b"]}
    steps = all_steps(_compiled(builder, security=SECURED))
    for step in steps.values():
        arguments = step.get("Arguments", {})
        if step["Type"] == "Processing":
            assert arguments["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == KEY_ARN
            assert arguments["ProcessingOutputConfig"]["KmsKeyId"] == KEY_ARN
            assert arguments["NetworkConfig"] == {
                "EnableNetworkIsolation": True,
                "EnableInterContainerTrafficEncryption": True,
                "VpcConfig": vpc,
            }
        elif step["Type"] == "Transform":
            assert arguments["TransformResources"]["VolumeKmsKeyId"] == KEY_ARN
            assert arguments["TransformOutput"]["KmsKeyId"] == KEY_ARN
    assert steps["CreateModel"]["Arguments"]["VpcConfig"] == vpc
    assert steps["CreateModel"]["Arguments"]["EnableNetworkIsolation"] is True


def test_without_security_settings_no_step_has_any() -> None:
    """AWS's own keys, no VPC, and isolation all the same."""
    text = production.get_pipeline().definition()
    assert "Kms" not in text
    assert "VpcConfig" not in text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"subnet_ids": ("subnet-a",)}, "go together"),
        ({"security_group_ids": ("sg-a",)}, "go together"),
        ({"subnet_ids": ("s",) * 17, "security_group_ids": ("sg",)}, "17 given, the most is 16"),
        ({"subnet_ids": ("s",), "security_group_ids": ("sg",) * 6}, "6 given, the most is 5"),
        ({"kms_key_id": "a key"}, "'a key' is none"),
    ],
)
def test_security_settings_that_aws_would_refuse_are_refused(settings: Any, message: str) -> None:
    """[src] botocore's shapes."""
    with pytest.raises(CallerError, match=message):
        JobSecurity(**settings)


def test_a_production_run_is_resumed_with_its_own_parameters() -> None:
    """Nothing of the candidate's is asked for, and no registration can be taken up."""
    names = _defaults(_compiled(resume, resumed="production")).keys()
    assert "ModelPackageArn" in names
    assert not {"ModelArtifactUri", "ModelPackageGroupName", "ModelApprovalStatus"} & names
    with pytest.raises(CallerError, match="registers nothing"):
        resume.get_pipeline(resumed="production", resume_at="register")
