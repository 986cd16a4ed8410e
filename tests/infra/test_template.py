"""The template by itself: what linters say, what it refuses, and what it says twice."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cloudformation_yaml import read_template
from emulated_account import PARAMETERS, TEMPLATE, EmulatedAccount, StackFacts, template_text

from pipelines import candidate, production, resume
from pipelines.parameter_specs import PARAMETER_SPECS
from runner.aws.stack import DEFAULT_OUTPUTS, NAME_OUTPUTS, StackSettings

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "tests" / "events"
MAX_INLINE_BYTES = 51_200
"""[doc] `TemplateBody` of CreateStack: a longer one must be put into a bucket first."""


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return read_template(TEMPLATE)


def test_template_can_be_deployed_without_a_bucket_for_it() -> None:
    """One command must do, also in an account that has nothing yet."""
    assert len(TEMPLATE.read_bytes()) <= MAX_INLINE_BYTES


@pytest.mark.functional
def test_cfn_lint_finds_nothing(run_tool: Any) -> None:
    """With every rule, and nothing let through."""
    found = run_tool("cfn-lint", "--include-checks", "I", "--", TEMPLATE)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def checkov_report(run_tool: Any) -> dict[str, Any]:
    found = run_tool(
        "checkov", "-f", TEMPLATE, "--framework", "cloudformation", "-o", "json", "--skip-download"
    )
    report: dict[str, Any] = json.loads(found.stdout)
    return report


@pytest.mark.functional
def test_checkov_finds_nothing_but_what_the_template_justifies(checkov_report: dict[str, Any]) -> None:
    """Each exception stands beside its resource, with its reason."""
    results = checkov_report["results"]
    assert [f"{check['check_id']} {check['resource']}" for check in results["failed_checks"]] == []
    assert checkov_report["summary"]["parsing_errors"] == 0
    assert checkov_report["summary"]["passed"] > 0
    assert all(len(check["check_result"]["suppress_comment"]) > 20 for check in results["skipped_checks"])


@pytest.mark.functional
def test_every_exception_for_checkov_is_still_one(
    template: dict[str, Any], checkov_report: dict[str, Any]
) -> None:
    """A check that does not exist, or passes, needs no exception."""
    used = {
        (check["resource"].rpartition(".")[2], check["check_id"])
        for check in checkov_report["results"]["skipped_checks"]
    }
    written = {
        (name, entry["id"])
        for name, resource in template["Resources"].items()
        for entry in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    }
    assert written == used


def _target_parameters(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the pipeline parameters that each schedule and rule gives, by the name of its resource."""
    found = {}
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        for target in [properties.get("Target", {}), *properties.get("Targets", [])]:
            entries = target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])
            if entries:
                found[name] = {entry["Name"]: entry["Value"] for entry in entries}
    return found


def test_schedule_and_rules_give_parameters_that_production_has(template: dict[str, Any]) -> None:
    """In every shape of the pipeline; a name that it does not have would fail every start."""
    given = _target_parameters(template)
    shapes = [
        production.get_pipeline(prepare=prepare, transform_sizing=sizing)
        for prepare in ("single", "sharded")
        for sizing in ("planned", "fixed")
    ]
    declared = set.intersection(
        *({parameter.name for parameter in pipeline.parameters} for pipeline in shapes)
    )

    assert set(given) == {"WeeklyRun", "NewInputRule"}
    assert {name for parameters in given.values() for name in parameters} <= declared


def test_values_picked_from_an_event_are_values_that_the_pipeline_takes(template: dict[str, Any]) -> None:
    """`$.detail.inputUri` is there in the event that the data owner sends, and is a folder."""
    event = json.loads((EVENTS / "input_ready.json").read_text())
    for name, path in _target_parameters(template)["NewInputRule"].items():
        value = event
        for part in path.removeprefix("$.").split("."):
            value = value[part]
        assert PARAMETER_SPECS[name].fault_of(value) == ""


def test_the_moment_that_scheduler_fills_in_is_a_run_date(template: dict[str, Any]) -> None:
    """[doc] `<aws.scheduler.scheduled-time>` becomes such as 2022-03-22T18:59:43Z."""
    assert _target_parameters(template)["WeeklyRun"]["RunDate"] == "<aws.scheduler.scheduled-time>"
    assert PARAMETER_SPECS["RunDate"].fault_of("2022-03-22T18:59:43Z") == ""


def test_names_are_by_default_those_of_the_pipelines(template: dict[str, Any]) -> None:
    """So that `batchscore upsert` without a name makes what the rules start."""
    defaults = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
    assert defaults["ProductionPipelineName"] == production.DEFAULT_NAME
    assert defaults["CandidatePipelineName"] == candidate.DEFAULT_NAME
    assert f"pipeline/{resume.DEFAULT_NAME}/execution/*" in TEMPLATE.read_text()
    assert defaults["ModelPackageGroupName"] == PARAMETER_SPECS["ModelPackageGroupName"].default


@pytest.mark.functional
def test_outputs_are_what_commands_read(stack: StackFacts) -> None:
    """Each setting that `--stack` gives is there, in the form that the pipelines take."""
    settings = StackSettings(outputs=stack.outputs)
    assert set(settings.defaults) == set(DEFAULT_OUTPUTS)
    assert {name: PARAMETER_SPECS[name].fault_of(value) for name, value in settings.defaults.items()} == (
        dict.fromkeys(DEFAULT_OUTPUTS, "")
    )
    assert settings.role_arn.startswith("arn:aws:iam::")
    assert all(settings.pipeline_name(pipeline) for pipeline in NAME_OUTPUTS)
    assert settings.security == {
        "kms_key_id": PARAMETERS["KmsKeyArn"],
        "subnet_ids": ("subnet-0a", "subnet-0b"),
        "security_group_ids": ("sg-0a",),
    }


@pytest.mark.functional
@pytest.mark.parametrize(
    "wrong",
    [
        {"ImageUri": "batchscore:latest"},
        {"InputPrefix": "input"},
        {"OutputPrefix": "output/*/"},
        {"ProductionPipelineName": "Batchscore-Production"},
        {"ModelPackageGroupName": "batch_score"},
        {"KmsKeyArn": "alias/batchscore"},
        {"SubnetIds": ""},
        {"SecurityGroupIds": ""},
        {"GitHubSubject": ""},
        {"GitHubSubject": "repo:example/*:environment:production"},
        {"GitHubSubject": "repo:example/scoring:*"},
        {"NotificationEmail": "nobody"},
        {"ScheduleExpression": "every monday"},
        {"FlexibleWindowMinutes": "1441"},
    ],
    ids=lambda wrong: "-".join(f"{name}-{value}" for name, value in wrong.items()),
)
def test_what_would_fail_later_is_refused_before_anything_is_made(
    account: EmulatedAccount, wrong: Mapping[str, str]
) -> None:
    parameters = {**PARAMETERS, **wrong}
    with pytest.raises(ClientError, match="ValidationError"):
        account.client("cloudformation").create_stack(
            StackName="refused",
            TemplateBody=template_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )


def test_nothing_is_allowed_by_wildcard(template: dict[str, Any]) -> None:
    """Actions are named one by one; `*` as a resource stands only where its comment says why."""
    statements = [
        (name, statement)
        for name, resource in template["Resources"].items()
        for statement in _statements(resource["Properties"])
    ]
    assert len(statements) > 30
    for name, statement in statements:
        if statement["Effect"] == "Allow":
            assert "*" not in json.dumps(statement["Action"]), name
    commented = re.findall(r"# \[doc\] Th.* no resource.*\n *Resource: \"\*\"", TEMPLATE.read_text())
    assert len(commented) == TEMPLATE.read_text().count('Resource: "*"')


def _statements(value: Any) -> list[dict[str, Any]]:
    """Return every policy statement below a value, those in an If included."""
    if isinstance(value, dict) and {"Effect", "Action"} <= set(value):
        return [value]
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [statement for member in members for statement in _statements(member)]


def test_every_target_has_a_dead_letter_queue(template: dict[str, Any]) -> None:
    """What cannot be delivered is kept, and rings."""
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        for target in [properties.get("Target"), *properties.get("Targets", [])]:
            if target is not None:
                assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": "DeadLetterQueue.Arn"}}, name


def test_an_alarm_watches_every_rule(template: dict[str, Any]) -> None:
    """A rule that is added must be added there too."""
    resources = template["Resources"]
    watched = set(re.findall(r"'Ref': '(\w+Rule)'", str(resources["FailedInvocationsAlarm"])))
    assert watched == {name for name, entry in resources.items() if entry["Type"] == "AWS::Events::Rule"}


def test_a_week_without_a_successful_run_rings_even_without_any_run(template: dict[str, Any]) -> None:
    """[doc] Namespace and metric: "SageMaker pipelines metrics"; the window: "Alarm evaluation window"."""
    alarm = template["Resources"]["NoSuccessfulRunAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (
        "AWS/Sagemaker/ModelBuildingPipeline",
        "ExecutionSucceeded",
    )
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 7 * 24 * 3600
    assert alarm["TreatMissingData"] == "breaching"
    assert list(alarm["EvaluationWindow"]) == ["WallClockWindow"]


def test_the_stacks_bucket_cleans_up_incomplete_uploads(template: dict[str, Any]) -> None:
    """[doc] A failed transform job may leave parts behind."""
    rules = template["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert {"DaysAfterInitiation": 7} in [rule.get("AbortIncompleteMultipartUpload") for rule in rules]
