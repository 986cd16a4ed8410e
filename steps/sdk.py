"""Every name of the SageMaker SDK that definitions are made of, imported in one place.

`sagemaker.mlops` (3.27) makes boto3 clients while it is being imported, so that happens under borrowed
settings. The clients belong to the SDK's AI Registry, which nothing here uses; a process that does
imports `sagemaker.mlops` first. The import takes seconds and must therefore come late: nothing that a
`--help` needs imports this module, a step builder or `pipelines.candidate`.
"""

from __future__ import annotations

import warnings

from steps.borrowed_settings import borrowed_settings

with borrowed_settings(), warnings.catch_warnings():
    # What other people's modules warn of while being imported cannot be repaired here.
    warnings.simplefilter("ignore")
    from sagemaker.core.helper.pipeline_variable import PipelineVariable
    from sagemaker.core.network import NetworkConfig
    from sagemaker.core.processing import Processor
    from sagemaker.core.shapes import (
        ProcessingInput,
        ProcessingOutput,
        ProcessingS3Input,
        ProcessingS3Output,
    )
    from sagemaker.core.transformer import Transformer
    from sagemaker.core.utils.utils import serialize
    from sagemaker.core.workflow.conditions import (
        ConditionEquals,
        ConditionGreaterThanOrEqualTo,
        ConditionLessThanOrEqualTo,
    )
    from sagemaker.core.workflow.execution_variables import ExecutionVariables
    from sagemaker.core.workflow.functions import Join, JsonGet
    from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
    from sagemaker.core.workflow.pipeline_context import PipelineSession, _ModelStepArguments
    from sagemaker.core.workflow.properties import PropertyFile
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep
    from sagemaker.mlops.workflow.model_step import ModelStep
    from sagemaker.mlops.workflow.pipeline import Pipeline
    from sagemaker.mlops.workflow.retry import (
        SageMakerJobExceptionTypeEnum,
        SageMakerJobStepRetryPolicy,
        StepExceptionTypeEnum,
        StepRetryPolicy,
    )
    from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TransformStep

ModelStepArguments = _ModelStepArguments
"""Private in the SDK, and the only way to a ModelStep from a plain request; golden files watch it."""

__all__ = [
    "CacheConfig",
    "ConditionEquals",
    "ConditionGreaterThanOrEqualTo",
    "ConditionLessThanOrEqualTo",
    "ConditionStep",
    "ExecutionVariables",
    "FailStep",
    "Join",
    "JsonGet",
    "ModelStep",
    "ModelStepArguments",
    "NetworkConfig",
    "ParameterFloat",
    "ParameterInteger",
    "ParameterString",
    "Pipeline",
    "PipelineSession",
    "PipelineVariable",
    "ProcessingInput",
    "ProcessingOutput",
    "ProcessingS3Input",
    "ProcessingS3Output",
    "ProcessingStep",
    "Processor",
    "PropertyFile",
    "SageMakerJobExceptionTypeEnum",
    "SageMakerJobStepRetryPolicy",
    "StepExceptionTypeEnum",
    "StepRetryPolicy",
    "TransformStep",
    "Transformer",
    "serialize",
]
