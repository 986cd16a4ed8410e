"""Look at everything that a run needs and that can be looked at before it starts; change nothing.

A check that needs the answer of another, such as the sample that of the contract, says so and is not made
where that one has no answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from contracts.contract_file import check_patterns, parse_contract
from contracts.contract_outputs import check_wire
from contracts.dataset import DatasetContract
from contracts.errors import CallerError, near_matches
from contracts.keep_columns import kept_names
from runner.aws.checks import FAILED, PASSED, CannotTellError, Check, find, look_at
from runner.aws.objects import object_exists, read_object
from runner.aws.place_checks import (
    check_apart,
    check_bucket,
    check_disk_key,
    check_image,
    check_model_package,
)
from runner.aws.plan_sample import Preparation, SampleFacts, read_sample
from runner.aws.planned_pipeline import PlannedPipeline
from runner.aws.role_check import check_role
from runner.aws.session import AwsConnection
from runner.aws.source_listing import SourceListing, list_source

_PREFIXES = ("InputUri", "ContractUri", "OutputUri")
_IMAGES = ("ImageUri", "ModelImageUri")
_TYPE_SHAPES = {"transform": "TransformInstanceType", "processing": "ProcessingInstanceType"}
PROCESSING_TYPES = ("ProcessingInstanceType", "ReportInstanceType")


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was found on the way to a plan.

    Attributes:
        checks: In the order in which they were made.
        listing: The source objects; None where there is none.
        contract: None where it cannot be read.
        sample: None where none could be read.
    """

    checks: tuple[Check, ...]
    listing: SourceListing | None
    contract: DatasetContract | None
    sample: SampleFacts | None


def look_around(
    pipeline: PlannedPipeline, instance_types: Iterable[str], connection: AwsConnection
) -> Findings:
    """Make every check of a pipeline but those of quotas, which need sizes."""
    values = pipeline.values
    found = find("input", partial(_list, values, connection), _tell_listing)
    listing, listed = found
    content, read = find(
        "contract", partial(_read_contract, values, connection), partial(_tell_contract, pipeline)
    )
    sample, sampled = find(
        "sample", partial(_sample, pipeline, listing, content, connection), partial(_tell_sample, values)
    )
    contract = parse_contract(content, name=values["ContractUri"]) if content is not None else None
    return Findings(
        checks=(
            *_parameter_checks(pipeline),
            look_at("places", lambda: check_apart(_value(values, "InputUri"), _value(values, "OutputUri"))),
            *(look_at("bucket", partial(_bucket, values, connection, name)) for name in _PREFIXES),
            listed,
            read,
            sampled,
            *_model_checks(pipeline, connection),
            *(
                _image_check(values, connection, name)
                for name in _IMAGES
                if name in pipeline.definition.parameters
            ),
            *check_role(connection, pipeline.role_arn),
            *_type_checks(pipeline, tuple(instance_types), connection),
        ),
        listing=listing,
        contract=contract,
        sample=sample,
    )


def _value(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        raise CannotTellError(f"{name} has no value that is allowed")
    return str(values[name])


def _parameter_checks(pipeline: PlannedPipeline) -> list[Check]:
    if not pipeline.faults:
        words = f"all {len(pipeline.values)} have values that are allowed"
        return [Check(name="parameters", outcome=PASSED, words=words)]
    return [Check(name="parameters", outcome=FAILED, words=fault) for fault in pipeline.faults]


def _bucket(values: Mapping[str, Any], connection: AwsConnection, name: str) -> str:
    return check_bucket(connection, name, _value(values, name))


def _list(values: Mapping[str, Any], connection: AwsConnection) -> SourceListing:
    return list_source(connection.client("s3"), _value(values, "InputUri"), _value(values, "InputFormat"))


def _tell_listing(listing: SourceListing) -> str:
    empty = f", {listing.empty_count:,} empty ones beside them" if listing.empty_count else ""
    return f"{len(listing.objects):,} objects, {listing.byte_count:,} bytes{empty}"


def _read_contract(values: Mapping[str, Any], connection: AwsConnection) -> bytes:
    return read_object(connection.client("s3"), _value(values, "ContractUri"))


def _tell_contract(pipeline: PlannedPipeline, content: bytes) -> str:
    values = pipeline.values
    contract = parse_contract(content, name=values["ContractUri"])
    check_patterns(contract, name=values["ContractUri"])
    check_wire(contract, pipeline.wire_name)
    kept_names(str(values.get("KeepColumns", "")), contract)
    counts = f"{len(contract.fields)} fields, {len(contract.features)} features"
    return f"{counts}, id {contract.id_field}, fingerprint {contract.fingerprint}"


def _sample(
    pipeline: PlannedPipeline,
    listing: SourceListing | None,
    contract: bytes | None,
    connection: AwsConnection,
) -> SampleFacts:
    if listing is None or contract is None:
        raise CannotTellError("needs an input and a contract that can be read")
    values = pipeline.values
    preparation = Preparation(
        contract=contract,
        contract_name=_value(values, "ContractUri").rsplit("/", 1)[-1],
        output_uri=_value(values, "OutputUri"),
        wire_name=pipeline.wire_name,
        keep_columns=_value(values, "KeepColumns"),
        max_payload_mb=int(_value(values, "MaxPayloadInMB")),
    )
    return read_sample(connection.client("s3"), listing, preparation)


def _tell_sample(values: Mapping[str, Any], sample: SampleFacts) -> str:
    words = (
        f"{sample.record_count:,} records from {sample.object_count} objects, "
        f"{sample.quarantined_count:,} held back"
    )
    reasons = ", ".join(f"{code}: {count:,}" for code, count in sample.reason_counts.items())
    words += f" ({reasons})" if reasons else ""
    most = float(values.get("MaxQuarantineFraction", 1))
    if sample.quarantined_count > most * sample.record_count:
        raise CallerError(
            f"{words}; more than MaxQuarantineFraction {most:g} allows: the run would fail by it"
        )
    return words


def _model_checks(pipeline: PlannedPipeline, connection: AwsConnection) -> list[Check]:
    values, declared = pipeline.values, pipeline.definition.parameters
    checks = []
    if "ModelPackageArn" in declared:
        checks.append(
            look_at(
                "model package", lambda: check_model_package(connection, _value(values, "ModelPackageArn"))
            )
        )
    if "ModelArtifactUri" in declared:
        checks.append(look_at("model artifact", lambda: _artifact(values, connection)))
    return checks


def _artifact(values: Mapping[str, Any], connection: AwsConnection) -> str:
    uri = _value(values, "ModelArtifactUri")
    if not object_exists(connection.client("s3"), uri):
        raise CallerError(f"ModelArtifactUri: there is no object {uri}")
    return f"{uri} is there"


def _image_check(values: Mapping[str, Any], connection: AwsConnection, name: str) -> Check:
    return look_at("image", lambda: check_image(connection, name, _value(values, name)))


def _type_checks(
    pipeline: PlannedPipeline, instance_types: tuple[str, ...], connection: AwsConnection
) -> list[Check]:
    processing = dict.fromkeys(
        str(pipeline.values[name]) for name in PROCESSING_TYPES if name in pipeline.values
    )
    used = [("transform", name) for name in instance_types] + [("processing", name) for name in processing]
    checks = [look_at("instance type", partial(_known_type, connection, job, name)) for job, name in used]
    if pipeline.has_disk_key:
        names = dict.fromkeys(name for _, name in used)
        checks += [look_at("disk key", partial(check_disk_key, connection, name)) for name in names]
    return checks


def _known_type(connection: AwsConnection, job: str, instance_type: str) -> str:
    """Compare with botocore's list, which AWS adds to between its versions."""
    known = connection.client("sagemaker").meta.service_model.shape_for(_TYPE_SHAPES[job]).enum
    if instance_type not in known:
        near = near_matches(instance_type, known)
        hint = near if near.startswith("did") else "see the types in AWS's documentation"
        raise CallerError(
            f"{instance_type} is no type for {job} jobs that this version of boto3 knows; {hint}"
        )
    return f"{instance_type} is a type for {job} jobs"
