"""ScoreShards: the transform job that sends every shard to the model container.

In: the shards, all of the run's or those that an S3 manifest file names. Out: one `<shard>.out` each, under
the run's `transform/` folder. How shards are split, filtered and joined is the wire format's; how many
instances work is the plan's (planned sizing) or a parameter's (fixed). The server is told the contract's
fingerprint, and refuses shards made under another contract than its model's.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.data_filters import check_filters
from contracts.wire import FINGERPRINT_VARIABLE
from steps.borrowed_settings import building_job_step
from steps.locations import run_folder
from steps.policies import INVOCATION_MAX_RETRIES, INVOCATION_TIMEOUT_SECONDS, NEVER_CACHED, job_retries
from steps.run_context import RunContext, Variable
from steps.scoring_plan import plan_value
from steps.sdk import TransformStep
from steps.variable_instance_count import VariableCountTransformer


@dataclass(frozen=True, kw_only=True)
class ShardsToScore:
    """Which shards are sent, and to how many instances.

    Attributes:
        data_type: `S3Prefix`: all below `uri`; `ManifestFile`: those the S3 manifest file at `uri` names.
        uri: Prefix ending with `/`, or one object.
        instance_count: Of the transform job.
        contract_fingerprint: Of the contract under which the shards were made.
    """

    data_type: str
    uri: Variable
    instance_count: Variable
    contract_fingerprint: Variable


def all_shards(run: RunContext, plan_step: Variable) -> ShardsToScore:
    """Return the shards of the plan that `plan_step` writes, all of them."""
    is_planned = run.shape.is_planned
    return ShardsToScore(
        data_type="S3Prefix",
        uri=run_folder(run, "shards"),
        instance_count=(
            plan_value(plan_step, "transform_instance_count") if is_planned else run.transform.max_instances
        ),
        contract_fingerprint=plan_value(plan_step, "contract_fingerprint"),
    )


def build_score_shards_step(run: RunContext, shards: ShardsToScore, model_name: Variable) -> Variable:
    """Return the step; `model_name` is a CreateModel step's property.

    Raises:
        CallerError: A filter of the wire format is one that Batch Transform would reject.
    """
    check_filters(run.shape.wire_format)
    with building_job_step():
        return TransformStep(
            name="ScoreShards",
            display_name="Score shards",
            description="Sends every shard to the model container with Batch Transform and keeps its scores.",
            step_args=_arguments(run, shards, _transformer(run, shards, model_name)),
            cache_config=NEVER_CACHED,
            retry_policies=job_retries(),
        )


def _arguments(run: RunContext, shards: ShardsToScore, transformer: Variable) -> Variable:
    wire = run.shape.wire_format
    return transformer.transform(
        data=shards.uri,
        data_type=shards.data_type,
        content_type=wire.content_type,
        split_type=wire.split_type,
        input_filter=wire.input_filter,
        join_source=wire.join_source,
        output_filter=wire.output_filter,
        model_client_config={
            "InvocationsTimeoutInSeconds": INVOCATION_TIMEOUT_SECONDS,
            "InvocationsMaxRetries": INVOCATION_MAX_RETRIES,
        },
    )


def _transformer(run: RunContext, shards: ShardsToScore, model_name: Variable) -> Variable:
    wire, sizes = run.shape.wire_format, run.transform
    return VariableCountTransformer(
        model_name=model_name,
        instance_count=shards.instance_count,
        instance_type=sizes.instance_type,
        # Without splitting the API takes no strategy: a whole object is one request.
        strategy="MultiRecord" if wire.split_type else None,
        assemble_with=wire.assemble_with,
        accept=wire.accept,
        output_path=run_folder(run, "transform"),
        output_kms_key=run.security.key_or_none,
        volume_kms_key=run.security.key_or_none,
        max_concurrent_transforms=sizes.max_concurrent_transforms,
        max_payload=sizes.max_payload_mb,
        env={FINGERPRINT_VARIABLE: shards.contract_fingerprint},
        sagemaker_session=run.session,
    )
