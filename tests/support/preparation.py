"""Run the preprocessing container's entry point on a small tree in a temporary folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.arrow_files import read_arrow
from contracts.plan import ScoringPlan, ShardManifest, read_manifest, read_plan
from preprocessing.__main__ import main

CONTRACT = """
fields:
  - {name: id, type: string, constraints: {required: true}}
  - {name: x, type: number}
  - {name: kind, type: string, categories: [a, b]}
  - {name: label, type: integer, constraints: {enum: [0, 1]}}
primaryKey: id
scoring: {features: [x, kind], label: label}
"""

ARGUMENTS = {
    "--wire-format": "parquet",
    "--input-format": "auto",
    "--input-uri": "s3://bucket/in/",
    "--output-uri": "s3://bucket/out/",
    "--max-instances": "3",
    "--max-concurrency": "1",
    "--max-payload-mb": "1",
    "--deadline-minutes": "60",
    "--records-per-second": "5000",
}


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What one run of the container left behind.

    Attributes:
        root: The folder that stands for `/opt/ml`.
        exit_code: Of the entry point.
    """

    root: Path
    exit_code: int

    @property
    def outputs(self) -> Path:
        """Folder of all outputs."""
        return self.root / "processing" / "output"

    @property
    def message(self) -> str:
        """The failure message, empty if there is none."""
        path = self.root / "output" / "message"
        return path.read_text() if path.exists() else ""

    @property
    def plan(self) -> ScoringPlan:
        """What `plan.json` says."""
        return read_plan(self.outputs / "plan")

    @property
    def manifest(self) -> ShardManifest:
        """What the shard manifest says."""
        return read_manifest(self.outputs / "plan" / "shard_manifest.json")

    def shard_tables(self) -> list[pa.Table]:
        """Return the shards of columns in order."""
        paths = [self.outputs / "shards" / shard.name for shard in self.manifest.shards]
        return [
            read_arrow(path.read_bytes()) if path.suffix == ".arrow" else pq.read_table(path)
            for path in paths
        ]

    def shard_rows(self) -> list[dict[str, Any]]:
        """Return all records of the shards of columns in order."""
        return [row for table in self.shard_tables() for row in table.to_pylist()]

    def kept_rows(self) -> list[dict[str, Any]]:
        """Return all records of the kept files in order."""
        paths = [self.outputs / "kept" / shard.kept_name for shard in self.manifest.shards]
        return [row for path in paths for row in read_arrow(path.read_bytes()).to_pylist()]

    def ids(self) -> list[str]:
        """Return the ids of all valid records, in order."""
        return [row["id"] for row in self.shard_rows()]

    def quarantine(self) -> list[dict[str, Any]]:
        """Return all quarantined records in order."""
        paths = sorted((self.outputs / "quarantine").glob("*.parquet"))
        return [row for path in paths for row in pq.read_table(path).to_pylist()]

    def held_back(self) -> list[tuple[int, str, bytes]]:
        """Return line number, reason code and raw bytes of each quarantined record."""
        return [(row["line_number"], row["reason_code"], row["raw"]) for row in self.quarantine()]


def run_prepare(
    root: Path, sources: dict[str, bytes], contract: str = CONTRACT, **changes: str | None
) -> Preparation:
    """Lay out the tree, run `prepare`, and return what it left.

    Args:
        root: An empty folder.
        sources: Content by source key.
        contract: YAML.
        **changes: Arguments that differ from ARGUMENTS, with `_` for `-`; None leaves one out.
    """
    inputs = root / "processing" / "input"
    (inputs / "contract").mkdir(parents=True)
    (inputs / "source").mkdir()
    (inputs / "contract" / "contract.yaml").write_text(contract)
    for key, content in sources.items():
        path = inputs / "source" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    arguments = {**ARGUMENTS, **{"--" + name.replace("_", "-"): value for name, value in changes.items()}}
    argv = [text for name, value in arguments.items() if value is not None for text in (name, value)]
    exit_code = main(["prepare", *argv], {"BATCHSCORE_ML_ROOT": str(root)})
    return Preparation(root=root, exit_code=exit_code)
