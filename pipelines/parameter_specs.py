"""The pipeline parameters as data: name, type, default, meaning.

Needs no SDK, so that a command can list them at once.

A definition holds no descriptions (the SDK offers no place for them); this table is where users'
documentation and error messages take them from. A parameter without a default must be given at every
start. Names are CamelCase without `_`, because EventBridge rules accept no other.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from contracts.errors import CallerError, near_matches
from contracts.moments import parse_moment
from contracts.payload_limits import MAX_PAYLOAD_MB

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
        minimum: Smallest number allowed, or None.
        maximum: Largest number allowed, or None.
        pattern: What a text must match as a whole; empty where any will do.
    """

    name: str
    kind: PrimitiveType
    description: str
    default: str | int | float | None = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""

    def fault_of(self, value: Any) -> str:
        """Say why a value is not allowed; empty if it is."""
        if self.minimum is not None and value < self.minimum:
            return f"{self.name} is {value}, the least is {self.minimum}"
        if self.maximum is not None and value > self.maximum:
            return f"{self.name} is {value}, the most is {self.maximum}"
        if self.pattern and not re.fullmatch(self.pattern, value):
            return f"{self.name} is {value!r}; expected: {self.description}"
        return ""

    def value_of(self, given: Any) -> Any:
        """Return a value that was given as text, or in its type, in the type of the parameter.

        Raises:
            ValueError: It is no such value; the message names the parameter.
        """
        if isinstance(given, str) and self.kind is not str:
            try:
                given = self.kind(given)
            except ValueError:
                raise ValueError(f"{self.name} is {given!r}; expected {self.kind.__name__}") from None
        if self.kind is float and type(given) is int:
            given = float(given)
        if type(given) is not self.kind:
            raise ValueError(f"{self.name} is {given!r}; expected {self.kind.__name__}")
        if self.choices and given not in self.choices:
            raise ValueError(f"{self.name} is {given!r}; {near_matches(str(given), self.choices)}")
        return given

    def __post_init__(self) -> None:
        if self.default is not None and type(self.default) is not self.kind:
            raise ValueError(f"{self.name}: default {self.default!r} is not of type {self.kind.__name__}")


_OBJECT = r"s3://[^/]+/(.*[^/])"
_RUN_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_PREFIX = r"s3://[^/]+/(.*/)?"
_PRICES = r"(\s*[a-z0-9.-]+\s*=\s*\d+(\.\d+)?\s*(,|$))*"
_GROUP_NAME = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"


def _text(
    name: str,
    description: str,
    default: str | None = None,
    *,
    pattern: str = "",
    choices: tuple[str, ...] = (),
) -> ParameterSpec:
    return ParameterSpec(
        name=name, kind=str, description=description, default=default, pattern=pattern, choices=choices
    )


def _whole(
    name: str, description: str, default: int, *, least: int = 1, most: int | None = None
) -> ParameterSpec:
    return ParameterSpec(
        name=name, kind=int, description=description, default=default, minimum=least, maximum=most
    )


_SPECS = (
    _text("InputUri", "S3 prefix of the source objects; ends with '/'.", pattern=_PREFIX),
    _text(
        "InputFormat",
        "Format of the source objects; 'auto' goes by their names, else by their first bytes.",
        "auto",
        choices=("auto", "csv", "jsonlines", "json", "parquet", "recordio", "images"),
    ),
    _text("ContractUri", "S3 object with the dataset contract (JSON or YAML)."),
    _text(
        "OutputUri",
        "S3 prefix for everything a run writes; ends with '/' and lies outside InputUri.",
        pattern=_PREFIX,
    ),
    _text(
        "OutputFormat",
        "Format of the published scores; of several, each has a folder of its own.",
        "parquet",
        choices=(
            "parquet",
            "csv",
            "jsonlines",
            "parquet,csv",
            "parquet,jsonlines",
            "csv,jsonlines",
            "parquet,csv,jsonlines",
        ),
    ),
    _text(
        "KeepColumns",
        "Contract fields to publish beside id and score: names with commas between them, or '*' for all.",
        "",
    ),
    _text(
        "RunDate",
        "Date of the run, YYYY-MM-DD, or a moment such as 2026-11-23T06:00:00Z, whose UTC date counts; "
        "'auto' is the UTC date on which it started.",
        "auto",
        pattern=r"auto|\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}([.,]\d+)?(Z|[+-]\d{2}:?\d{2})?)?",
    ),
    _text("ModelArtifactUri", "S3 object with the model artifact (model.tar.gz)."),
    _text(
        "ModelPackageGroupName",
        "Model package group in which the model is registered.",
        "batchscore",
        pattern=_GROUP_NAME,
    ),
    ParameterSpec(
        name="ModelApprovalStatus",
        kind=str,
        description="Approval status with which the model is registered.",
        default="PendingManualApproval",
        choices=("PendingManualApproval", "Approved", "Rejected"),
    ),
    _text("ImageUri", "Container image of all jobs, in ECR."),
    _text(
        "ModelImageUri",
        "Container image of the model, in ECR, where it is another than that of all jobs.",
        pattern=r"\S{1,255}",
    ),
    _text("ProcessingInstanceType", "Instance type on which the input is prepared.", "ml.m5.2xlarge"),
    _whole("ProcessingInstanceCount", "Instances that prepare the input, at least 1.", 2),
    _text("ReportInstanceType", "Instance type on which the run is reported.", "ml.m5.xlarge"),
    _whole(
        "ProcessingVolumeSizeInGB", "Disk of every processing instance, in GB (1 to 16384).", 100, most=16384
    ),
    _whole(
        "MaxProcessingRuntimeInSeconds", "Time after which a processing job is stopped, in seconds.", 14_400
    ),
    _text(
        "HourlyPricesUsd",
        "USD an hour by instance type, for the report's costs: ml.m5.xlarge=0.23, ml.m5.2xlarge=0.461.",
        "",
        pattern=_PRICES,
    ),
    _text("TransformInstanceType", "Instance type on which shards are scored.", "ml.m5.xlarge"),
    _whole("MaxTransformInstances", "Most instances that the plan may ask for (1 to 100).", 10, most=100),
    _whole("TransformInstanceCount", "Instances that score shards (1 to 100).", 1, most=100),
    _whole(
        "MaxConcurrentTransforms", "Requests in flight on each instance; times MaxPayloadInMB at most 100.", 4
    ),
    _whole(
        "MaxPayloadInMB", "Largest body of one request, in MB of 1,048,576 bytes (1 to 100).", 6, most=100
    ),
    _whole(
        "TransformDeadlineMinutes", "Time in which scoring should be done, in minutes; sizes the job.", 60
    ),
    _whole("RecordsPerSecondPerInstance", "Records that one instance is assumed to score a second.", 20_000),
    ParameterSpec(
        name="MaxQuarantineFraction",
        kind=float,
        description="Largest part of the records that may be quarantined, in [0, 1]; more fails the run.",
        default=0.01,
        minimum=0.0,
        maximum=1.0,
    ),
    _whole(
        "MaxQuarantineCount",
        "Most records that may be quarantined; more fails the run.",
        NO_COUNT_LIMIT,
        least=0,
    ),
    _text(
        "QualityMetric",
        "Metric of the quality gate; larger is better for each.",
        "auc",
        choices=(
            "auc",
            "pr_auc",
            "lift",
            "auc_macro",
            "accuracy",
            "hit_rate",
            "f1",
            "precision",
            "recall",
            "f1_macro",
            "r2",
        ),
    ),
    ParameterSpec(
        name="MinQuality",
        kind=float,
        description="Least QualityMetric of a candidate; below it the run fails after its report. 0: none.",
        default=0.0,
    ),
    ParameterSpec(
        name="MaxDrift",
        kind=float,
        description="Largest PSI beside the training data; above it the run fails after its report. 0: none.",
        default=0.0,
        minimum=0.0,
    ),
    _text("RunId", "Id of the run that is resumed: letters, digits, '-', '_' and '.'.", pattern=_RUN_ID),
    _text("RunStartedAt", "When the run that is resumed started, ISO 8601."),
    _text("RunPipelineName", "Name of the pipeline that the resumed run is one of."),
    _text("ModelPackageArn", "Model package that scores, by its ARN."),
    _text("ShardManifestUri", "S3 manifest file that names the shards still to be scored.", pattern=_OBJECT),
    _text("ContractFingerprint", "Fingerprint of the contract under which the shards were made."),
)

PARAMETER_SPECS = MappingProxyType({spec.name: spec for spec in _SPECS})


def _date_faults(run_date: str) -> list[str]:
    """Say what is wrong with a date that has the right form, such as the thirtieth of February."""
    if not re.match(r"\d{4}-\d{2}-\d{2}", run_date):
        return []
    try:
        if "T" in run_date:
            parse_moment(run_date)
        else:
            dt.date.fromisoformat(run_date)
    except ValueError as error:
        return [f"RunDate is {run_date!r}: {error}"]
    return []


def check_values(values: Mapping[str, Any]) -> None:
    """Check what the definition itself cannot say: ranges, forms, and the payload product.

    Args:
        values: Value of each parameter, in its type, None where there is none yet; names that are no
            parameters are left alone.

    Raises:
        CallerError: A value is not allowed; every fault is named.
    """
    known = {name: value for name, value in values.items() if name in PARAMETER_SPECS and value is not None}
    faults = [fault for name, value in known.items() if (fault := PARAMETER_SPECS[name].fault_of(value))]
    faults += _date_faults(known.get("RunDate", "auto"))
    payload_mb, concurrent = known.get("MaxPayloadInMB", 1), known.get("MaxConcurrentTransforms", 1)
    if payload_mb * concurrent > MAX_PAYLOAD_MB:
        faults.append(
            f"MaxPayloadInMB {payload_mb} x MaxConcurrentTransforms {concurrent} is above {MAX_PAYLOAD_MB}"
        )
    if faults:
        raise CallerError("; ".join(faults))
