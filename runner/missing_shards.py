"""Which shards of a run have no output, and the S3 manifest file that names them to a transform job.

Pure: whoever calls has listed the outputs, from a folder or from S3.
"""

from __future__ import annotations

from collections.abc import Iterable

from contracts.errors import CallerError
from contracts.plan import Shard, ShardManifest


def missing_shards(manifest: ShardManifest, output_names: Iterable[str]) -> tuple[Shard, ...]:
    """Return the shards without an output, in the order in which they were cut.

    Args:
        manifest: All shards of the run.
        output_names: File names (without folders) of the outputs that are there. An output is there whole
            or not at all [doc: "Use Batch Transform"], so that its name is all that counts.
    """
    found = set(output_names)
    return tuple(shard for shard in manifest.shards if shard.output_name not in found)


def s3_manifest(prefix_uri: str, names: Iterable[str]) -> list[dict[str, str] | str]:
    """Return the document of an S3 manifest file: the prefix, then the keys below it, in their order.

    Raises:
        CallerError: The prefix does not end with `/`, or there is no name: a transform job without objects
            is refused.
    """
    if not prefix_uri.endswith("/"):
        raise CallerError(f"{prefix_uri}: keys are put after this prefix as they stand; it must end with '/'")
    keys = list(names)
    if not keys:
        raise CallerError(f"no shard below {prefix_uri} is named, so there is nothing to transform")
    return [{"prefix": prefix_uri}, *keys]
