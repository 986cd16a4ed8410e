"""What every shape of the candidate and the production pipeline promises about its compiled definition."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_shapes import OPERATIONS, step_faults
from definition_walk import OTHER_IMAGE, all_steps, argument_pairs, expressions

from contracts.errors import CallerError
from pipelines.candidate import get_pipeline
from pipelines.parameter_specs import PARAMETER_SPECS

MAX_DEFINITION_BYTES = 100 * 1024
"""Above this the SDK uploads the definition to S3 instead of sending it."""


def _without_ledger_parameters(document: dict[str, Any]) -> list[Any]:
    """Everything but the `--parameter Name=Value` list, in which each parameter stands anyway."""
    steps = all_steps(document)
    report = steps.pop("ReportRun")
    arguments = {**report["Arguments"], "AppSpecification": argument_pairs(report)}
    steps.pop("CheckErrorBudget")
    conditions = all_steps(document)["CheckErrorBudget"]["Arguments"]["Conditions"]
    return [*steps.values(), arguments, conditions]


READ_BY_THE_REPORT = {
    f"Parameters.{name}" for name in ("HourlyPricesUsd", "QualityMetric", "MinQuality", "MaxDrift")
}
"""From the list of all parameters: `reporting.costs` and `reporting.gate` have the tests that they do."""


def test_every_declared_parameter_is_used_by_some_step(document: dict[str, Any]) -> None:
    """A parameter that only the ledger records would be a setting that sets nothing."""
    declared = {f"Parameters.{parameter['Name']}" for parameter in document["Parameters"]}
    used = set(expressions(_without_ledger_parameters(document), "Get"))
    assert declared - used - READ_BY_THE_REPORT == set()


def test_every_parameter_that_is_used_is_declared(document: dict[str, Any]) -> None:
    """The service refuses a definition that reads an unknown parameter."""
    declared = {f"Parameters.{parameter['Name']}" for parameter in document["Parameters"]}
    used = {name for name in expressions(document["Steps"], "Get") if name.startswith("Parameters.")}
    assert used - declared == set()


def test_the_ledger_is_told_every_parameter(document: dict[str, Any]) -> None:
    """`--parameter Name=Value` comes once for each parameter, in the declared order."""
    arguments = all_steps(document)["ReportRun"]["Arguments"]["AppSpecification"]["ContainerArguments"]
    values = [arguments[at + 1] for at, part in enumerate(arguments) if part == "--parameter"]
    names = [parameter["Name"] for parameter in document["Parameters"]]
    expected = [{"Std:Join": {"On": "=", "Values": [name, {"Get": f"Parameters.{name}"}]}} for name in names]
    assert values == expected


def test_every_json_get_reads_a_property_file_that_its_step_declares(document: dict[str, Any]) -> None:
    """And the file lies in an output of that step."""
    steps = all_steps(document)
    for expression in expressions(document["Steps"], "Std:JsonGet"):
        _, step_name, _, file_name = expression["PropertyFile"]["Get"].split(".")
        files = {file["PropertyFileName"]: file for file in steps[step_name]["PropertyFiles"]}
        outputs = steps[step_name]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
        assert files[file_name]["OutputName"] in {output["OutputName"] for output in outputs}


def test_every_steps_arguments_are_what_the_api_takes(document: dict[str, Any]) -> None:
    """Names, types, enums, patterns, lengths and ranges, read off botocore's shapes."""
    steps = [step for step in all_steps(document).values() if step["Type"] in OPERATIONS]
    assert [fault for step in steps for fault in step_faults(step)] == []


def test_parameter_names_suit_event_rules_and_types_suit_defaults(document: dict[str, Any]) -> None:
    """EventBridge accepts no `_` in the names of the parameters that a rule passes [doc]."""
    kinds = {"String": str, "Integer": int, "Float": float}
    for parameter in document["Parameters"]:
        assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", parameter["Name"])
        assert isinstance(parameter.get("DefaultValue", kinds[parameter["Type"]]()), kinds[parameter["Type"]])


def test_only_what_nobody_else_can_know_has_no_default(document: dict[str, Any]) -> None:
    """Everything else may be left out at a start."""
    required = {parameter["Name"] for parameter in document["Parameters"] if "DefaultValue" not in parameter}
    model = "ModelArtifactUri" if "RegisterModel" in all_steps(document) else "ModelPackageArn"
    assert required == {"InputUri", "ContractUri", "OutputUri", model, "ImageUri"}


def test_default_payload_times_concurrency_stays_within_the_service_limit(document: dict[str, Any]) -> None:
    """`MaxConcurrentTransforms` times `MaxPayloadInMB` may be 100 at most [doc]."""
    defaults = {parameter["Name"]: parameter.get("DefaultValue") for parameter in document["Parameters"]}
    assert defaults["MaxConcurrentTransforms"] * defaults["MaxPayloadInMB"] <= 100


def test_no_data_error_is_retried_and_every_working_step_has_retries(document: dict[str, Any]) -> None:
    """A retry can only help against faults of the platform."""
    platform_faults = {
        "Step.SERVICE_FAULT",
        "Step.THROTTLING",
        "SageMaker.JOB_INTERNAL_ERROR",
        "SageMaker.CAPACITY_ERROR",
        "SageMaker.RESOURCE_LIMIT",
    }
    for step in all_steps(document).values():
        if step["Type"] in OPERATIONS:
            kinds = {kind for policy in step["RetryPolicies"] for kind in policy["ExceptionType"]}
            assert kinds
            assert kinds <= platform_faults


def test_no_step_is_cached(document: dict[str, Any]) -> None:
    """The cache compares URIs, not objects: it would answer new input with old shards [doc]."""
    assert [enabled for enabled in expressions(document, "Enabled") if enabled] == []


def test_every_processing_container_is_without_network_and_has_a_time_limit(document: dict[str, Any]) -> None:
    """Customer records stay inside, and a container that hangs is stopped."""
    for step in all_steps(document).values():
        if step["Type"] == "Processing":
            assert step["Arguments"]["NetworkConfig"]["EnableNetworkIsolation"] is True
            limit = step["Arguments"]["StoppingCondition"]["MaxRuntimeInSeconds"]
            assert limit == {"Get": "Parameters.MaxProcessingRuntimeInSeconds"}


def test_no_job_reads_and_writes_the_same_prefix(document: dict[str, Any]) -> None:
    """The service refuses a processing job whose input is its output [issues: sdk#1950]."""
    for step in all_steps(document).values():
        if step["Type"] == "Processing":
            inputs = [given["S3Input"]["S3Uri"] for given in step["Arguments"]["ProcessingInputs"]]
            outputs = step["Arguments"]["ProcessingOutputConfig"]["Outputs"]
            assert [wanted for wanted in outputs if wanted["S3Output"]["S3Uri"] in inputs] == []


def test_every_step_reads_well_in_studio(document: dict[str, Any]) -> None:
    """Each has a display name and a description, within the API's lengths."""
    for step in all_steps(document).values():
        assert 0 < len(step["DisplayName"]) <= 256
        assert 0 < len(step["Description"]) <= 3072


def test_no_condition_stands_inside_another(document: dict[str, Any]) -> None:
    """Condition steps do not nest [doc]."""
    branches = all_steps(document)["CheckErrorBudget"]["Arguments"]
    inner = [*branches["IfSteps"], *branches["ElseSteps"]]
    assert [step["Name"] for step in inner if step["Type"] == "Condition"] == []


def test_reports_pointer_is_uploaded_last(default_document: dict[str, Any]) -> None:
    """Whoever follows the pointer must find the scores."""
    outputs = all_steps(default_document)["ReportRun"]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    assert [output["OutputName"] for output in outputs] == ["scores", "report", "history", "pointer"]


def test_report_waits_for_the_scores(default_document: dict[str, Any]) -> None:
    """Its inputs are joined from parameters, so that nothing else makes it wait."""
    assert all_steps(default_document)["ReportRun"]["DependsOn"] == ["ScoreShards"]


def test_csv_wire_sends_lines_without_the_id_and_joins_it_on_again() -> None:
    """The container sees features only; the output has id and score."""
    arguments = _score_shards(wire="csv")
    assert arguments["DataProcessing"] == {
        "InputFilter": "$[1:]",
        "JoinSource": "Input",
        "OutputFilter": "$[0,-1]",
    }
    assert arguments["BatchStrategy"] == "MultiRecord"
    assert arguments["TransformInput"]["SplitType"] == arguments["TransformOutput"]["AssembleWith"] == "Line"


def test_recordio_wire_sends_records_and_takes_lines() -> None:
    """No filter and no join: DataProcessing knows CSV and JSON only."""
    arguments = _score_shards(wire="recordio")
    assert "DataProcessing" not in arguments
    assert arguments["BatchStrategy"] == "MultiRecord"
    assert arguments["TransformInput"]["ContentType"] == "application/x-recordio-protobuf"
    assert arguments["TransformInput"]["SplitType"] == "RecordIO"
    assert arguments["TransformOutput"]["Accept"] == "text/csv"
    assert arguments["TransformOutput"]["AssembleWith"] == "Line"


def test_parquet_wire_sends_whole_shards(default_document: dict[str, Any]) -> None:
    """Nothing splits Parquet: no strategy, no split, no filter."""
    arguments = all_steps(default_document)["ScoreShards"]["Arguments"]
    assert {"BatchStrategy", "DataProcessing"} & set(arguments) == set()
    assert "SplitType" not in arguments["TransformInput"]


def test_fixed_sizing_has_its_own_parameter_in_place_of_the_ceiling() -> None:
    """Only the parameters of the chosen shape exist."""
    names = {parameter.name for parameter in get_pipeline(transform_sizing="fixed").parameters}
    assert "TransformInstanceCount" in names
    assert "MaxTransformInstances" not in names


def test_sharded_form_divides_the_source_and_plans_on_one_instance(sharded_document: dict[str, Any]) -> None:
    """The plan of all parts is made once, by the step that declares the property file."""
    steps = all_steps(sharded_document)
    source = steps["PrepareInput"]["Arguments"]["ProcessingInputs"][0]["S3Input"]
    assert source["S3DataDistributionType"] == "ShardedByS3Key"
    assert argument_pairs(steps["PrepareInput"])["--part-only"] == "true"
    assert "PropertyFiles" not in steps["PrepareInput"]
    assert steps["PlanScoring"]["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1
    assert steps["PlanScoring"]["PropertyFiles"][0]["PropertyFileName"] == "ScoringPlan"


def test_sharded_report_reads_what_plan_scoring_wrote(sharded_document: dict[str, Any]) -> None:
    """And PlanScoring reads what PrepareInput wrote, though S3 prefixes are string prefixes."""
    steps = all_steps(sharded_document)
    parts = steps["PrepareInput"]["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    planned = steps["PlanScoring"]["Arguments"]
    assert planned["ProcessingInputs"][0]["S3Input"]["S3Uri"] == parts
    plan = planned["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    assert steps["ReportRun"]["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"] == plan


def test_role_and_name_are_the_callers() -> None:
    """The definition that is upserted names the role that the jobs get."""
    role_arn = "arn:aws:iam::123456789012:role/scoring"
    pipeline = get_pipeline(role_arn=role_arn, pipeline_name="churn", region="eu-west-1")
    assert pipeline.name == "churn"
    assert role_arn in pipeline.definition()
    assert pipeline.sagemaker_session.boto_region_name == "eu-west-1"


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"wire": "parqet"}, "did you mean 'parquet'?"),
        ({"transform_sizing": "x"}, "valid: fixed, planned"),
        ({"prepare": "shard"}, "did you mean 'sharded'?"),
    ],
)
def test_unknown_choice_is_refused_with_the_valid_ones(choice: dict[str, str], message: str) -> None:
    """Before anything is built."""
    with pytest.raises(CallerError, match=re.escape(message)):
        get_pipeline(**choice)


def test_definition_is_small_enough_to_be_sent_inline() -> None:
    """The sharded form is the longest."""
    assert len(get_pipeline(prepare="sharded").definition().encode()) < MAX_DEFINITION_BYTES


def _score_shards(**choices: str) -> dict[str, Any]:
    pipeline = get_pipeline(**choices)
    branches = next(step for step in pipeline.steps if step.name == "CheckErrorBudget")
    step = next(step for step in branches.if_steps if step.name == "ScoreShards")
    arguments: dict[str, Any] = step.arguments
    return arguments


def test_a_model_image_is_the_default_of_a_parameter_that_only_the_registration_reads() -> None:
    """Processing stays with the image of all jobs, which still has to be named at every start."""
    document = json.loads(get_pipeline(wire="csv", model_image=OTHER_IMAGE).definition())
    defaults = {parameter["Name"]: parameter.get("DefaultValue") for parameter in document["Parameters"]}
    assert (defaults["ModelImageUri"], defaults["ImageUri"]) == (OTHER_IMAGE, None)
    steps = all_steps(document)
    (container,) = steps["RegisterModel"]["Arguments"]["InferenceSpecification"]["Containers"]
    assert container["Image"] == {"Get": "Parameters.ModelImageUri"}
    images = [
        step["Arguments"]["AppSpecification"]["ImageUri"]
        for step in steps.values()
        if step["Type"] == "Processing"
    ]
    assert images == [{"Get": "Parameters.ImageUri"}] * 2


def test_without_a_model_image_one_image_runs_everything(default_document: dict[str, Any]) -> None:
    """Nobody is asked for a second one."""
    (container,) = all_steps(default_document)["RegisterModel"]["Arguments"]["InferenceSpecification"][
        "Containers"
    ]
    assert container["Image"] == {"Get": "Parameters.ImageUri"}
    assert "ModelImageUri" not in {parameter["Name"] for parameter in default_document["Parameters"]}


@pytest.mark.parametrize("uri", ["an image", "i" * 256, "image\n"])
def test_a_model_image_that_no_container_can_have_is_refused(uri: str) -> None:
    """[src] `ContainerImage` of the API: at most 255 characters without white space."""
    with pytest.raises(CallerError, match="expected the URI of an image"):
        get_pipeline(model_image=uri)


def test_the_quality_gate_waits_for_the_report_and_stands_beside_the_error_budget(
    default_document: dict[str, Any],
) -> None:
    """Conditions do not nest; one that waits for a step of a branch not taken is never reached."""
    *_, budget, quality = default_document["Steps"]
    assert (budget["Name"], quality["Name"]) == ("CheckErrorBudget", "CheckQuality")
    assert quality["DependsOn"] == ["ReportRun"]
    assert [step["Name"] for step in quality["Arguments"]["ElseSteps"]] == ["FailQuality"]
    report = all_steps(default_document)["ReportRun"]
    (gate,) = report["PropertyFiles"]
    assert gate == {"PropertyFileName": "QualityGate", "OutputName": "report", "FilePath": "gate.json"}


def test_a_registered_package_says_which_run_judges_it(default_document: dict[str, Any]) -> None:
    arguments = all_steps(default_document)["RegisterModel"]["Arguments"]
    assert set(arguments["CustomerMetadataProperties"]) == {"RunId", "ReportUri"}
    words = arguments["ModelPackageDescription"]["Std:Join"]["Values"]
    assert "Approve it only if that run succeeded" in "".join(word for word in words if isinstance(word, str))


@pytest.mark.parametrize(
    ("prices", "is_right"),
    [
        ("", True),
        ("ml.m5.xlarge=0.23, ml.m5.2xlarge=1", True),
        ("0.23", False),
        ("ml.m5.xlarge=cheap", False),
    ],
)
def test_prices_are_checked_before_anything_is_paid_for(prices: str, is_right: bool) -> None:
    assert (PARAMETER_SPECS["HourlyPricesUsd"].fault_of(prices) == "") is is_right
