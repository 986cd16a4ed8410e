"""Declare the pipeline parameters that a shape needs, in the typed groups that step builders take.

Only parameters of the chosen shape exist: `ProcessingInstanceCount` in the sharded form, and either
`MaxTransformInstances` (planned sizing) or `TransformInstanceCount` (fixed). What each means stands in
`parameter_specs`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from pipelines.parameter_specs import PARAMETER_SPECS, ParameterSpec
from steps.run_context import (
    BudgetVariables,
    CandidateVariables,
    DatasetVariables,
    PipelineShape,
    ProcessingVariables,
    TransformVariables,
    Variable,
)
from steps.sdk import ParameterFloat, ParameterInteger, ParameterString, PipelineVariable


@dataclass(frozen=True, kw_only=True)
class CandidateParameters:
    """Every parameter of the candidate pipeline, by group."""

    dataset: DatasetVariables
    candidate: CandidateVariables
    processing: ProcessingVariables
    transform: TransformVariables
    budget: BudgetVariables

    @property
    def declared(self) -> tuple[Variable, ...]:
        """All pipeline parameters, in the order of the groups and their fields."""
        groups = [getattr(self, field.name) for field in dataclasses.fields(self)]
        return tuple(variable for group in groups for variable in _parameters_in(group))


def candidate_parameters(shape: PipelineShape) -> CandidateParameters:
    """Declare the parameters of the candidate pipeline in the given shape."""
    return CandidateParameters(
        dataset=dataset_parameters(),
        candidate=CandidateVariables(
            model_artifact_uri=_declare("ModelArtifactUri"),
            model_package_group_name=_declare("ModelPackageGroupName"),
            model_approval_status=_declare("ModelApprovalStatus"),
        ),
        processing=processing_parameters(shape),
        transform=transform_parameters(shape),
        budget=budget_parameters(),
    )


def dataset_parameters() -> DatasetVariables:
    """Declare what is scored and where it goes."""
    return DatasetVariables(
        input_uri=_declare("InputUri"),
        input_format=_declare("InputFormat"),
        contract_uri=_declare("ContractUri"),
        output_uri=_declare("OutputUri"),
        output_format=_declare("OutputFormat"),
        keep_columns=_declare("KeepColumns"),
        run_date=_declare("RunDate"),
    )


def processing_parameters(shape: PipelineShape) -> ProcessingVariables:
    """Declare on what the processing jobs run."""
    return ProcessingVariables(
        image_uri=_declare("ImageUri"),
        instance_type=_declare("ProcessingInstanceType"),
        instance_count=_declare("ProcessingInstanceCount") if shape.is_sharded else 1,
        report_instance_type=_declare("ReportInstanceType"),
        volume_size_gb=_declare("ProcessingVolumeSizeInGB"),
        max_runtime_seconds=_declare("MaxProcessingRuntimeInSeconds"),
    )


def transform_parameters(shape: PipelineShape) -> TransformVariables:
    """Declare on what the transform job runs and what its size is computed from."""
    return TransformVariables(
        instance_type=_declare("TransformInstanceType"),
        max_instances=_declare("MaxTransformInstances" if shape.is_planned else "TransformInstanceCount"),
        max_concurrent_transforms=_declare("MaxConcurrentTransforms"),
        max_payload_mb=_declare("MaxPayloadInMB"),
        deadline_minutes=_declare("TransformDeadlineMinutes"),
        records_per_second_per_instance=_declare("RecordsPerSecondPerInstance"),
    )


def budget_parameters() -> BudgetVariables:
    """Declare the error budget."""
    return BudgetVariables(
        max_quarantine_fraction=_declare("MaxQuarantineFraction"),
        max_quarantine_count=_declare("MaxQuarantineCount"),
    )


def _declare(name: str) -> Variable:
    spec = PARAMETER_SPECS[name]
    if spec.kind is int:
        return ParameterInteger(name=name, default_value=spec.default)
    if spec.kind is float:
        return ParameterFloat(name=name, default_value=spec.default)
    return _declare_text(spec)


def _declare_text(spec: ParameterSpec) -> Variable:
    choices = list(spec.choices) or None
    return ParameterString(name=spec.name, default_value=spec.default, enum_values=choices)


def _parameters_in(group: Any) -> list[Variable]:
    values = [getattr(group, field.name) for field in dataclasses.fields(group)]
    return [value for value in values if isinstance(value, PipelineVariable)]
