"""Read a little of the input with the project's own readers: does the contract fit, how large is a record.

The start of a few source objects is read with ranged requests and prepared on this machine by the code of the
preparing container, as `batchscore contract check --against` does. Records of Parquet objects are counted in
their footers; those of all others are estimated from the bytes that a record of the sample takes.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.container_paths import CONTRACT_INPUT, PLAN_OUTPUT, SOURCE_INPUT, inside
from contracts.errors import CallerError
from contracts.plan import MANIFEST_FILE, ShardManifest, read_manifest
from contracts.wire import wire_format
from runner.aws.checks import CannotTellError
from runner.aws.objects import ObjectFact
from runner.aws.ranged_object import read_start
from runner.aws.sample_cut import SAMPLE_BYTES, cut_sample
from runner.aws.source_listing import SourceListing, footer_record_count, parquet_file, spread
from runner.container_code import ask_container

SAMPLE_OBJECTS = 3
"""Of each kind (Parquet and others), spread over the keys."""

SAMPLE_PARQUET_RECORDS = 5_000
MAX_FOOTERS = 200
_IMAGES = "images"
"""The InputFormat by which every object is an image file, whatever its name."""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How the sample is to be prepared.

    Attributes:
        contract: Content of the dataset contract.
        contract_name: Of its file.
        output_uri: The OutputUri parameter.
        wire_name: Of the wire format.
        keep_columns: The KeepColumns parameter.
        max_payload_mb: The MaxPayloadInMB parameter.
    """

    contract: bytes
    contract_name: str
    output_uri: str
    wire_name: str
    keep_columns: str
    max_payload_mb: int


@dataclass(frozen=True, kw_only=True)
class SampleFacts:
    """What the sample and the footers say.

    Attributes:
        record_count: Of the sample.
        quarantined_count: Of the sample.
        reason_counts: Quarantined records of the sample by reason code.
        object_count: Objects sampled.
        byte_count: Of the sample, as delivered.
        total_record_count: Of the whole input.
        is_exact: Whether all of them were counted, in footers or in the sample, and none estimated.
        shard_bytes_per_record: In a shard; None where no shard need fit into one payload.
    """

    record_count: int
    quarantined_count: int
    object_count: int
    byte_count: int
    total_record_count: int
    is_exact: bool
    shard_bytes_per_record: float | None
    reason_counts: dict[str, int] = field(default_factory=dict)


def read_sample(s3: Any, listing: SourceListing, preparation: Preparation) -> SampleFacts:
    """Prepare a sample of the input and count its records.

    Raises:
        BatchScoreError: The readers refuse the sample under the contract.
        CannotTellError: No whole record can be cut off the start of an object.
    """
    with tempfile.TemporaryDirectory(prefix="batchscore-plan-") as temporary:
        root = Path(temporary)
        folder = inside(root, SOURCE_INPUT)
        delivered = _lay_all(s3, listing, folder)
        contract = inside(root, CONTRACT_INPUT) / preparation.contract_name
        contract.parent.mkdir(parents=True, exist_ok=True)
        contract.write_bytes(preparation.contract)
        ask_container(_argv(listing, preparation), root)
        manifest = read_manifest(inside(root, PLAN_OUTPUT) / MANIFEST_FILE)
    if not manifest.record_count:
        raise CallerError(f"InputUri {listing.uri}: the sample of {len(delivered)} objects holds no record")
    total, is_exact = _count_all(s3, listing, manifest, delivered)
    return SampleFacts(
        record_count=manifest.record_count,
        quarantined_count=manifest.quarantined_count,
        reason_counts=manifest.reason_counts,
        object_count=len(delivered),
        byte_count=round(sum(delivered.values())),
        total_record_count=total,
        is_exact=is_exact,
        shard_bytes_per_record=_shard_bytes_per_record(manifest, preparation.wire_name),
    )


def _lay_all(s3: Any, listing: SourceListing, folder: Path) -> dict[str, float]:
    """Write the starts of some objects to a folder; return the bytes that each stands for, by name."""
    delivered = {}
    for fact in spread(listing.parquet, SAMPLE_OBJECTS):
        name = listing.name_of(fact)
        delivered[name] = _lay_parquet(s3, fact, _place(folder, name))
    for fact in spread(listing.others, SAMPLE_OBJECTS):
        start = read_start(s3, fact, SAMPLE_BYTES)
        is_whole = len(start) >= fact.byte_count
        if listing.input_format == _IMAGES and not is_whole:
            raise CannotTellError(f"{fact.uri}: is an image file, whose start cannot be read alone")
        cut = cut_sample(listing.name_of(fact), start, is_whole=is_whole)
        _place(folder, cut.name).write_bytes(cut.content)
        delivered[cut.name] = cut.delivered_byte_count
    return delivered


def _place(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise CannotTellError(f"{name!r}: such a key cannot be laid into a folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _lay_parquet(s3: Any, fact: ObjectFact, path: Path) -> float:
    with parquet_file(s3, fact) as source:
        count = source.metadata.num_rows
        schema = source.schema_arrow
        batch = next(source.iter_batches(batch_size=SAMPLE_PARQUET_RECORDS), None)
    table = schema.empty_table() if batch is None else pa.Table.from_batches([batch])
    pq.write_table(table, path)
    return float(fact.byte_count * table.num_rows / max(count, 1))


def _argv(listing: SourceListing, preparation: Preparation) -> tuple[str, ...]:
    options = {
        "wire-format": preparation.wire_name,
        "input-format": listing.input_format,
        "input-uri": listing.uri,
        "output-uri": preparation.output_uri,
        "keep-columns": preparation.keep_columns,
        "max-instances": "1",
        "max-concurrency": "1",
        "max-payload-mb": str(preparation.max_payload_mb),
        "deadline-minutes": "60",
        "records-per-second": "1",
    }
    return (
        "python3",
        "-m",
        "preprocessing",
        "prepare",
        *(part for name, value in options.items() for part in (f"--{name}", value)),
    )


def _count_all(
    s3: Any, listing: SourceListing, manifest: ShardManifest, delivered: dict[str, float]
) -> tuple[int, bool]:
    parquet, others = listing.parquet, listing.others
    read = spread(parquet, MAX_FOOTERS)
    counted = sum(footer_record_count(s3, fact) for fact in read)
    read_bytes = sum(fact.byte_count for fact in read)
    in_parquet = counted * sum(fact.byte_count for fact in parquet) / max(read_bytes, 1)
    names = {listing.name_of(fact) for fact in parquet}
    sampled = sum(source.record_count for source in manifest.sources if source.source_key not in names)
    sampled_bytes = sum(byte_count for name, byte_count in delivered.items() if name not in names)
    other_bytes = sum(fact.byte_count for fact in others)
    in_others = sampled * other_bytes / max(sampled_bytes, 1)
    return round(in_parquet + in_others), len(read) == len(parquet) and sampled_bytes == other_bytes


def _shard_bytes_per_record(manifest: ShardManifest, wire_name: str) -> float | None:
    """Return what PrepareInput measures too: only shards of columns must each fit into one payload."""
    if not wire_format(wire_name).has_columns or not manifest.valid_count:
        return None
    return sum(shard.byte_count for shard in manifest.shards) / manifest.valid_count
