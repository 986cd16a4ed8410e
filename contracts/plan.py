"""What PrepareInput found and decided: `plan.json` and the shard manifest.

`plan.json` is small (a property file may be, and the pipeline's conditions read it through `Std:JsonGet`);
the shard manifest beside it has one entry a shard and a source object. When several instances prepare, each
writes a plan part, and the parts are added up.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.atomic_files import write_json
from contracts.errors import PlatformError

PLAN_FILE = "plan.json"
MANIFEST_FILE = "shard_manifest.json"
PLAN_PARTS_FOLDER = "parts"
"""Below the plan folder: one `<host>.json` (a ShardManifest) for each instance that prepared."""

SOURCE_KEY_COLUMN = "batchscore.source_key"
LINE_NUMBER_COLUMN = "batchscore.line_number"
PLACE_COLUMNS = (SOURCE_KEY_COLUMN, LINE_NUMBER_COLUMN)
"""Columns of a kept file, where several instances prepare: where each record stands. No field of a contract
may have such a name."""

DUPLICATES_PATTERN = "duplicates-*.arrow"
"""Matches, beside the kept files, what `duplicates_name` names, and nothing else."""


def duplicates_name(host_index: int) -> str:
    """Return the name of the file with id and place of what one of several instances held back for its id."""
    return f"duplicates-{host_index:02d}.arrow"


@dataclass(frozen=True, kw_only=True)
class SourceObject:
    """One source object as read.

    Attributes:
        source_key: Its path below the input prefix, with `/`.
        byte_count: Its size as delivered.
        record_count: Records read: valid and quarantined.
        quarantined_count: Records held back.
    """

    source_key: str
    byte_count: int
    record_count: int
    quarantined_count: int


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One object cut for the transform job.

    Attributes:
        name: File name below the shards folder, and the same (ending in `.arrow`) below the kept folder.
        record_count: Records in it, in the order of the source.
        byte_count: Its size.
        sha256: Hex digest of its bytes.
        kept_sha256: Hex digest of the kept file's bytes.
    """

    name: str
    record_count: int
    byte_count: int
    sha256: str
    kept_sha256: str

    @property
    def kept_name(self) -> str:
        """Name of the file with this shard's ids, labels and kept columns, in the same order."""
        return self.name.rsplit(".", 1)[0] + ".arrow"

    @property
    def output_name(self) -> str:
        """Name that Batch Transform gives to this shard's scores."""
        return self.name + ".out"


@dataclass(frozen=True, kw_only=True)
class ShardManifest:
    """All shards and source objects of one run, or of one instance's part of it.

    Attributes:
        shards: In the order in which they were cut.
        sources: In the order in which they were read.
        reason_counts: Quarantined records by reason code.
        prepare_seconds: Wall time of the slowest instance.
        contract_fingerprint: Of the contract under which the shards were made.
        wire_format: Name of the wire format of the shards.
    """

    shards: tuple[Shard, ...]
    sources: tuple[SourceObject, ...]
    reason_counts: dict[str, int]
    prepare_seconds: float
    contract_fingerprint: str = ""
    wire_format: str = ""

    @property
    def record_count(self) -> int:
        """Records read."""
        return sum(source.record_count for source in self.sources)

    @property
    def quarantined_count(self) -> int:
        """Records held back."""
        return sum(source.quarantined_count for source in self.sources)

    @property
    def valid_count(self) -> int:
        """Records that went into shards."""
        return sum(shard.record_count for shard in self.shards)


@dataclass(frozen=True, kw_only=True)
class ScoringPlan:
    """The numbers that steps after PrepareInput read.

    Attributes:
        contract_fingerprint: Of the contract under which the shards were made.
        wire_format: Name of the wire format of the shards.
        record_count: Records read.
        valid_count: Records in shards.
        quarantined_count: Records held back.
        quarantined_fraction: Held back / read, in [0, 1]; 0 where nothing was read.
        source_byte_count: Bytes of all source objects as delivered.
        shard_count: Shards written.
        shard_byte_count: Bytes of all shards.
        transform_instance_count: Instances that the transform job should have; at least 1.
        prepare_seconds: Wall time of preparation.
    """

    contract_fingerprint: str
    wire_format: str
    record_count: int
    valid_count: int
    quarantined_count: int
    quarantined_fraction: float
    source_byte_count: int
    shard_count: int
    shard_byte_count: int
    transform_instance_count: int
    prepare_seconds: float


def write_plan(folder: Path, plan: ScoringPlan, manifest: ShardManifest) -> None:
    """Write `plan.json` and the shard manifest into `folder`."""
    write_manifest(folder / MANIFEST_FILE, manifest)
    write_json(folder / PLAN_FILE, dataclasses.asdict(plan))


def write_manifest(path: Path, manifest: ShardManifest) -> None:
    """Write one manifest, whole or not at all."""
    write_json(path, dataclasses.asdict(manifest))


def read_plan(folder: Path) -> ScoringPlan:
    """Read `plan.json` from `folder`.

    Raises:
        PlatformError: It is missing or not ours.
    """
    path = folder / PLAN_FILE
    return parse_plan(_content(path), name=str(path))


def read_manifest(path: Path) -> ShardManifest:
    """Read one manifest.

    Raises:
        PlatformError: It is missing or not ours.
    """
    return parse_manifest(_content(path), name=str(path))


def parse_plan(content: bytes, *, name: str) -> ScoringPlan:
    """Return the plan that the bytes of a `plan.json` say; `name` is for the message.

    Raises:
        PlatformError: It is not ours.
    """
    plan: ScoringPlan = _parse(content, name, lambda document: ScoringPlan(**document))
    return plan


def parse_manifest(content: bytes, *, name: str) -> ShardManifest:
    """Return the manifest that the bytes of its file say; `name` is for the message.

    Raises:
        PlatformError: It is not ours.
    """
    manifest: ShardManifest = _parse(content, name, _manifest_from)
    return manifest


def _manifest_from(document: dict[str, Any]) -> ShardManifest:
    shards = tuple(Shard(**entry) for entry in document.pop("shards"))
    sources = tuple(SourceObject(**entry) for entry in document.pop("sources"))
    return ShardManifest(shards=shards, sources=sources, **document)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(str(path), error) from error


def _parse(content: bytes, name: str, build: Any) -> Any:
    try:
        return build(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> PlatformError:
    return PlatformError(f"{name}: cannot be read as what PrepareInput writes: {error!r}")
