"""The candidate pipeline: register a model, score everything with it, report; a person approves later.

    PrepareInput                     validate, quarantine, cut shards, plan
        │
    [PlanScoring]                    sharded form only: add up the parts of the plan
        │
    CheckErrorBudget ──no──► FailErrorBudget
        │ yes
    RegisterModel                    model package, pending approval
        │ ModelPackageArn
    CreateModel                      from the model package
        │ ModelName
    ScoreShards                      Batch Transform over the shards
        │ *.out
    ReportRun                        balance the books, publish scores, report
        │ gate.json
    CheckQuality ──no──► FailQuality

Compiles with no network, no credentials and no region in the environment; the same choices always give
the same definition. Importing this module imports the SageMaker SDK, which takes about two seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.offline_session import DEFAULT_REGION, PLACEHOLDER_ROLE_ARN, OfflinePipelineSession
from pipelines.parameters import CandidateParameters, candidate_parameters, own_identity, set_defaults
from steps.check_error_budget import Branches, build_check_error_budget_step
from steps.check_quality import build_check_quality_step
from steps.create_model import build_create_model_step
from steps.fail_error_budget import build_fail_error_budget_step
from steps.fail_quality import build_fail_quality_step
from steps.job_security import JobSecurity
from steps.preparing import build_preparing_steps
from steps.register_model import build_register_model_step
from steps.report_run import build_report_run_step
from steps.run_context import PipelineShape, RunContext, Variable
from steps.score_shards import all_shards, build_score_shards_step
from steps.sdk import Pipeline

DEFAULT_NAME = "batchscore-candidate"


def get_pipeline(  # noqa: PLR0913 - each is a choice of its own, and by name
    *,
    wire: str = "arrow",
    transform_sizing: str = "planned",
    prepare: str = "single",
    model_image: str = "",
    role_arn: str = PLACEHOLDER_ROLE_ARN,
    pipeline_name: str = DEFAULT_NAME,
    defaults: Mapping[str, Any] | None = None,
    security: JobSecurity | None = None,
    sagemaker_session: Any = None,
    region: str = DEFAULT_REGION,
) -> Any:
    """Return the candidate pipeline as a `sagemaker` Pipeline.

    Args:
        wire: Form in which records travel to the model container, one of
            `contracts.wire.WIRE_FORMATS`.
        transform_sizing: `planned` takes the instance count from the plan, `fixed` from a parameter.
        prepare: `single` prepares on one instance, `sharded` on several.
        model_image: URI of the image that the model container runs, such as one of AWS's built-in algorithms;
            empty for the image of all jobs.
        role_arn: Role of every job and of the model; a real one for AWS.
        pipeline_name: Name under which the pipeline is upserted.
        defaults: Defaults of parameters, by name, for those that are to differ from their own.
        security: Key and VPC of every job and model; AWS's own keys and no VPC if not given.
        sagemaker_session: A PipelineSession of your own, needed to upsert; offline if not given.
        region: Region of the offline session; a session of your own has its own.

    Raises:
        CallerError: A choice is unknown, `model_image` is no image's URI, or a default is not allowed.
    """
    shape = PipelineShape(
        wire=wire, transform_sizing=transform_sizing, prepare=prepare, model_image=model_image
    )
    parameters = candidate_parameters(shape)
    set_defaults(parameters.declared, defaults or {})
    run = RunContext(
        shape=shape,
        role_arn=role_arn,
        security=security or JobSecurity(),
        session=sagemaker_session or OfflinePipelineSession(region),
        identity=own_identity(),
        dataset=parameters.dataset,
        processing=parameters.processing,
        transform=parameters.transform,
        budget=parameters.budget,
        declared=parameters.declared,
    )
    return Pipeline(
        name=pipeline_name,
        parameters=list(parameters.declared),
        steps=_steps(run, parameters),
        # No experiment: ledger and registry already say what a run did, and the role needs fewer rights.
        pipeline_experiment_config=None,
        sagemaker_session=run.session,
    )


def _steps(run: RunContext, parameters: CandidateParameters) -> list[Variable]:
    preparing = build_preparing_steps(run)
    plan_step = preparing[-1]

    register_step = build_register_model_step(run, parameters.candidate)
    model_package_arn = register_step.properties.ModelPackageArn
    create_step = build_create_model_step(run, model_package_arn)
    shards = all_shards(run, plan_step)
    score_step = build_score_shards_step(run, shards, create_step.properties.ModelName)
    report_step = build_report_run_step(run, score_step, model_package_arn)

    quality_step = build_check_quality_step(report_step, build_fail_quality_step(run, report_step))

    branches = Branches(
        within_budget=(register_step, create_step, score_step, report_step),
        over_budget=(build_fail_error_budget_step(run, plan_step),),
    )
    return [*preparing, build_check_error_budget_step(run, plan_step, branches), quality_step]
