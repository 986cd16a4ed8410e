"""The table of pipeline parameters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from definition_walk import CHOICES

from pipelines.parameter_specs import PARAMETER_SPECS, ParameterSpec
from pipelines.parameters import candidate_parameters
from steps.run_context import PipelineShape

ROOT = Path(__file__).parents[2]


def test_every_spec_is_declared_by_some_shape_and_described() -> None:
    """A description without a parameter would be documentation of nothing."""
    shapes = [PipelineShape(**choices) for choices in CHOICES.values()]
    declared = {parameter.name for shape in shapes for parameter in candidate_parameters(shape).declared}
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
