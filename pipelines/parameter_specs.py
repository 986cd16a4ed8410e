"""The pipeline parameters as data: name, type, default, meaning.

Needs no SDK, so that a command can list them at once.

A definition holds no descriptions (the SDK offers no place for them); this table is where users'
documentation and error messages take them from. A parameter without a default must be given at every
start. Names are CamelCase without `_`, because EventBridge rules accept no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

PrimitiveType = type[str] | type[int] | type[float]

NO_COUNT_LIMIT = 2_147_483_647
"""Largest 32-bit integer: more records than any run has, so that by default only the fraction binds."""


@dataclass(frozen=True, kw_only=True)
class ParameterSpec:
    """One pipeline parameter.

    Attributes:
        name: As users write it.
        kind: Python type of its values.
        description: What it means, with its unit.
        default: None for a parameter that must be given.
        choices: The only values allowed; empty where any is.
    """

    name: str
    kind: PrimitiveType
    description: str
    default: str | int | float | None = None
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.default is not None and type(self.default) is not self.kind:
            raise ValueError(f"{self.name}: default {self.default!r} is not of type {self.kind.__name__}")


def _text(name: str, description: str, default: str | None = None) -> ParameterSpec:
    return ParameterSpec(name=name, kind=str, description=description, default=default)


def _whole(name: str, description: str, default: int) -> ParameterSpec:
    return ParameterSpec(name=name, kind=int, description=description, default=default)


_SPECS = (
    _text("InputUri", "S3 prefix of the source objects; ends with '/'."),
    _text("InputFormat", "Format of the source objects; 'auto' goes by their names.", "auto"),
    _text("ContractUri", "S3 object with the dataset contract (JSON or YAML)."),
    _text("OutputUri", "S3 prefix for everything a run writes; ends with '/' and lies outside InputUri."),
    _text("OutputFormat", "Format of the published scores.", "parquet"),
    _text("RunDate", "Date of the run, YYYY-MM-DD; 'auto' is the UTC date on which it started.", "auto"),
    _text("ModelArtifactUri", "S3 object with the model artifact (model.tar.gz)."),
    _text("ModelPackageGroupName", "Model package group in which the model is registered.", "batchscore"),
    ParameterSpec(
        name="ModelApprovalStatus",
        kind=str,
        description="Approval status with which the model is registered.",
        default="PendingManualApproval",
        choices=("PendingManualApproval", "Approved", "Rejected"),
    ),
    _text("ImageUri", "Container image of all jobs, in ECR."),
    _text("ProcessingInstanceType", "Instance type on which the input is prepared.", "ml.m5.2xlarge"),
    _whole("ProcessingInstanceCount", "Instances that prepare the input, at least 1.", 2),
    _text("ReportInstanceType", "Instance type on which the run is reported.", "ml.m5.xlarge"),
    _whole("ProcessingVolumeSizeInGB", "Disk of every processing instance, in GB (1 to 16384).", 100),
    _whole(
        "MaxProcessingRuntimeInSeconds", "Time after which a processing job is stopped, in seconds.", 14_400
    ),
    _text("TransformInstanceType", "Instance type on which shards are scored.", "ml.m5.xlarge"),
    _whole("MaxTransformInstances", "Most instances that the plan may ask for (1 to 100).", 10),
    _whole("TransformInstanceCount", "Instances that score shards (1 to 100).", 1),
    _whole(
        "MaxConcurrentTransforms", "Requests in flight on each instance; times MaxPayloadInMB at most 100.", 4
    ),
    _whole("MaxPayloadInMB", "Largest body of one request, in MB of 1,048,576 bytes (1 to 100).", 6),
    _whole(
        "TransformDeadlineMinutes", "Time in which scoring should be done, in minutes; sizes the job.", 60
    ),
    _whole("RecordsPerSecondPerInstance", "Records that one instance is assumed to score a second.", 20_000),
    ParameterSpec(
        name="MaxQuarantineFraction",
        kind=float,
        description="Largest part of the records that may be quarantined, in [0, 1]; more fails the run.",
        default=0.01,
    ),
    _whole("MaxQuarantineCount", "Most records that may be quarantined; more fails the run.", NO_COUNT_LIMIT),
)

PARAMETER_SPECS = MappingProxyType({spec.name: spec for spec in _SPECS})
