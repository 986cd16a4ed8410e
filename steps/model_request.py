"""Make a model step from a plain request.

ModelBuilder, the SDK's own way, adds empty `SAGEMAKER_PROGRAM` entries to a registration and cannot make
a model from a model package. A ModelStep also takes the request itself, in the type that ModelBuilder
fills.
"""

from __future__ import annotations

from types import SimpleNamespace

from steps.run_context import RunContext, Variable
from steps.sdk import ModelStepArguments


def register_arguments(run: RunContext, request: dict[str, Variable]) -> Variable:
    """Return step arguments for a CreateModelPackage request."""
    arguments = _arguments(run, "create_model_package_from_containers")
    arguments.create_model_package_request = request
    return arguments


def create_model_arguments(run: RunContext, request: dict[str, Variable]) -> Variable:
    """Return step arguments for a CreateModel request."""
    arguments = _arguments(run, "create_model")
    arguments.create_model_request = request
    return arguments


def _arguments(run: RunContext, caller_name: str) -> Variable:
    # All that a ModelStep asks of the model object is its session.
    arguments = ModelStepArguments(model=SimpleNamespace(sagemaker_session=run.session))
    arguments.caller_name = caller_name
    return arguments
