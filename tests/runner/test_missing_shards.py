"""Which shards have no output, and how a transform job is told so."""

from __future__ import annotations

import pytest

from contracts.errors import CallerError
from contracts.plan import Shard, ShardManifest
from runner.missing_shards import missing_shards, s3_manifest

SHARDS = tuple(
    Shard(name=f"shard-00-{number:05d}.csv", record_count=1, byte_count=2, sha256="0", kept_sha256="1")
    for number in range(3)
)
MANIFEST = ShardManifest(shards=SHARDS, sources=(), reason_counts={}, prepare_seconds=0.0)


@pytest.mark.parametrize(
    ("outputs", "missing"),
    [
        ([], [0, 1, 2]),
        (["shard-00-00001.csv.out"], [0, 2]),
        (["shard-00-00002.csv.out", "shard-00-00001.csv.out", "shard-00-00000.csv.out"], []),
        (["shard-00-00000.csv", "other.csv.out", ".shard-00-00001.csv.out.1.partial"], [0, 1, 2]),
    ],
)
def test_a_shard_is_missing_if_no_output_has_its_name(outputs: list[str], missing: list[int]) -> None:
    """In the order of the manifest; names that are no output of a shard count for nothing."""
    assert missing_shards(MANIFEST, outputs) == tuple(SHARDS[number] for number in missing)


def test_the_s3_manifest_file_is_a_prefix_and_the_keys_below_it() -> None:
    """[doc: API_TransformS3DataSource] Each key is put after the prefix as it stands."""
    names = (shard.name for shard in SHARDS[:2])

    assert s3_manifest("s3://b/runs/r/shards/", names) == [
        {"prefix": "s3://b/runs/r/shards/"},
        "shard-00-00000.csv",
        "shard-00-00001.csv",
    ]


@pytest.mark.parametrize(
    ("prefix", "names", "reason"),
    [
        ("s3://b/shards", ["a"], "must end with '/'"),
        ("s3://b/shards/", [], "nothing to transform"),
    ],
)
def test_an_s3_manifest_file_that_would_be_refused_is_not_made(
    prefix: str, names: list[str], reason: str
) -> None:
    with pytest.raises(CallerError, match=reason):
        s3_manifest(prefix, names)
