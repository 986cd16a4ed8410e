"""What shape a run in AWS had, read off the definition that it executed, for a resumption to have the same.

The definition says everything: nothing is kept beside it, and a run that was started with another stack, role
or key is resumed with those that it had.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.errors import CallerError
from emulator.definition import Definition, read_definition
from runner.aws.execution import Executed

PREPARE_STEP = "PrepareInput"
REPORT_STEP = "ReportRun"


@dataclass(frozen=True, kw_only=True)
class RunShape:
    """The shape of one run.

    Attributes:
        resumed: Which pipeline it is one of, `candidate` or `production`.
        choices: Those of `get_pipeline`: wire, prepare, transform_sizing and, if it has one, model_image.
        role_arn: Role of every job.
        security: Fields of `steps.job_security.JobSecurity`.
    """

    resumed: str
    choices: Mapping[str, str]
    role_arn: str
    security: Mapping[str, Any]


def shape_of(executed: Executed) -> RunShape:
    """Return the shape of a run.

    Raises:
        CallerError: The definition is none of a candidate or production pipeline.
    """
    return shape_in(executed.text, executed.parameters, executed.arn)


def shape_in(text: str, parameters: Mapping[str, Any], arn: str) -> RunShape:
    """Return the shape that a definition has.

    Args:
        text: The definition, JSON.
        parameters: Values of its parameters, or their defaults.
        arn: Of the run or the pipeline, for messages.

    Raises:
        CallerError: The definition is none of a candidate or production pipeline.
    """
    definition = read_definition(text)
    gone = [name for name in (PREPARE_STEP, REPORT_STEP) if name not in definition.steps]
    if gone:
        raise CallerError(f"{arn}: its pipeline has no step {', '.join(gone)}; it is none of ours")
    choices = {
        "wire": _argument(definition, "--wire-format"),
        "prepare": "sharded" if "ProcessingInstanceCount" in definition.parameters else "single",
        "transform_sizing": "planned" if "MaxTransformInstances" in definition.parameters else "fixed",
    }
    if "ModelImageUri" in definition.parameters:
        choices["model_image"] = str(parameters["ModelImageUri"])
    return RunShape(
        resumed="candidate" if "ModelArtifactUri" in definition.parameters else "production",
        choices=choices,
        role_arn=definition.steps[PREPARE_STEP].arguments["RoleArn"],
        security=_security(definition.steps[PREPARE_STEP].arguments),
    )


def _argument(definition: Definition, name: str) -> str:
    words = definition.steps[REPORT_STEP].arguments["AppSpecification"]["ContainerArguments"]
    return str(words[words.index(name) + 1])


def _security(arguments: Mapping[str, Any]) -> dict[str, Any]:
    network = arguments.get("NetworkConfig", {})
    vpc = network.get("VpcConfig", {})
    return {
        "kms_key_id": arguments["ProcessingResources"]["ClusterConfig"].get("VolumeKmsKeyId", ""),
        "subnet_ids": tuple(vpc.get("Subnets", ())),
        "security_group_ids": tuple(vpc.get("SecurityGroupIds", ())),
        "encrypt_traffic": bool(network.get("EnableInterContainerTrafficEncryption", False)),
    }
