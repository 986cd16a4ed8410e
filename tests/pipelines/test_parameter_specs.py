"""The table of pipeline parameters."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from definition_walk import CHOICES, RESUME_CHOICES

from contracts.errors import CallerError
from pipelines.candidate import get_pipeline
from pipelines.parameter_specs import PARAMETER_SPECS, ParameterSpec, check_values
from pipelines.resume import get_pipeline as get_resume_pipeline

ROOT = Path(__file__).parents[2]


def test_every_spec_is_declared_by_some_shape_and_described() -> None:
    """A description without a parameter would be documentation of nothing."""
    pipelines = [get_pipeline(**choices) for choices in CHOICES.values()]  # type: ignore[arg-type]  # names
    pipelines += [get_resume_pipeline(**choices) for choices in RESUME_CHOICES.values()]
    declared = {parameter.name for pipeline in pipelines for parameter in pipeline.parameters}
    assert declared == set(PARAMETER_SPECS)
    assert all(spec.description.endswith(".") for spec in PARAMETER_SPECS.values())


def test_default_of_another_type_is_refused() -> None:
    """The service compares types strictly: a Float parameter takes no text."""
    with pytest.raises(ValueError, match="is not of type float"):
        ParameterSpec(name="MaxQuarantineFraction", kind=float, description="Too much.", default="0.01")


@pytest.mark.functional
def test_listing_parameters_and_pipelines_imports_no_sdk() -> None:
    """Help must be instant, and the SDK takes seconds."""
    code = "import sys, pipelines.parameter_specs, pipelines.definition; sys.exit('sagemaker' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"MaxQuarantineFraction": 2.0}, "MaxQuarantineFraction is 2.0, the most is 1.0"),
        ({"MaxQuarantineCount": -1}, "MaxQuarantineCount is -1, the least is 0"),
        ({"ProcessingInstanceCount": 0}, "ProcessingInstanceCount is 0, the least is 1"),
        ({"TransformInstanceCount": 101}, "TransformInstanceCount is 101, the most is 100"),
        ({"RunDate": "../../x"}, "RunDate is '../../x'; expected: Date of the run, YYYY-MM-DD"),
        ({"RunDate": "2026-02-30"}, "RunDate is '2026-02-30': day is out of range for month"),
        ({"RunDate": "2026-11-23T25:00:00Z"}, "RunDate is '2026-11-23T25:00:00Z': hour must be in 0..23"),
        ({"RunDate": "2026-11-23T06:00:00+9900"}, "RunDate is '2026-11-23T06:00:00+9900': offset must be"),
        ({"RunDate": "9999-12-31T23:00:00-05:00"}, "RunDate is '9999-12-31T23:00:00-05:00': date value out"),
        ({"RunDate": "2026-11-23Tsix"}, "RunDate is '2026-11-23Tsix'; expected: Date of the run, YYYY-MM-DD"),
        ({"ModelPackageGroupName": "../../a b"}, "ModelPackageGroupName is '../../a b'"),
        ({"InputUri": "s3://bucket/in"}, "InputUri is 's3://bucket/in'; expected: S3 prefix"),
        ({"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 4}, "60 x MaxConcurrentTransforms 4 is above 100"),
    ],
)
def test_a_value_that_the_service_or_a_step_would_refuse_is_refused(
    values: dict[str, Any], message: str
) -> None:
    """Before anything starts, and by the name that the user typed."""
    with pytest.raises(CallerError, match=re.escape(message)):
        check_values(values)


def test_every_default_is_an_allowed_value() -> None:
    check_values({name: spec.default for name, spec in PARAMETER_SPECS.items() if spec.default is not None})
