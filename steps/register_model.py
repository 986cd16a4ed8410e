"""RegisterModel: make a model package of the artifact, so that what is scored is always a registered one.

The package says which image serves the model, that of all jobs or one of its own, and which content types the
chosen wire format sends and takes. No instance types are listed: a
versioned package needs none, and a list would refuse a larger machine later.
"""

from __future__ import annotations

from contracts.registration import REPORT_PROPERTY, RUN_PROPERTY
from steps.locations import run_folder, run_folder_parts
from steps.model_request import register_arguments
from steps.policies import step_retries
from steps.run_context import CandidateVariables, RunContext, Variable
from steps.sdk import Join, ModelStep


def build_register_model_step(run: RunContext, candidate: CandidateVariables) -> Variable:
    """Return the step; `properties.ModelPackageArn` names the new package."""
    wire = run.shape.wire_format
    has_own_image = candidate.model_image_uri is not None
    image_uri = candidate.model_image_uri if has_own_image else run.processing.image_uri
    container = {"Image": image_uri, "ModelDataUrl": candidate.model_artifact_uri}
    request = {
        "ModelPackageGroupName": candidate.model_package_group_name,
        "ModelPackageDescription": Join(on="", values=_description(run)),
        "CustomerMetadataProperties": {
            RUN_PROPERTY: run.identity.run_id,
            REPORT_PROPERTY: run_folder(run, "report"),
        },
        "ModelApprovalStatus": candidate.model_approval_status,
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": [wire.content_type],
            "SupportedResponseMIMETypes": [wire.accept],
        },
    }
    return ModelStep(
        name="RegisterModel",
        display_name="Register model",
        description="Adds the model artifact to its group, to be approved by whoever reads the report.",
        step_args=register_arguments(run, request),
        retry_policies=step_retries(),
    )


def _description(run: RunContext) -> list[Variable]:
    return [
        "Registered by run ",
        run.identity.run_id,
        " before its quality was judged. Approve it only if that run succeeded; its report is at ",
        *run_folder_parts(run, "report"),
        "report.html",
    ]
