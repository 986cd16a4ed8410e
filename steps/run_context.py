"""What every step builder is given: the shape of the pipeline, who runs it, and the declared parameters.

A `Variable` is a value that the pipeline knows only when it runs (a parameter, a property of a step, a
`Join`) or a plain constant in its place. The groups say which variables a definition has; which of them
are pipeline parameters, with which names and defaults, is the pipeline's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from contracts.errors import CallerError, near_matches
from contracts.wire import WireFormat, wire_format
from steps.job_security import JobSecurity

Variable: TypeAlias = Any
"""The SDK ships no types: a PipelineVariable, or a constant of the type that the API wants."""

TRANSFORM_SIZINGS = ("planned", "fixed")
PREPARE_FORMS = ("single", "sharded")
POINTER_FORMS = ("move", "keep")
_IMAGE_URI = r"\S{1,255}"
"""[src] The `ContainerImage` shape of the CreateModelPackage API."""


@dataclass(frozen=True, kw_only=True)
class PipelineShape:
    """The choices that change the graph, and so are made when the definition is built.

    Attributes:
        wire: Name of the wire format.
        transform_sizing: `planned`: the instance count comes from `plan.json`; `fixed`: it is a parameter.
        prepare: `single`: one instance prepares; `sharded`: several do, and PlanScoring adds their parts up.
        pointer: `move`: the run becomes the newest one; `keep`: a newer one has been published already.
        model_image: URI of the image that the model container runs, which becomes the default of a parameter;
            empty: the image of all jobs, which has no default.
    """

    wire: str = "arrow"
    transform_sizing: str = "planned"
    prepare: str = "single"
    pointer: str = "move"
    model_image: str = ""

    def __post_init__(self) -> None:
        wire_format(self.wire)
        check_choice("transform_sizing", self.transform_sizing, TRANSFORM_SIZINGS)
        check_choice("prepare", self.prepare, PREPARE_FORMS)
        check_choice("pointer", self.pointer, POINTER_FORMS)
        if self.model_image and not re.fullmatch(_IMAGE_URI, self.model_image):
            raise CallerError(
                f"model_image {self.model_image!r}: expected the URI of an image, at most 255 characters "
                "without spaces"
            )

    @property
    def wire_format(self) -> WireFormat:
        """The chosen wire format."""
        return wire_format(self.wire)

    @property
    def is_sharded(self) -> bool:
        """Whether several instances prepare."""
        return self.prepare == "sharded"

    @property
    def moves_pointer(self) -> bool:
        """Whether the run becomes the newest one."""
        return self.pointer == "move"

    @property
    def is_planned(self) -> bool:
        """Whether the transform job's instance count is read from the plan."""
        return self.transform_sizing == "planned"


@dataclass(frozen=True, kw_only=True)
class RunIdentity:
    """Which run an execution writes for: its own, or one that it resumes.

    Attributes:
        run_id: Stands in every path of the run.
        started_at: When the run started; `RunDate` auto is its UTC date.
        pipeline_name: Of the pipeline that the run is one of.
    """

    run_id: Variable
    started_at: Variable
    pipeline_name: Variable


@dataclass(frozen=True, kw_only=True)
class DatasetVariables:
    """What is scored, under which contract, and where it goes. Every prefix URI ends with `/`."""

    input_uri: Variable
    input_format: Variable
    contract_uri: Variable
    output_uri: Variable
    output_format: Variable
    keep_columns: Variable
    run_date: Variable


@dataclass(frozen=True, kw_only=True)
class CandidateVariables:
    """Which artifact is registered, and how.

    Attributes:
        model_artifact_uri: The artifact.
        model_image_uri: Image of the model container; None where it is the image of all jobs.
        model_package_group_name: Group that the package is added to.
        model_approval_status: What the package begins with.
    """

    model_artifact_uri: Variable
    model_image_uri: Variable | None
    model_package_group_name: Variable
    model_approval_status: Variable


@dataclass(frozen=True, kw_only=True)
class ProcessingVariables:
    """On what the processing jobs run, and with which image."""

    image_uri: Variable
    instance_type: Variable
    instance_count: Variable
    report_instance_type: Variable
    volume_size_gb: Variable
    max_runtime_seconds: Variable
    hourly_prices_usd: Variable


@dataclass(frozen=True, kw_only=True)
class TransformVariables:
    """On what the transform job runs, and what its size is computed from.

    Attributes:
        instance_type: Of the transform job.
        max_instances: Ceiling of planned sizing, or the fixed instance count.
        max_concurrent_transforms: Requests in flight on each instance.
        max_payload_mb: Largest body of one request, in MB of 1,048,576 bytes.
        deadline_minutes: Time in which planned sizing wants the transform job done.
        records_per_second_per_instance: What planned sizing assumes.
    """

    instance_type: Variable
    max_instances: Variable
    max_concurrent_transforms: Variable
    max_payload_mb: Variable
    deadline_minutes: Variable
    records_per_second_per_instance: Variable


@dataclass(frozen=True, kw_only=True)
class BudgetVariables:
    """How many records may be quarantined before the run fails; both bounds are inclusive."""

    max_quarantine_fraction: Variable
    max_quarantine_count: Variable


@dataclass(frozen=True, kw_only=True)
class GateVariables:
    """What a candidate must come to before its run ends well; 0 asks for nothing."""

    quality_metric: Variable
    min_quality: Variable
    max_drift: Variable


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """Facts that several builders need.

    Attributes:
        shape: Choices made when the definition is built.
        role_arn: Role of every job and of the model.
        security: Key and VPC of every job and of the model.
        session: PipelineSession under which arguments are captured.
        identity: See the group.
        dataset: See the group.
        processing: See the group.
        transform: See the group.
        budget: See the group.
        declared: Every pipeline parameter that the ledger is told, in the order in which users see them.
    """

    shape: PipelineShape
    role_arn: str
    security: JobSecurity
    session: Any
    identity: RunIdentity
    dataset: DatasetVariables
    processing: ProcessingVariables
    transform: TransformVariables
    budget: BudgetVariables
    declared: tuple[Variable, ...]


def check_choice(name: str, value: str, valid: tuple[str, ...]) -> None:
    """Refuse an unknown choice.

    Raises:
        CallerError: It is none of `valid`; near matches are named.
    """
    if value not in valid:
        raise CallerError(f"{name} {value!r} is unknown; {near_matches(value, valid)}")
