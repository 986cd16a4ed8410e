"""The production pipeline: score everything with the approved model package, and report.

    PrepareInput                     validate, quarantine, cut shards, plan
        │
    [PlanScoring]                    sharded form only: add up the parts of the plan
        │
    CheckErrorBudget ──no──► FailErrorBudget
        │ yes
    CreateModel                      from the package that ModelPackageArn names
        │ ModelName
    ScoreShards                      Batch Transform over the shards
        │ *.out
    ReportRun                        balance the books, publish scores, report

The candidate without its registration, of the same steps. Which package scores is a parameter; `batchscore
promote` makes the newest approved one its default, so that a schedule which names none runs that one.

Compiles as the candidate does. Importing this module imports the SageMaker SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.offline_session import DEFAULT_REGION, PLACEHOLDER_ROLE_ARN, OfflinePipelineSession
from pipelines.parameters import ProductionParameters, own_identity, production_parameters, set_defaults
from steps.check_error_budget import Branches, build_check_error_budget_step
from steps.create_model import build_create_model_step
from steps.fail_error_budget import build_fail_error_budget_step
from steps.job_security import JobSecurity
from steps.preparing import build_preparing_steps
from steps.report_run import build_report_run_step
from steps.run_context import PipelineShape, RunContext, Variable
from steps.score_shards import all_shards, build_score_shards_step
from steps.sdk import Pipeline

DEFAULT_NAME = "batchscore-production"


def get_pipeline(  # noqa: PLR0913 - each is a choice of its own, and by name
    *,
    wire: str = "arrow",
    transform_sizing: str = "planned",
    prepare: str = "single",
    role_arn: str = PLACEHOLDER_ROLE_ARN,
    pipeline_name: str = DEFAULT_NAME,
    defaults: Mapping[str, Any] | None = None,
    security: JobSecurity | None = None,
    sagemaker_session: Any = None,
    region: str = DEFAULT_REGION,
) -> Any:
    """Return the production pipeline as a `sagemaker` Pipeline.

    Args:
        wire: Form in which records travel to the model container, which the package must take: one of
            `contracts.wire.WIRE_FORMATS`.
        transform_sizing: `planned` takes the instance count from the plan, `fixed` from a parameter.
        prepare: `single` prepares on one instance, `sharded` on several.
        role_arn: Role of every job and of the model; a real one for AWS.
        pipeline_name: Name under which the pipeline is upserted.
        defaults: Defaults of parameters, by name, for those that are to differ from their own.
        security: Key and VPC of every job and model; AWS's own keys and no VPC if not given.
        sagemaker_session: A PipelineSession of your own, needed to upsert; offline if not given.
        region: Region of the offline session; a session of your own has its own.

    Raises:
        CallerError: A choice is unknown, or a default is not allowed.
    """
    shape = PipelineShape(wire=wire, transform_sizing=transform_sizing, prepare=prepare)
    parameters = production_parameters(shape)
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
        # As for the candidate: ledger and registry already say what a run did.
        pipeline_experiment_config=None,
        sagemaker_session=run.session,
    )


def _steps(run: RunContext, parameters: ProductionParameters) -> list[Variable]:
    preparing = build_preparing_steps(run)
    plan_step = preparing[-1]

    create_step = build_create_model_step(run, parameters.model_package_arn)
    shards = all_shards(run, plan_step)
    score_step = build_score_shards_step(run, shards, create_step.properties.ModelName)
    report_step = build_report_run_step(run, score_step, parameters.model_package_arn)

    branches = Branches(
        within_budget=(create_step, score_step, report_step),
        over_budget=(build_fail_error_budget_step(run, plan_step),),
    )
    return [*preparing, build_check_error_budget_step(run, plan_step, branches)]
