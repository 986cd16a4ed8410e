"""`batchscore upsert` shows what changes, changes it, and keeps what AWS would drop."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from emulated_aws import PLACES, REGION, ROLE_ARN, stub_stack

pytestmark = pytest.mark.functional

NAME = "batchscore-production"
PLACE_OPTIONS = [part for name, value in PLACES.items() for part in ("-p", f"{name}={value}")]


def _client() -> Any:
    return boto3.client("sagemaker", region_name=REGION)


def _defaults() -> dict[str, Any]:
    definition = json.loads(_client().describe_pipeline(PipelineName=NAME)["PipelineDefinition"])
    return {entry["Name"]: entry.get("DefaultValue") for entry in definition["Parameters"]}


def _upsert(batchscore: Any, *words: str) -> dict[str, Any]:
    answer = batchscore("upsert", "--role-arn", ROLE_ARN, "--json", *words)
    assert (answer.exit_code, answer.err) == (0, "")
    facts: dict[str, Any] = json.loads(answer.out)
    return facts


def test_a_new_pipeline_is_created_with_what_was_typed(batchscore: Any) -> None:
    """Under its default name, with the role, the defaults and the tags."""
    facts = _upsert(batchscore, *PLACE_OPTIONS, "--tag", "team=growth", "--max-parallel-steps", "4")
    assert (facts["action"], facts["applied"]) == ("create", True)
    described = _client().describe_pipeline(PipelineName=NAME)
    assert described["RoleArn"] == ROLE_ARN
    assert described["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 4}
    assert _defaults()["InputUri"] == PLACES["InputUri"]
    tags = _client().list_tags(ResourceArn=described["PipelineArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "growth"}]


def test_what_did_not_change_is_left_alone(batchscore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time, no call that changes anything is made."""
    _upsert(batchscore, *PLACE_OPTIONS)
    calls: list[str] = []
    make = boto3.session.Session.client

    def watched(session: Any, *words: Any, **named: Any) -> Any:
        client = make(session, *words, **named)
        client.meta.events.register("before-call.sagemaker", lambda model, **_rest: calls.append(model.name))
        return client

    monkeypatch.setattr(boto3.session.Session, "client", watched)
    facts = _upsert(batchscore, *PLACE_OPTIONS)
    assert (facts["action"], facts["changes"]) == ("nothing", [])
    assert set(calls) == {"DescribePipeline", "ListTags"}


def test_a_change_is_shown_and_nothing_else_is_lost(batchscore: Any) -> None:
    """Parallelism, tags and the defaults that only the deployment knows stay."""
    _upsert(batchscore, *PLACE_OPTIONS, "--tag", "team=growth", "--max-parallel-steps", "4")
    answer = batchscore("upsert", "--role-arn", ROLE_ARN, "-p", "MaxTransformInstances=8", "--tag", "a=b")
    assert "  ~ Parameters.MaxTransformInstances.DefaultValue: " in answer.out
    assert "-> 8" in answer.out
    assert '  + Tags.a: "b"' in answer.out
    assert answer.out.count("\n  ") == 1
    described = _client().describe_pipeline(PipelineName=NAME)
    assert described["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 4}
    assert {name: _defaults()[name] for name in PLACES} == PLACES
    tags = _client().list_tags(ResourceArn=described["PipelineArn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "growth", "a": "b"}


def test_shape_and_defaults_stay_as_deployed_until_they_are_reset(batchscore: Any) -> None:
    """Who deploys next need not know what an operator tuned."""
    shape = ["--wire", "csv", "--prepare", "sharded", "--kms-key", "alias/own"]
    _upsert(
        batchscore, *PLACE_OPTIONS, *shape, "-p", "MaxTransformInstances=3", "-p", "ProcessingInstanceCount=4"
    )
    answer = batchscore("upsert", "--json")
    assert (answer.exit_code, json.loads(answer.out)["action"]) == (0, "nothing")
    facts = _upsert(batchscore, "--reset-defaults")
    assert {line.split(":")[0] for line in facts["changes"]} == {
        "~ Parameters.MaxTransformInstances.DefaultValue",
        "~ Parameters.ProcessingInstanceCount.DefaultValue",
    }
    assert {name: _defaults()[name] for name in PLACES} == PLACES
    facts = _upsert(batchscore, "--wire", "jsonlines", "--prepare", "single")
    assert "- Parameters.ProcessingInstanceCount" in " ".join(facts["changes"])
    text = _client().describe_pipeline(PipelineName=NAME)["PipelineDefinition"]
    assert '"VolumeKmsKeyId": "alias/own"' in text


def test_a_pipeline_of_another_kind_is_not_replaced(batchscore: Any) -> None:
    """Its name was typed by mistake, or the kind was."""
    _upsert(batchscore, *PLACE_OPTIONS)
    answer = batchscore("upsert", "--pipeline", "candidate", "--name", NAME)
    assert answer.exit_code == 2
    assert "is a production pipeline, no candidate; name another" in answer.err


def test_show_changes_nothing(batchscore: Any) -> None:
    """Also where there is nothing yet."""
    facts = _upsert(batchscore, *PLACE_OPTIONS, "--show")
    assert (facts["action"], facts["applied"]) == ("create", False)
    assert _client().list_pipelines()["PipelineSummaries"] == []


def test_settings_come_from_the_stack_and_what_is_typed_beats_them(
    batchscore: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One stack has role, names, places, key and VPC of the deployment."""
    outputs = {
        "PipelineRoleArn": ROLE_ARN,
        "ProductionPipelineName": "scoring-prod",
        "KmsKeyId": "alias/scoring",
        "SubnetIds": "subnet-a,subnet-b",
        "SecurityGroupIds": "sg-a",
        "ModelPackageGroupName": "churn",
        **PLACES,
    }
    stub_stack(monkeypatch, outputs)
    answer = batchscore("upsert", "--stack", "scoring", "-p", "InputUri=s3://other/in/")
    assert answer.exit_code == 0
    text = _client().describe_pipeline(PipelineName="scoring-prod")["PipelineDefinition"]
    defaults = {entry["Name"]: entry.get("DefaultValue") for entry in json.loads(text)["Parameters"]}
    assert (defaults["InputUri"], defaults["OutputUri"]) == ("s3://other/in/", PLACES["OutputUri"])
    assert '"VolumeKmsKeyId": "alias/scoring"' in text
    assert '"Subnets": ["subnet-a", "subnet-b"]' in text


def test_a_stack_that_is_not_there_is_named(batchscore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that makes it."""
    stub_stack(monkeypatch, None)
    answer = batchscore("upsert", "--stack", "scoring")
    assert answer.exit_code == 2
    assert "--stack scoring: there is no such stack in us-east-1; `make deploy` makes it" in answer.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no role is named"),
        (["--role-arn", ROLE_ARN, "--pipeline", "prodction"], "did you mean 'production'"),
        (["--role-arn", ROLE_ARN, "-p", "InputURI=s3://a/b/"], "did you mean 'InputUri'"),
        (["--role-arn", ROLE_ARN, "-p", "InputUri=s3://a/b"], "ends with '/'"),
        (["--role-arn", ROLE_ARN, "--subnet", "subnet-a"], "go together"),
        (["--role-arn", ROLE_ARN, "--model-image", "churn:1"], "takes no 'model_image'"),
        (["--role-arn", ROLE_ARN, "--tag", "team"], "--tag team: expected Name=Value"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(
    batchscore: Any, words: list[str], message: str
) -> None:
    """One line, exit code 2, nothing deployed."""
    answer = batchscore("upsert", *words)
    assert answer.exit_code == 2
    assert message in answer.err
    assert "Traceback" not in answer.err
    assert _client().list_pipelines()["PipelineSummaries"] == []
