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

from typing import Any

from pipelines.offline_session import DEFAULT_REGION, PLACEHOLDER_ROLE_ARN, OfflinePipelineSession
from pipelines.parameters import (
    RESUME_POINTS,
    CandidateParameters,
    ResumeParameters,
    candidate_parameters,
    resume_parameters,
)
from steps.create_model import build_create_model_step
from steps.register_model import build_register_model_step
from steps.report_run import build_report_run_step
from steps.run_context import PipelineShape, RunContext, Variable, check_choice
from steps.score_shards import build_score_shards_step
from steps.sdk import Pipeline

DEFAULT_NAME = "batchscore-resume"


def get_pipeline(  # noqa: PLR0913 - those of the candidate, and where to take the run up
    *,
    wire: str = "parquet",
    transform_sizing: str = "planned",
    prepare: str = "single",
    model_image: str = "",
    resume_at: str = "score",
    pointer: str = "move",
    role_arn: str = PLACEHOLDER_ROLE_ARN,
    pipeline_name: str = DEFAULT_NAME,
    sagemaker_session: Any = None,
    region: str = DEFAULT_REGION,
) -> Any:
    """Return the resume pipeline as a `sagemaker` Pipeline.

    Args:
        wire: As the run that is resumed was built with.
        transform_sizing: As above; the instance count is a parameter in both cases.
        prepare: As above.
        model_image: As above.
        resume_at: `score` where shards are left to score, `report` where none is, `register` where the
            run was lost before its model was registered.
        pointer: `move`, or `keep` where a run that began later has been published meanwhile: the pointer
            names the newest run, and that is not the resumed one.
        role_arn: Role of every job and of the model; a real one for AWS.
        pipeline_name: Name under which the pipeline is upserted.
        sagemaker_session: A PipelineSession of your own, needed to upsert; offline if not given.
        region: Region of the offline session; a session of your own has its own.

    Raises:
        CallerError: A choice is unknown, or `model_image` is no image's URI.
    """
    check_choice("resume_at", resume_at, RESUME_POINTS)
    shape = PipelineShape(
        wire=wire,
        transform_sizing=transform_sizing,
        prepare=prepare,
        pointer=pointer,
        model_image=model_image,
    )
    resumed = candidate_parameters(shape)
    own = resume_parameters(resumed, shape, resume_at)
    run = RunContext(
        shape=shape,
        role_arn=role_arn,
        session=sagemaker_session or OfflinePipelineSession(region),
        identity=own.identity,
        dataset=resumed.dataset,
        processing=resumed.processing,
        transform=resumed.transform,
        budget=resumed.budget,
        declared=resumed.declared,
    )
    return Pipeline(
        name=pipeline_name,
        parameters=_unique([*resumed.declared, *own.declared]),
        steps=_steps(run, resumed, own),
        # As for the candidate: ledger and registry already say what a run did.
        pipeline_experiment_config=None,
        sagemaker_session=run.session,
    )


def _unique(parameters: list[Variable]) -> list[Variable]:
    """Return the parameters without the second mention of any: with fixed sizing both name the count."""
    return list({parameter.name: parameter for parameter in parameters}.values())


def _steps(run: RunContext, resumed: CandidateParameters, own: ResumeParameters) -> list[Variable]:
    steps: list[Variable] = []
    model_package_arn, score_step = own.model_package_arn, None
    if model_package_arn is None:
        steps.append(build_register_model_step(run, resumed.candidate))
        model_package_arn = steps[-1].properties.ModelPackageArn
    if own.shards is not None:
        create_step = build_create_model_step(run, model_package_arn)
        score_step = build_score_shards_step(run, own.shards, create_step.properties.ModelName)
        steps += [create_step, score_step]
    return [*steps, build_report_run_step(run, score_step, model_package_arn)]
