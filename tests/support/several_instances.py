"""Prepare on several instances and lay out what the report reads, as the pipeline's sharded form would."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from preparation import ARGUMENTS, run_prepare
from tiny_run import TinyRun, write_answers

from contracts.plan import MANIFEST_FILE, read_manifest
from preprocessing.__main__ import main
from reporting.request import ReportPaths, parse_request
from reporting.run import ReconciledRun, Surroundings, publish_run, settle_run

NOW = dt.datetime(2026, 11, 23, 6, 1, 40, tzinfo=dt.timezone.utc)


@dataclass(frozen=True, kw_only=True)
class SeveralInstances:
    """A run that was prepared and scored, and can be reported."""

    paths: ReportPaths
    parameters: Mapping[str, str]

    def report(self) -> ReconciledRun:
        """Reconcile and publish, without drawing."""
        argv = TinyRun(shards=(), parameters=self.parameters).argv()
        around = Surroundings(now=lambda: NOW, announce=lambda _: None, worker_count=2)
        return publish_run(settle_run(parse_request(argv), self.paths, around), self.paths, around.stopwatch)

    @property
    def scores(self) -> list[dict[str, Any]]:
        """All published records: id and score."""
        parts = sorted(self.paths.scores.rglob("part-*.parquet"))
        return [row for part in parts for row in pq.read_table(part, columns=["id", "score"]).to_pylist()]

    @property
    def late(self) -> list[dict[str, Any]]:
        """What the report held back."""
        return [row for path in self._late_paths() for row in pq.read_table(path).to_pylist()]

    def _late_paths(self) -> list[Path]:
        return sorted(self.paths.late_quarantine.rglob("*")) if self.paths.late_quarantine.exists() else []


def prepare_on_several(
    root: Path,
    sources: Mapping[str, Mapping[str, bytes]],
    contract: str,
    parameters: Mapping[str, str] | None = None,
) -> SeveralInstances:
    """Prepare on one instance a host, add their plans up, and score each record with its `x`.

    Args:
        root: An empty folder.
        sources: Content by source key, by host.
        contract: YAML.
        parameters: Pipeline parameters that the report is told.
    """
    inputs = root / "report" / "processing" / "input"
    for host, objects in sources.items():
        config = root / host / "config" / "resourceconfig.json"
        config.parent.mkdir(parents=True)
        config.write_text(json.dumps({"current_host": host, "hosts": list(sources)}))
        done = run_prepare(root / host, dict(objects), contract, part_only="true")
        assert done.exit_code == 0, done.message
        shutil.copytree(done.outputs, inputs, dirs_exist_ok=True)
    argv = [text for pair in ARGUMENTS.items() for text in pair]
    assert main(["plan", *argv], {"BATCHSCORE_ML_ROOT": str(root / "report")}) == 0
    shutil.copytree(root / "report" / "processing" / "output" / "plan", inputs / "plan", dirs_exist_ok=True)
    (inputs / "contract").mkdir()
    (inputs / "contract" / "contract.yaml").write_text(contract)
    (inputs / "transform").mkdir()
    for shard in read_manifest(inputs / "plan" / MANIFEST_FILE).shards:
        records: pa.Table = pq.read_table(inputs / "shards" / shard.name)
        answers = [(row["id"], row["x"], None) for row in records.to_pylist()]
        write_answers(inputs / "transform" / shard.output_name, answers, wire_format="parquet")
    return SeveralInstances(paths=ReportPaths.below(root / "report"), parameters=parameters or {})
