"""The resume pipeline: finish a run that lost its transform job, scoring only the shards without an output.

    RegisterModel                    at `register` only: the run was lost before
        │ ModelPackageArn
    CreateModel                      not at `report`
        │ ModelName
    ScoreShards                      not at `report`: Batch Transform over an S3 manifest file
        │ *.out
    ReportRun                        balance the books, publish scores, report

Made of the same steps as the run that it resumes, and writing to that run's places under its id, so that
the run ends as if it had never been lost. What the ledger is told are the parameters of the run itself;
what `ShardManifestUri` names, and that the shards are whole, is for whoever starts it to know. Never
prepares: a run whose preparation was not finished is started anew.

Compiles as the candidate does. Importing this module imports the SageMaker SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.errors import CallerError
from pipelines.offline_session import DEFAULT_REGION, PLACEHOLDER_ROLE_ARN, OfflinePipelineSession
from pipelines.parameters import (
    RESUME_POINTS,
    CandidateParameters,
    ProductionParameters,
    ResumeParameters,
    candidate_parameters,
    production_parameters,
    resume_parameters,
    set_defaults,
)
from steps.check_quality import build_check_quality_step
from steps.create_model import build_create_model_step
from steps.fail_quality import build_fail_quality_step
from steps.job_security import JobSecurity
from steps.register_model import build_register_model_step
from steps.report_run import build_report_run_step
from steps.run_context import PipelineShape, RunContext, Variable, check_choice
from steps.score_shards import build_score_shards_step
from steps.sdk import Pipeline

DEFAULT_NAME = "batchscore-resume"
RESUMED_PIPELINES = ("candidate", "production")


def get_pipeline(  # noqa: PLR0913 - those of the candidate, and where to take the run up
    *,
    wire: str = "arrow",
    transform_sizing: str = "planned",
    prepare: str = "single",
    model_image: str = "",
    resumed: str = "candidate",
    resume_at: str = "score",
    pointer: str = "move",
    role_arn: str = PLACEHOLDER_ROLE_ARN,
    pipeline_name: str = DEFAULT_NAME,
    defaults: Mapping[str, Any] | None = None,
    security: JobSecurity | None = None,
    sagemaker_session: Any = None,
    region: str = DEFAULT_REGION,
) -> Any:
    """Return the resume pipeline as a `sagemaker` Pipeline.

    Args:
        wire: As the run that is resumed was built with.
        transform_sizing: As above; the instance count is a parameter in both cases.
        prepare: As above.
        model_image: As above.
        resumed: Which pipeline the run is one of, `candidate` or `production`.
        resume_at: `score` where shards are left to score, `report` where none is, `register` where the
            run was lost before its model was registered.
        pointer: `move`, or `keep` where a run that began later has been published meanwhile: the pointer
            names the newest run, and that is not the resumed one.
        role_arn: Role of every job and of the model; a real one for AWS.
        pipeline_name: Name under which the pipeline is upserted.
        defaults: Defaults of parameters, by name, for those that are to differ from their own.
        security: Key and VPC of every job and model; AWS's own keys and no VPC if not given.
        sagemaker_session: A PipelineSession of your own, needed to upsert; offline if not given.
        region: Region of the offline session; a session of your own has its own.

    Raises:
        CallerError: A choice is unknown, `model_image` is no image's URI, or a default is not allowed.
    """
    check_choice("resume_at", resume_at, RESUME_POINTS)
    check_choice("resumed", resumed, RESUMED_PIPELINES)
    if resumed == "production" and resume_at == "register":
        raise CallerError("resume_at 'register': a production run registers nothing; valid: report, score")
    shape = PipelineShape(
        wire=wire,
        transform_sizing=transform_sizing,
        prepare=prepare,
        pointer=pointer,
        model_image=model_image,
    )
    of_run = candidate_parameters(shape) if resumed == "candidate" else production_parameters(shape)
    own = resume_parameters(of_run, shape, resume_at)
    parameters = _unique([*of_run.declared, *own.declared])
    set_defaults(tuple(parameters), defaults or {})
    run = RunContext(
        shape=shape,
        role_arn=role_arn,
        security=security or JobSecurity(),
        session=sagemaker_session or OfflinePipelineSession(region),
        identity=own.identity,
        dataset=of_run.dataset,
        processing=of_run.processing,
        transform=of_run.transform,
        budget=of_run.budget,
        declared=of_run.declared,
    )
    return Pipeline(
        name=pipeline_name,
        parameters=parameters,
        steps=_steps(run, of_run, own),
        # As for the candidate: ledger and registry already say what a run did.
        pipeline_experiment_config=None,
        sagemaker_session=run.session,
    )


def _unique(parameters: list[Variable]) -> list[Variable]:
    """Return the parameters without the second mention of any, such as the package of a production run."""
    return list({parameter.name: parameter for parameter in parameters}.values())


def _steps(
    run: RunContext, of_run: CandidateParameters | ProductionParameters, own: ResumeParameters
) -> list[Variable]:
    steps: list[Variable] = []
    model_package_arn, score_step = own.model_package_arn, None
    if isinstance(of_run, CandidateParameters) and model_package_arn is None:
        steps.append(build_register_model_step(run, of_run.candidate))
        model_package_arn = steps[-1].properties.ModelPackageArn
    if own.shards is not None:
        create_step = build_create_model_step(run, model_package_arn)
        score_step = build_score_shards_step(run, own.shards, create_step.properties.ModelName)
        steps += [create_step, score_step]
    report_step = build_report_run_step(run, score_step, model_package_arn)
    if isinstance(of_run, CandidateParameters):
        fail_step = build_fail_quality_step(run, report_step)
        return [*steps, report_step, build_check_quality_step(report_step, fail_step)]
    return [*steps, report_step]
