"""What every shape of the resume pipeline promises about its compiled definition."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_shapes import OPERATIONS, step_faults
from definition_walk import all_steps, argument_pairs, expressions

from contracts.errors import CallerError
from pipelines.definition import definition_document
from pipelines.resume import get_pipeline

OWN_PARAMETERS = {
    "RunId",
    "RunStartedAt",
    "RunPipelineName",
    "ModelPackageArn",
    "ShardManifestUri",
    "ContractFingerprint",
}
EXECUTION_FACTS = "Execution."


def parameter(name: str) -> dict[str, str]:
    return {"Get": f"Parameters.{name}"}


GATE = ["CheckQuality", "FailQuality"]


def told_to_the_ledger(document: dict[str, Any]) -> list[str]:
    arguments = all_steps(document)["ReportRun"]["Arguments"]["AppSpecification"]["ContainerArguments"]
    values = [arguments[at + 1] for at, part in enumerate(arguments) if part == "--parameter"]
    return [value["Std:Join"]["Values"][0] for value in values]


@pytest.mark.parametrize(
    ("resume_at", "steps"),
    [
        ("register", ["RegisterModel", "CreateModel", "ScoreShards", "ReportRun", *GATE]),
        ("score", ["CreateModel", "ScoreShards", "ReportRun", *GATE]),
        ("report", ["ReportRun", *GATE]),
    ],
)
def test_only_what_is_left_of_the_run_is_there(resume_at: str, steps: list[str]) -> None:
    """A transform job without objects would be refused, so that the last shape has none."""
    assert list(all_steps(definition_document("resume", resume_at=resume_at))) == steps


def test_arguments_are_what_the_api_takes(resume_document: dict[str, Any]) -> None:
    """Names, types, enums, patterns, lengths and ranges, read off botocore's shapes."""
    steps = [step for step in all_steps(resume_document).values() if step["Type"] in OPERATIONS]
    assert [fault for step in steps for fault in step_faults(step)] == []


def test_every_place_is_the_resumed_run_s(resume_document: dict[str, Any]) -> None:
    """Nothing is taken from the execution that resumes: neither its id, nor its start, nor its name."""
    assert [name for name in expressions(resume_document, "Get") if name.startswith(EXECUTION_FACTS)] == []
    facts = argument_pairs(all_steps(resume_document)["ReportRun"])
    assert facts["--run-id"] == parameter("RunId")
    assert facts["--started-at"] == parameter("RunStartedAt")
    assert facts["--pipeline-name"] == parameter("RunPipelineName")


@pytest.mark.parametrize("choices", [{}, {"transform_sizing": "fixed", "prepare": "sharded", "wire": "csv"}])
def test_steps_are_the_candidate_s_but_for_whose_run_it_is(choices: dict[str, str]) -> None:
    """The ledger is told the same parameters, scores go to the same places, the container gets the same."""
    candidate = all_steps(definition_document("candidate", **choices))
    resume = all_steps(definition_document("resume", **choices))
    report, transform = (resume[name]["Arguments"] for name in ("ReportRun", "ScoreShards"))
    own = {
        "PipelineExecutionId": "RunId",
        "StartDateTime": "RunStartedAt",
        "PipelineName": "RunPipelineName",
    }

    def resumed(value: Any) -> Any:
        if isinstance(value, dict) and str(value.get("Get", "")).startswith(EXECUTION_FACTS):
            return parameter(own[value["Get"][len(EXECUTION_FACTS) :]])
        if value == {"Std:Join": {"On": "", "Values": [{"Get": "Steps.RegisterModel.ModelPackageArn"}]}}:
            return parameter("ModelPackageArn")  # the SDK's spelling of a property as text
        if isinstance(value, dict):
            return {key: resumed(part) for key, part in value.items()}
        return [resumed(part) for part in value] if isinstance(value, list) else value

    original = resumed(candidate["ScoreShards"]["Arguments"])
    assert report == resumed(candidate["ReportRun"]["Arguments"])
    for name in ("TransformInput", "TransformResources", "Environment"):
        original.pop(name)
    assert {name: transform[name] for name in original} == original


def test_shards_come_from_an_s3_manifest_file() -> None:
    """[doc] S3DataType ManifestFile: the URI names one object that lists the others."""
    arguments = all_steps(definition_document("resume"))["ScoreShards"]["Arguments"]
    source = arguments["TransformInput"]["DataSource"]["S3DataSource"]
    assert source == {"S3DataType": "ManifestFile", "S3Uri": parameter("ShardManifestUri")}
    assert arguments["TransformResources"]["InstanceCount"] == parameter("TransformInstanceCount")
    assert list(arguments["Environment"].values()) == [parameter("ContractFingerprint")]


def test_every_parameter_is_used_or_told_to_the_ledger(resume_document: dict[str, Any]) -> None:
    """And every one that is used is declared, once."""
    names = [entry["Name"] for entry in resume_document["Parameters"]]
    used = {name for name in expressions(resume_document["Steps"], "Get") if name.startswith("Parameters.")}
    assert {f"Parameters.{name}" for name in names} == used
    assert len(names) == len(set(names))


def test_the_ledger_is_not_told_what_only_a_resumption_needs(resume_document: dict[str, Any]) -> None:
    """It tells how the run was asked for, and nobody asked for its being lost."""
    told = set(told_to_the_ledger(resume_document))
    of_a_production_run = {"ModelPackageArn"} if "ModelArtifactUri" not in told else set()
    assert OWN_PARAMETERS & told == of_a_production_run


def test_the_report_waits_for_scores_only_where_any_are_made() -> None:
    """Its inputs are joined from parameters, so that nothing else makes it wait."""
    scoring, reporting = (definition_document("resume", resume_at=at) for at in ("score", "report"))
    assert all_steps(scoring)["ReportRun"]["DependsOn"] == ["ScoreShards"]
    assert "DependsOn" not in all_steps(reporting)["ReportRun"]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"resume_at": "reports"}, "resume_at 'reports' is unknown; did you mean 'report'?"),
        ({"wire": "parqet"}, "did you mean 'parquet'?"),
    ],
)
def test_unknown_choice_is_refused_with_the_valid_ones(choice: dict[str, str], message: str) -> None:
    """Before anything is built."""
    with pytest.raises(CallerError, match=re.escape(message)):
        get_pipeline(**choice)  # type: ignore[arg-type]  # the names are the test's own
