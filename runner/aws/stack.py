"""Settings of a deployment, read from the outputs of its CloudFormation stack (`infra/batchscore.yaml`).

One source for the command line, CI and the rules. Every output is optional, so that a stack of one's own
works as well; what was typed beats what the stack says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contracts.errors import CallerError
from pipelines.definition import DEFAULT_NAMES
from runner.aws.errors import is_missing
from runner.aws.session import AwsConnection

NAME_OUTPUTS = {"candidate": "CandidatePipelineName", "production": "ProductionPipelineName"}
DEFAULT_OUTPUTS = ("InputUri", "ContractUri", "OutputUri", "ImageUri", "ModelPackageGroupName")
"""Outputs that are defaults of the pipeline parameters with the same names."""


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    """What a stack says; what it does not say is empty.

    Attributes:
        outputs: Value of each output that is not empty, by its key.
    """

    outputs: Mapping[str, str]

    @property
    def role_arn(self) -> str:
        """Role of every job."""
        return self.outputs.get("PipelineRoleArn", "")

    @property
    def group_name(self) -> str:
        """Model package group."""
        return self.outputs.get("ModelPackageGroupName", "")

    def pipeline_name(self, pipeline: str) -> str:
        """Return the deployed name of `candidate` or `production`."""
        return self.outputs.get(NAME_OUTPUTS.get(pipeline, ""), "")

    @property
    def defaults(self) -> dict[str, str]:
        """Defaults of pipeline parameters."""
        return {name: self.outputs[name] for name in DEFAULT_OUTPUTS if name in self.outputs}

    @property
    def security(self) -> dict[str, Any]:
        """Fields of `steps.job_security.JobSecurity`, as far as the stack has them."""
        lists = {"subnet_ids": "SubnetIds", "security_group_ids": "SecurityGroupIds"}
        found: dict[str, Any] = {
            field: tuple(part.strip() for part in self.outputs[key].split(","))
            for field, key in lists.items()
            if key in self.outputs
        }
        if "KmsKeyId" in self.outputs:
            found["kms_key_id"] = self.outputs["KmsKeyId"]
        return found


def stack_settings(connection: AwsConnection, stack_name: str) -> StackSettings:
    """Return what a stack says; with no name, nothing.

    Raises:
        CallerError: There is no such stack.
    """
    if not stack_name:
        return StackSettings(outputs={})
    try:
        answer = connection.client("cloudformation").describe_stacks(StackName=stack_name)
    except ClientError as error:
        if is_missing(error):
            raise CallerError(
                f"--stack {stack_name}: there is no such stack in {connection.region}; `make deploy` makes it"
            ) from error
        raise
    outputs = answer["Stacks"][0].get("Outputs", [])
    return StackSettings(
        outputs={entry["OutputKey"]: entry["OutputValue"] for entry in outputs if entry["OutputValue"]}
    )


def deployed_name(connection: AwsConnection, pipeline: str, name: str, stack_name: str) -> str:
    """Return a pipeline's name in AWS: the one typed, else the stack's, else the default one."""
    return name or stack_settings(connection, stack_name).pipeline_name(pipeline) or DEFAULT_NAMES[pipeline]
