"""Build a processing step from the facts in which our processing steps differ.

Same for all: the run's image, role, key and VPC, files copied in before the start and out after the end, no
network for the container, the run's disk size and time limit, the retry policies.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from steps.borrowed_settings import building_job_step
from steps.job_security import JobSecurity
from steps.policies import NEVER_CACHED, job_retries
from steps.run_context import RunContext, Variable
from steps.sdk import (
    NetworkConfig,
    PipelineVariable,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    ProcessingStep,
    Processor,
)


@dataclass(frozen=True, kw_only=True)
class JobInput:
    """Objects copied into the container.

    Attributes:
        name: Channel name.
        uri: Prefix ending with `/`, or one object.
        folder: Where they land.
        is_divided: Whether each instance gets its share of the objects instead of all of them.
    """

    name: str
    uri: Variable
    folder: PurePosixPath
    is_divided: bool = False


@dataclass(frozen=True, kw_only=True)
class JobOutput:
    """A folder copied out of the container when the job has succeeded.

    Attributes:
        name: Channel name.
        uri: Prefix ending with `/`.
        folder: What is copied.
    """

    name: str
    uri: Variable
    folder: PurePosixPath


@dataclass(frozen=True, kw_only=True)
class ProcessingJob:
    """What one processing job runs.

    Attributes:
        entrypoint: argv up to the arguments.
        arguments: `--name`, value, …
        inputs: At most 10.
        outputs: At most 10, uploaded in this order.
        instance_type: Of every instance.
        instance_count: At least 1.
    """

    entrypoint: tuple[str, ...]
    arguments: tuple[Variable, ...]
    inputs: tuple[JobInput, ...]
    outputs: tuple[JobOutput, ...]
    instance_type: Variable
    instance_count: Variable = 1


@dataclass(frozen=True, kw_only=True)
class StepText:
    """How a step appears in Studio.

    Attributes:
        name: Unique in the pipeline.
        display_name: In the graph.
        description: One or two sentences for the step's panel.
    """

    name: str
    display_name: str
    description: str


def build_processing_step(
    run: RunContext,
    text: StepText,
    job: ProcessingJob,
    *,
    property_files: tuple[Variable, ...] = (),
    depends_on: tuple[Variable, ...] = (),
) -> Variable:
    """Return the processing step for `job`."""
    with building_job_step():
        arguments = _processor(run, job).run(
            inputs=[_input(given) for given in job.inputs],
            outputs=[_output(wanted) for wanted in job.outputs],
            arguments=[_as_text(argument) for argument in job.arguments],
        )
        return ProcessingStep(
            name=text.name,
            display_name=text.display_name,
            description=text.description,
            step_args=arguments,
            property_files=list(property_files),
            cache_config=NEVER_CACHED,
            depends_on=list(depends_on),
            retry_policies=job_retries(),
        )


def named_arguments(values: dict[str, Variable]) -> tuple[Variable, ...]:
    """Return `--name value` pairs in the order of `values`."""
    return tuple(part for name, value in values.items() for part in (f"--{name}", value))


def _processor(run: RunContext, job: ProcessingJob) -> Variable:
    return Processor(
        role=run.role_arn,
        image_uri=run.processing.image_uri,
        instance_count=job.instance_count,
        instance_type=job.instance_type,
        entrypoint=list(job.entrypoint),
        volume_size_in_gb=run.processing.volume_size_gb,
        # A container that hangs is paid for until this ends it.
        max_runtime_in_seconds=run.processing.max_runtime_seconds,
        volume_kms_key=run.security.key_or_none,
        output_kms_key=run.security.key_or_none,
        # Files come and go through the platform; the container itself has nobody to call.
        network_config=_network_config(run.security),
        sagemaker_session=run.session,
    )


def _network_config(security: JobSecurity) -> Variable:
    return NetworkConfig(
        enable_network_isolation=True,
        encrypt_inter_container_traffic=security.encrypt_traffic or None,
        subnets=list(security.subnet_ids) or None,
        security_group_ids=list(security.security_group_ids) or None,
    )


def _as_text(argument: Variable) -> Variable:
    """Container arguments are text; a number from a parameter is converted when the pipeline runs."""
    return argument.to_string() if isinstance(argument, PipelineVariable) else argument


def _input(given: JobInput) -> Variable:
    return ProcessingInput(
        input_name=given.name,
        s3_input=ProcessingS3Input(
            s3_uri=given.uri,
            local_path=str(given.folder),
            s3_data_type="S3Prefix",
            s3_input_mode="File",
            s3_data_distribution_type="ShardedByS3Key" if given.is_divided else "FullyReplicated",
        ),
    )


def _output(wanted: JobOutput) -> Variable:
    return ProcessingOutput(
        output_name=wanted.name,
        s3_output=ProcessingS3Output(
            s3_uri=wanted.uri, local_path=str(wanted.folder), s3_upload_mode="EndOfJob"
        ),
    )
