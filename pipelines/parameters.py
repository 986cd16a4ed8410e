"""Declare the pipeline parameters that a shape needs, in the typed groups that step builders take.

Only parameters of the chosen shape exist: `ProcessingInstanceCount` in the sharded form, `ModelImageUri`
where the model has an image of its own, and either `MaxTransformInstances` (planned sizing) or
`TransformInstanceCount` (fixed). What each means stands in `parameter_specs`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.errors import CallerError, near_matches
from pipelines.parameter_specs import PARAMETER_SPECS, ParameterSpec, check_values
from steps.run_context import (
    BudgetVariables,
    CandidateVariables,
    DatasetVariables,
    GateVariables,
    PipelineShape,
    ProcessingVariables,
    RunIdentity,
    TransformVariables,
    Variable,
)
from steps.score_shards import ShardsToScore
from steps.sdk import (
    ExecutionVariables,
    ParameterFloat,
    ParameterInteger,
    ParameterString,
    PipelineVariable,
)

RESUME_POINTS = ("register", "score", "report")
"""Where a lost run is taken up: at RegisterModel, at CreateModel and ScoreShards, or at ReportRun."""


@dataclass(frozen=True, kw_only=True)
class CandidateParameters:
    """Every parameter of the candidate pipeline, by group."""

    dataset: DatasetVariables
    candidate: CandidateVariables
    processing: ProcessingVariables
    transform: TransformVariables
    budget: BudgetVariables
    gate: GateVariables

    @property
    def declared(self) -> tuple[Variable, ...]:
        """All pipeline parameters, in the order of the groups and their fields."""
        return declared_in(self)


def candidate_parameters(shape: PipelineShape) -> CandidateParameters:
    """Declare the parameters of the candidate pipeline in the given shape."""
    return CandidateParameters(
        dataset=dataset_parameters(),
        candidate=CandidateVariables(
            model_artifact_uri=_declare("ModelArtifactUri"),
            model_image_uri=_declare("ModelImageUri", shape.model_image) if shape.model_image else None,
            model_package_group_name=_declare("ModelPackageGroupName"),
            model_approval_status=_declare("ModelApprovalStatus"),
        ),
        processing=processing_parameters(shape),
        transform=transform_parameters(shape),
        budget=budget_parameters(),
        gate=GateVariables(
            quality_metric=_declare("QualityMetric"),
            min_quality=_declare("MinQuality"),
            max_drift=_declare("MaxDrift"),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class ResumeParameters:
    """What the resume pipeline is told beside the parameters of the run that it resumes.

    Attributes:
        identity: Of the run that is resumed.
        model_package_arn: The package that scores; None where it is still to be registered.
        shards: Those without an output; None where none is left to score.
    """

    identity: RunIdentity
    model_package_arn: Variable | None
    shards: ShardsToScore | None

    @property
    def declared(self) -> tuple[Variable, ...]:
        """All pipeline parameters of the groups, in their order."""
        return declared_in(self)


def resume_parameters(
    run: CandidateParameters | ProductionParameters, shape: PipelineShape, resume_at: str
) -> ResumeParameters:
    """Declare what a resumption needs that `run`, the parameters of the run itself, do not say."""
    return ResumeParameters(
        identity=RunIdentity(
            run_id=_declare("RunId"),
            started_at=_declare("RunStartedAt"),
            pipeline_name=_declare("RunPipelineName"),
        ),
        model_package_arn=None if resume_at == "register" else _declare("ModelPackageArn"),
        shards=None if resume_at == "report" else _shards_of_a_manifest(run, shape),
    )


def _shards_of_a_manifest(
    run: CandidateParameters | ProductionParameters, shape: PipelineShape
) -> ShardsToScore:
    return ShardsToScore(
        data_type="ManifestFile",
        uri=_declare("ShardManifestUri"),
        # Nothing here makes a plan, so that a planned count becomes a parameter too.
        instance_count=(
            _declare("TransformInstanceCount") if shape.is_planned else run.transform.max_instances
        ),
        contract_fingerprint=_declare("ContractFingerprint"),
    )


@dataclass(frozen=True, kw_only=True)
class ProductionParameters:
    """Every parameter of the production pipeline, by group.

    Attributes:
        dataset: See the group.
        model_package_arn: The package that scores; `promote` makes the approved one the default.
        processing: See the group.
        transform: See the group.
        budget: See the group.
    """

    dataset: DatasetVariables
    model_package_arn: Variable
    processing: ProcessingVariables
    transform: TransformVariables
    budget: BudgetVariables

    @property
    def declared(self) -> tuple[Variable, ...]:
        """All pipeline parameters, in the order of the groups and their fields."""
        return declared_in(self)


def production_parameters(shape: PipelineShape) -> ProductionParameters:
    """Declare the parameters of the production pipeline in the given shape."""
    return ProductionParameters(
        dataset=dataset_parameters(),
        model_package_arn=_declare("ModelPackageArn"),
        processing=processing_parameters(shape),
        transform=transform_parameters(shape),
        budget=budget_parameters(),
    )


def own_identity() -> RunIdentity:
    """Return the identity of the execution itself."""
    return RunIdentity(
        run_id=ExecutionVariables.PIPELINE_EXECUTION_ID,
        started_at=ExecutionVariables.START_DATETIME,
        pipeline_name=ExecutionVariables.PIPELINE_NAME,
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
        hourly_prices_usd=_declare("HourlyPricesUsd"),
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


def _declare(name: str, default: str | None = None) -> Variable:
    """Declare a parameter; `default` is for one whose default the shape says."""
    spec = PARAMETER_SPECS[name]
    if default is not None:
        spec = dataclasses.replace(spec, default=default)
    if spec.kind is int:
        return ParameterInteger(name=name, default_value=spec.default)
    if spec.kind is float:
        return ParameterFloat(name=name, default_value=spec.default)
    return _declare_text(spec)


def _declare_text(spec: ParameterSpec) -> Variable:
    choices = list(spec.choices) or None
    return ParameterString(name=spec.name, default_value=spec.default, enum_values=choices)


def set_defaults(declared: tuple[Variable, ...], defaults: Mapping[str, Any]) -> None:
    """Give parameters other defaults, by name; a text is turned into the parameter's type.

    Raises:
        CallerError: A name is unknown, or a value is not allowed; every fault is named.
    """
    by_name = {parameter.name: parameter for parameter in declared}
    unknown = [name for name in defaults if name not in by_name]
    faults = [f"unknown parameter {name!r}; {near_matches(name, by_name)}" for name in unknown]
    values: dict[str, Any] = {}
    for name in defaults.keys() - unknown:
        try:
            values[name] = PARAMETER_SPECS[name].value_of(defaults[name])
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise CallerError("; ".join(sorted(faults)))
    check_values({name: parameter.default_value for name, parameter in by_name.items()} | values)
    for name, value in values.items():
        by_name[name].default_value = value


def declared_in(group: Any) -> tuple[Variable, ...]:
    """Return the pipeline parameters in the fields of a dataclass and of the dataclasses in it, in order."""
    values = [getattr(group, field.name) for field in dataclasses.fields(group)]
    return tuple(variable for value in values for variable in _declared_by(value))


def _declared_by(value: Any) -> tuple[Variable, ...]:
    if isinstance(value, PipelineVariable):
        return (value,)
    return declared_in(value) if dataclasses.is_dataclass(value) else ()
