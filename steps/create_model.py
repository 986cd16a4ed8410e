"""CreateModel: make a model of a registered model package, for the transform job to load.

The container gets no network: it needs none, and customer records must not leave it. The VPC of the run, if
there is one, is set here: a transform job has no setting of its own for it.
"""

from __future__ import annotations

from steps.model_request import create_model_arguments
from steps.policies import step_retries
from steps.run_context import RunContext, Variable
from steps.sdk import ModelStep


def build_create_model_step(run: RunContext, model_package_arn: Variable) -> Variable:
    """Return the step; `properties.ModelName` names the new model."""
    request: dict[str, Variable] = {
        "ExecutionRoleArn": run.role_arn,
        "PrimaryContainer": {"ModelPackageName": model_package_arn},
        "EnableNetworkIsolation": True,
    }
    if run.security.vpc_config:
        request["VpcConfig"] = run.security.vpc_config
    return ModelStep(
        name="CreateModel",
        display_name="Create model",
        description="Makes a model of the registered model package, without network access.",
        step_args=create_model_arguments(run, request),
        retry_policies=step_retries(),
    )
