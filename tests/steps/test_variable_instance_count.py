"""The instance count of a transform job may be a pipeline variable, as the emitted JSON shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.candidate import get_pipeline
from pipelines.offline_session import OfflinePipelineSession
from steps.borrowed_settings import building_job_step
from steps.sdk import ParameterInteger, Transformer, TransformStep
from steps.variable_instance_count import VariableCountTransformer


def _resources(**choices: str) -> dict[str, Any]:
    steps = json.loads(get_pipeline(**choices).definition())["Steps"]
    scoring = next(step for step in steps[-2]["Arguments"]["IfSteps"] if step["Name"] == "ScoreShards")
    resources: dict[str, Any] = scoring["Arguments"]["TransformResources"]
    return resources


def _arguments(transformer_type: Any, instance_count: Any) -> dict[str, Any]:
    """Compile one transform step with the given transformer and count."""
    with building_job_step():
        transformer = transformer_type(
            model_name="m",
            instance_count=instance_count,
            instance_type="ml.m5.xlarge",
            output_path="s3://bucket/out/",
            base_transform_job_name="score",
            sagemaker_session=OfflinePipelineSession(),
        )
        step = TransformStep(name="Score", step_args=transformer.transform(data="s3://bucket/in/"))
    arguments: dict[str, Any] = step.arguments
    return arguments


def test_planned_sizing_reads_the_count_from_the_plan() -> None:
    """`Std:JsonGet` stands where the API has an integer [ran 3.27]."""
    assert _resources()["InstanceCount"] == {
        "Std:JsonGet": {
            "PropertyFile": {"Get": "Steps.PrepareInput.PropertyFiles.ScoringPlan"},
            "Path": "transform_instance_count",
        }
    }


def test_fixed_sizing_reads_the_count_from_a_parameter() -> None:
    """`Get` stands where the API has an integer [ran 3.27]."""
    resources = _resources(transform_sizing="fixed")
    assert resources["InstanceCount"] == {"Get": "Parameters.TransformInstanceCount"}


def test_plain_count_and_everything_else_is_left_as_the_sdk_makes_it() -> None:
    """The work-around changes one value."""
    assert _arguments(VariableCountTransformer, 3) == _arguments(Transformer, 3)


def test_the_sdk_still_needs_the_work_around() -> None:
    """When this fails, `VariableCountTransformer` can be deleted in favour of `Transformer`."""
    with pytest.raises(Exception, match="instance_count"):
        _arguments(Transformer, ParameterInteger(name="Count", default_value=1))
