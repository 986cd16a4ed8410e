"""What a run has written to S3 so far, read from there: its plan, its shards, their outputs, its ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from contracts.errors import PlatformError
from contracts.ledger import LEDGER_FILE, RunLedger, parse_ledger
from contracts.plan import (
    MANIFEST_FILE,
    PLAN_FILE,
    ScoringPlan,
    Shard,
    ShardManifest,
    parse_manifest,
    parse_plan,
)
from runner.aws.objects import ObjectFact, list_objects, read_if_there, read_object
from runner.missing_shards import missing_shards


@dataclass(frozen=True, kw_only=True)
class ScoringProgress:
    """How far the scoring of one execution is.

    Attributes:
        missing: Shards without an output, in the order in which they were cut.
        shard_count: Shards that the execution has to score.
        scored_count: Records in those that have an output.
        record_count: Records in all of them.
    """

    missing: tuple[Shard, ...]
    shard_count: int
    scored_count: int
    record_count: int


@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """The files of one run.

    Attributes:
        s3: Client.
        run_uri: `<OutputUri>runs/<run id>/`.
    """

    s3: Any
    run_uri: str

    def plan(self) -> ScoringPlan | None:
        """Return what the preparation decided; None if it did not come so far."""
        content = read_if_there(self.s3, f"{self.run_uri}plan/{PLAN_FILE}")
        return None if content is None else parse_plan(content, name=f"{self.run_uri}plan/{PLAN_FILE}")

    def manifest(self) -> ShardManifest | None:
        """Return the list of all shards; None if the preparation did not come so far."""
        uri = f"{self.run_uri}plan/{MANIFEST_FILE}"
        content = read_if_there(self.s3, uri)
        return None if content is None else parse_manifest(content, name=uri)

    def ledger(self) -> RunLedger | None:
        """Return the ledger; None if the books were not balanced."""
        uri = f"{self.run_uri}report/{LEDGER_FILE}"
        content = read_if_there(self.s3, uri)
        return None if content is None else parse_ledger(content, name=uri)

    def objects(self, folder: str) -> dict[str, ObjectFact]:
        """Return the objects below one of the run's folders, by their name without folders."""
        found = list_objects(self.s3, f"{self.run_uri}{folder}/")
        return {fact.key.rsplit("/", 1)[-1]: fact for fact in found}

    def missing(self, manifest: ShardManifest) -> tuple[Shard, ...]:
        """Return the shards without an output."""
        return missing_shards(manifest, self.objects("transform"))

    def progress(self, manifest: ShardManifest, names: Iterable[str] | None) -> ScoringProgress:
        """Say how far scoring is.

        Args:
            manifest: All shards of the run.
            names: Of the shards that are to be scored; None for all.
        """
        wanted = None if names is None else set(names)
        own = [shard for shard in manifest.shards if wanted is None or shard.name in wanted]
        missing = tuple(shard for shard in self.missing(manifest) if wanted is None or shard.name in wanted)
        record_count = sum(shard.record_count for shard in own)
        return ScoringProgress(
            missing=missing,
            shard_count=len(own),
            scored_count=record_count - sum(shard.record_count for shard in missing),
            record_count=record_count,
        )


def manifest_names(s3: Any, uri: str) -> list[str]:
    """Return the names of the shards that an S3 manifest file lists.

    Raises:
        PlatformError: It is gone, or none of ours.
    """
    try:
        document = json.loads(read_object(s3, uri))
    except ValueError as error:
        raise PlatformError(f"{uri}: is no S3 manifest file: {error}") from error
    return [entry for entry in document if isinstance(entry, str)]
