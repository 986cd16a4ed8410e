"""Add up what the preparing instances did, and write the scoring plan.

Each instance writes its part, a shard manifest, below `parts/`. Where one instance prepares, it adds up its
own part; where several do, the step after them does, with the same code.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from contracts.atomic_files import write_json
from contracts.data_profile import (
    PROFILE_FILE,
    PROFILE_PARTS_FOLDER,
    DataProfile,
    add_profiles,
    parse_profile,
)
from contracts.errors import CallerError, InternalError
from contracts.plan import (
    PLAN_PARTS_FOLDER,
    ScoringPlan,
    ShardManifest,
    SourceObject,
    read_manifest,
    write_manifest,
    write_plan,
)
from contracts.sizing import SizingRules, transform_instance_count


def write_part(plan_folder: Path, host: str, manifest: ShardManifest, profile: DataProfile) -> None:
    """Write one instance's part, and the profile of its records."""
    write_json(plan_folder / PROFILE_PARTS_FOLDER / f"{host}.json", profile.document())
    write_manifest(plan_folder / PLAN_PARTS_FOLDER / f"{host}.json", manifest)


def read_profiles(plan_folder: Path) -> list[DataProfile]:
    """Read the profiles of all parts, by host name."""
    folder = plan_folder / PROFILE_PARTS_FOLDER
    return [parse_profile(path.read_bytes(), name=str(path)) for path in sorted(folder.glob("*.json"))]


def write_added_profile(plan_folder: Path, profiles: list[DataProfile]) -> None:
    """Write the profile of all records that were prepared."""
    total = add_profiles(profiles)
    if total is not None:
        write_json(plan_folder / PROFILE_FILE, total.document())


def read_parts(plan_folder: Path) -> list[ShardManifest]:
    """Read all parts, by host name.

    Raises:
        CallerError: There are none.
        PlatformError: One cannot be read.
    """
    folder = plan_folder / PLAN_PARTS_FOLDER
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise CallerError(f"{folder}: no parts of a plan; expected one `<host>.json` for each instance")
    return [read_manifest(path) for path in paths]


def add_parts(parts: list[ShardManifest]) -> ShardManifest:
    """Return one manifest for all parts.

    Loose images of one folder that several instances got are one source object again.

    Raises:
        InternalError: Parts were made under different contracts or wires, or name the same shard or source.
    """
    shards = tuple(shard for part in parts for shard in part.shards)
    sources = _added_sources([source for part in parts for source in part.sources])
    _check_distinct([shard.name for shard in shards], "shard")
    _check_distinct([source.source_key for source in sources], "source object")
    made_under = {(part.contract_fingerprint, part.wire_format) for part in parts}
    if len(made_under) != 1:
        raise InternalError(f"parts of the plan disagree on contract and wire format: {sorted(made_under)}")
    reasons: Counter[str] = Counter()
    for part in parts:
        reasons.update(part.reason_counts)
    return ShardManifest(
        shards=shards,
        sources=sources,
        reason_counts=dict(sorted(reasons.items())),
        prepare_seconds=max(part.prepare_seconds for part in parts),
        contract_fingerprint=parts[0].contract_fingerprint,
        wire_format=parts[0].wire_format,
    )


def _added_sources(sources: list[SourceObject]) -> tuple[SourceObject, ...]:
    """Return source objects by key; those of one folder, whose keys end with `/`, are added up."""
    folders: dict[str, SourceObject] = {}
    for source in sources:
        key = source.source_key
        if key.endswith("/"):
            known = folders.get(key)
            folders[key] = source if known is None else _together(known, source)
    files = [source for source in sources if source.source_key not in folders]
    return tuple(sorted((*files, *folders.values()), key=lambda source: source.source_key))


def _together(one: SourceObject, other: SourceObject) -> SourceObject:
    return replace(
        one,
        byte_count=one.byte_count + other.byte_count,
        record_count=one.record_count + other.record_count,
        quarantined_count=one.quarantined_count + other.quarantined_count,
    )


def _check_distinct(names: list[str], noun: str) -> None:
    doubles = [name for name, count in Counter(names).items() if count > 1]
    if doubles:
        raise InternalError(f"two parts of the plan name the same {noun}: {', '.join(doubles[:5])}")


def scoring_plan(manifest: ShardManifest, rules: SizingRules) -> ScoringPlan:
    """Return the plan for everything that was prepared.

    Raises:
        InternalError: Records read are not records valid + quarantined.
    """
    if manifest.record_count != manifest.valid_count + manifest.quarantined_count:
        raise InternalError(
            f"the books do not balance: read {manifest.record_count} != valid {manifest.valid_count} "
            f"+ quarantined {manifest.quarantined_count}"
        )
    shard_count = len(manifest.shards)
    return ScoringPlan(
        contract_fingerprint=manifest.contract_fingerprint,
        wire_format=manifest.wire_format,
        record_count=manifest.record_count,
        valid_count=manifest.valid_count,
        quarantined_count=manifest.quarantined_count,
        quarantined_fraction=manifest.quarantined_count / max(manifest.record_count, 1),
        source_byte_count=sum(source.byte_count for source in manifest.sources),
        shard_count=shard_count,
        shard_byte_count=sum(shard.byte_count for shard in manifest.shards),
        transform_instance_count=transform_instance_count(_dealt(manifest), rules),
        prepare_seconds=manifest.prepare_seconds,
    )


def _dealt(manifest: ShardManifest) -> list[int]:
    """Return the records of each shard in the order in which they are dealt out: by key."""
    return [shard.record_count for shard in sorted(manifest.shards, key=lambda shard: shard.name)]


def write_added_plan(plan_folder: Path, parts: list[ShardManifest], rules: SizingRules) -> ScoringPlan:
    """Add the parts up, write `plan.json` and the shard manifest, and return the plan."""
    manifest = add_parts(parts)
    plan = scoring_plan(manifest, rules)
    write_plan(plan_folder, plan, manifest)
    return plan
