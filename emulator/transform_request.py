"""A CreateTransformJob request as facts, with what the container offers and the defaults filled in.

Precedence: the request, then `/execution-parameters`, then the default [doc: CreateTransformJob]. The
container spells the strategy `MULTI_RECORD`, the API `MultiRecord`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.data_filters import filter_problems
from contracts.errors import CallerError
from contracts.payload_limits import BYTES_PER_MB, DEFAULT_PAYLOAD_MB, MAX_PAYLOAD_MB
from contracts.wire import CSV_CONTENT_TYPE, JSON_LINES_CONTENT_TYPE

MAX_INSTANCES = 100
MAX_ENVIRONMENT_ENTRIES = 16
DEFAULT_TIMEOUT_SECONDS = 600
DEFAULT_RETRIES = 3

_STRATEGIES = {"MULTI_RECORD": "MultiRecord", "SINGLE_RECORD": "SingleRecord"}
_EMULATED = {
    "CompressionType": ("None", "Gzip"),
    "SplitType": ("None", "Line", "RecordIO", "TFRecord"),
    "S3DataType": ("S3Prefix", "ManifestFile"),
    "AssembleWith": ("None", "Line"),
    "JoinSource": ("None", "Input"),
}
JSON_CONTENT_TYPE = "application/json"
_PROCESSED_TYPES = (CSV_CONTENT_TYPE, JSON_LINES_CONTENT_TYPE, JSON_CONTENT_TYPE)


class RecordTooLargeError(CallerError):
    """A record, or an object that is not split, is over the payload limit: its object fails."""


@dataclass(frozen=True, kw_only=True)
class TransformRequest:
    """What a transform job is asked to do.

    Attributes:
        model_name: The model to start.
        instance_count: Server processes.
        input_uri: Prefix of the objects to score, or the S3 manifest file that names them.
        s3_data_type: Says which of the two: `S3Prefix` or `ManifestFile`.
        output_uri: Prefix of the outputs.
        content_type: Of the payloads.
        accept: Of the answers, or None.
        compression: `None` or `Gzip`.
        split_type: `None`, `Line`, `RecordIO` or `TFRecord`.
        assemble_with: `None` or `Line`.
        input_filter: JSONPath before inference.
        output_filter: JSONPath after the join.
        joins_input: Whether the answer is joined to the input.
        strategy: `MultiRecord`, `SingleRecord`, or None if the request does not say.
        max_concurrent: Parallel requests to one instance, or None if the request leaves it open, as 0 does.
        max_payload_mb: Largest payload, 0 for any size in HTTP chunks, or None if the request does not say.
        timeout_seconds: Of one invocation.
        max_retries: Further tries of one payload.
        environment: For the container.
    """

    model_name: str
    instance_count: int
    input_uri: str
    s3_data_type: str
    output_uri: str
    content_type: str
    accept: str | None
    compression: str
    split_type: str
    assemble_with: str
    input_filter: str
    output_filter: str
    joins_input: bool
    strategy: str | None
    max_concurrent: int | None
    max_payload_mb: int | None
    timeout_seconds: int
    max_retries: int
    environment: Mapping[str, str]

    @property
    def uses_data_processing(self) -> bool:
        """Whether payloads or answers are filtered or joined."""
        return self.joins_input or (self.input_filter, self.output_filter) != ("$", "$")


@dataclass(frozen=True, kw_only=True)
class Batching:
    """How payloads are cut and sent.

    Attributes:
        takes_many_records: Whether a payload is filled with records up to the limit.
        max_concurrent: Parallel requests to one instance.
        max_payload_bytes: Largest payload; 0 sends an object as one payload of any size, in HTTP chunks.
    """

    takes_many_records: bool
    max_concurrent: int
    max_payload_bytes: int


def read_request(request: Mapping[str, Any]) -> TransformRequest:
    """Check a request, references resolved, and return its facts.

    Raises:
        CallerError: It asks for what is not emulated or what the service refuses.
    """
    source, processing = request["TransformInput"], request.get("DataProcessing", {})
    output, client = request["TransformOutput"], request.get("ModelClientConfig", {})
    chosen = {
        "CompressionType": source.get("CompressionType", "None"),
        "SplitType": source.get("SplitType", "None"),
        "S3DataType": source["DataSource"]["S3DataSource"]["S3DataType"],
        "AssembleWith": output.get("AssembleWith", "None"),
        "JoinSource": processing.get("JoinSource", "None"),
    }
    faults = [
        f"{key} {value} is not emulated ({', '.join(_EMULATED[key])} are)"
        for key, value in chosen.items()
        if value not in _EMULATED[key]
    ]
    facts = TransformRequest(
        model_name=request["ModelName"],
        instance_count=int(request["TransformResources"]["InstanceCount"]),
        input_uri=source["DataSource"]["S3DataSource"]["S3Uri"],
        s3_data_type=chosen["S3DataType"],
        output_uri=output["S3OutputPath"],
        content_type=source.get("ContentType", "application/octet-stream"),
        accept=output.get("Accept"),
        compression=chosen["CompressionType"],
        split_type=chosen["SplitType"],
        assemble_with=chosen["AssembleWith"],
        input_filter=processing.get("InputFilter", "$"),
        output_filter=processing.get("OutputFilter", "$"),
        joins_input=chosen["JoinSource"] == "Input",
        strategy=request.get("BatchStrategy"),
        max_concurrent=_optional_integer(request.get("MaxConcurrentTransforms")) or None,
        max_payload_mb=_optional_integer(request.get("MaxPayloadInMB")),
        timeout_seconds=int(client.get("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT_SECONDS)),
        max_retries=int(client.get("InvocationsMaxRetries", DEFAULT_RETRIES)),
        environment=request.get("Environment", {}),
    )
    faults += _faults(facts)
    if faults:
        raise CallerError("the transform job would be refused: " + "; ".join(faults))
    return facts


def _optional_integer(value: Any) -> int | None:
    return None if value is None else int(value)


def _faults(facts: TransformRequest) -> list[str]:
    """Name what CreateTransformJob refuses [doc: API reference]."""
    concurrent = 1 if facts.max_concurrent is None else facts.max_concurrent
    payload_mb = DEFAULT_PAYLOAD_MB if facts.max_payload_mb is None else facts.max_payload_mb
    rules = {
        f"InstanceCount is {facts.instance_count}, expected 1 to {MAX_INSTANCES}": (
            1 <= facts.instance_count <= MAX_INSTANCES
        ),
        f"Environment has {len(facts.environment)} entries, at most {MAX_ENVIRONMENT_ENTRIES} are taken": (
            len(facts.environment) <= MAX_ENVIRONMENT_ENTRIES
        ),
        f"MaxPayloadInMB is {payload_mb}, expected 0 to {MAX_PAYLOAD_MB}": 0 <= payload_mb <= MAX_PAYLOAD_MB,
        "MaxPayloadInMB 0 (chunked transfer) is not emulated with SingleRecord, filters or joins": (
            payload_mb != 0 or not (facts.strategy == "SingleRecord" or facts.uses_data_processing)
        ),
        f"MaxConcurrentTransforms is {concurrent}, expected 0 or more": concurrent >= 0,
        f"MaxConcurrentTransforms {concurrent} x MaxPayloadInMB {payload_mb} is above {MAX_PAYLOAD_MB}": (
            concurrent * payload_mb <= MAX_PAYLOAD_MB
        ),
        "InvocationsTimeoutInSeconds must be 1 to 3600": 1 <= facts.timeout_seconds <= 3600,
        "InvocationsMaxRetries must be 0 to 3": 0 <= facts.max_retries <= 3,
        f"BatchStrategy {facts.strategy} needs a SplitType": (
            facts.strategy is None or facts.split_type != "None"
        ),
        **_data_processing_rules(facts),
    }
    return [message for message, is_kept in rules.items() if not is_kept]


def _data_processing_rules(facts: TransformRequest) -> dict[str, bool]:
    """Return the rules for filters and joins [doc: "Associate Prediction Results with Input Records"]."""
    if not facts.uses_data_processing:
        return {}
    filters = {"InputFilter": facts.input_filter, "OutputFilter": facts.output_filter}
    problems = {
        f"{name} {text!r} {problem}": False
        for name, text in filters.items()
        for problem in filter_problems(text, content_type=facts.content_type)
    }
    return {
        **problems,
        f"filters and joins are emulated for {', '.join(_PROCESSED_TYPES)}, not for {facts.content_type}": (
            facts.content_type in _PROCESSED_TYPES
        ),
        f"filters and joins of application/json are emulated without SplitType, it is {facts.split_type}": (
            facts.content_type != JSON_CONTENT_TYPE or facts.split_type == "None"
        ),
        f"Accept {facts.accept} must equal ContentType {facts.content_type} to filter or join": (
            facts.accept == facts.content_type
        ),
        f"AssembleWith {facts.assemble_with} must equal SplitType {facts.split_type} to filter or join": (
            facts.assemble_with == facts.split_type
        ),
    }


def request_environment(facts: TransformRequest) -> dict[str, str]:
    """Return the variables that tell the container what the request set, and only those [doc]."""
    told = {
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": facts.max_payload_mb,
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": facts.max_concurrent,
        "SAGEMAKER_BATCH_STRATEGY": {name: key for key, name in _STRATEGIES.items()}.get(
            facts.strategy or ""
        ),
    }
    named = {name: str(value) for name, value in told.items() if value is not None}
    return {"SAGEMAKER_BATCH": "true", **named, **facts.environment}


def batching(facts: TransformRequest, offered: Mapping[str, Any]) -> Batching:
    """Settle how payloads are cut: the request first, then what `/execution-parameters` offered.

    Raises:
        ValueError: What the container offered is of no use.
    """
    strategy = facts.strategy or _offered_strategy(offered)
    payload_mb = facts.max_payload_mb
    if payload_mb is None:
        payload_mb = int(offered.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB))
        if not 1 <= payload_mb <= MAX_PAYLOAD_MB:
            raise ValueError(f"expected MaxPayloadInMB from 1 to {MAX_PAYLOAD_MB}")
    max_concurrent = facts.max_concurrent or int(offered.get("MaxConcurrentTransforms", 1))
    if max_concurrent < 1:
        raise ValueError("expected MaxConcurrentTransforms above 0")
    if payload_mb == 0 and strategy == "SingleRecord":
        raise ValueError("SINGLE_RECORD is not emulated where the request has MaxPayloadInMB 0")
    return Batching(
        takes_many_records=strategy == "MultiRecord",
        max_concurrent=max_concurrent,
        max_payload_bytes=payload_mb * BYTES_PER_MB,
    )


def _offered_strategy(offered: Mapping[str, Any]) -> str:
    spelled = offered.get("BatchStrategy", "MULTI_RECORD")
    if spelled not in _STRATEGIES:
        raise ValueError(f"expected BatchStrategy {' or '.join(_STRATEGIES)}")
    return _STRATEGIES[spelled]
